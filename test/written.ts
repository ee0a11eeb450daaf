import { cellsOf } from "#platform/cells.ts";
import { testEnv } from "#test/env.ts";
import { rowsOf } from "#test/world.ts";

/** How many rows each table of each database has, with the sums of what is counted up in place. */
export async function written(): Promise<Record<string, number>> {
  const databases = [...cellsOf(testEnv()), { id: "directory", database: testEnv().DIRECTORY }];
  const counts = await Promise.all(databases.map(({ id, database }) => countsOf(id, database)));
  return Object.assign({}, ...counts);
}

/** What was added between two counts. */
export function grown(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
  return Object.fromEntries(changed.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
}

const namesByDatabase = new Map<string, readonly string[]>();

export async function tablesOf(id: string, database: D1Database): Promise<readonly string[]> {
  const known = namesByDatabase.get(id);
  if (known) return known;
  const rows = await rowsOf<{ name: string }>(
    database,
    "select name from pragma_table_list where type in ('table', 'virtual') and schema = 'main' and name not like 'sqlite_%' and name not like '\\_cf%' escape '\\' and name <> 'd1_migrations'",
  );
  const names = rows.map(({ name }) => name);
  namesByDatabase.set(id, names);
  return names;
}

async function countsOf(id: string, database: D1Database): Promise<Record<string, number>> {
  const tables = await tablesOf(id, database);
  // A gate tells of its principal's last use whenever its minute is over, whatever else goes on.
  const counted = [
    ...tables
      .filter((name) => name !== "last_uses")
      .map((name) => [name, `select count(*) as count from "${name}"`]),
    ["counted", "select sum(value) as count from counters"],
    ["epochs", "select sum(epoch) as count from tenant_state"],
  ];
  const results = await database.batch<{ count: number }>(
    counted.map(([, text]) => database.prepare(text ?? "")),
  );
  return Object.fromEntries(
    results.map(({ results: [row] }, index) => [`${id} ${counted[index]?.[0]}`, row?.count ?? 0]),
  );
}
