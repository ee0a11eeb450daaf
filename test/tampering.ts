import { rowsOf } from "#test/world.ts";

/** Changes one character of a sealed value where it lies, past the handle: it stays an envelope, of no key's making. */
export async function tamper(
  database: D1Database,
  table: string,
  column: string,
  tenantId: string,
  id: string,
): Promise<void> {
  const [row] = await rowsOf<{ sealed: string }>(
    database,
    `select "${column}" as sealed from "${table}" where tenant_id = ? and id = ?`,
    tenantId,
    id,
  );
  if (!row) throw new Error("There is no such row to tamper with.");
  const at = row.sealed.length - 10;
  const other = row.sealed[at] === "A" ? "B" : "A";
  await database
    .prepare(`update "${table}" set "${column}" = ? where tenant_id = ? and id = ?`)
    .bind(row.sealed.slice(0, at) + other + row.sealed.slice(at + 1), tenantId, id)
    .run();
}
