import { expect, test } from "vitest";
import { type TechnicalTable, technicalTables } from "#db/technical-tables.ts";
import { metaOf, tenantTables } from "#db/tenant-table.ts";
import { cellsOf } from "#platform/cells.ts";
import { registry } from "#resources/index.ts";
import { testEnv } from "#test/env.ts";
import { rowsOf } from "#test/world.ts";
import { tablesOf } from "#test/written.ts";

// DESIGN's third wall, as it lies in the databases: migrations and declarations may both say otherwise.

/** Columns of entity tables that name what no row beside them is. By hand. */
const namesNoRowHere: Readonly<Record<string, string>> = {
  "alerts.subject_id": "whatever it is about, or nothing",
  "alerts.acknowledger_id": "a member or an API key",
  "api_keys.creator_id": "a member or an API key",
  "api_keys.successor_id": "a key of this very table, made in the batch that names it",
  "oauth_clients.creator_id": "a member or an API key",
  "webhook_endpoints.creator_id": "a member or an API key",
  "key_limits.creator_id": "a member or an API key",
  "invitations.inviter_id": "a member or an API key",
  "files.document_id": "what the revisions of one document share",
  "files.upload_id": "R2's own",
  "operator_notices.source_id": "lies in a tenant's cell, or is a row of the platform's audit",
  "outgoing_mails.user_id": "may outlive the account that it is about, for a day",
  "members.user_id": "lies in the directory",
  "sso_connections.client_id": "the issuer's own",
  "sso_domain_claims.connection_id": "lies in the tenant's cell",
  "support_visits.session_id": "outlives the session",
  "support_visits.grant_id": "lies in the tenant's cell",
  "support_visits.member_id": "lies in the tenant's cell",
  "outside_members.identity_id": "lies in the directory",
  "outside_member_index.member_id": "lies in the tenant's cell",
};

/** The one key that FTS5 dictates: a number. The tenant is a part of the table's own second key. */
const keyedByNumber: TechnicalTable = "search_rows";

test("every entity table is STRICT, and its rows are known by tenant and id", async () => {
  const tables = await allTables();
  const entities = tables.filter(({ name }) => tenantTables().has(name));
  expect(new Set(entities.map(({ name }) => name))).toEqual(new Set(tenantTables().keys()));
  for (const { name, isStrict, primaryKey } of entities)
    expect([name, isStrict, primaryKey]).toEqual([name, 1, ["tenant_id", "id"]]);
});

test("every entity table lies where it says, and nowhere else", async () => {
  const lying = new Map<string, Set<string>>();
  for (const { name, isOfDirectory } of await allTables())
    lying.set(name, (lying.get(name) ?? new Set()).add(isOfDirectory ? "directory" : "cell"));
  for (const [name, table] of tenantTables())
    expect([name, ...(lying.get(name) ?? [])]).toEqual([name, metaOf(table).store]);
});

test("every technical table is STRICT, and its key begins with the tenant", async () => {
  const tables = (await allTables()).filter(({ name }) => Object.hasOwn(technicalTables, name));
  expect(new Set(tables.map(({ name }) => name))).toEqual(new Set(Object.keys(technicalTables)));
  for (const { name, isStrict, primaryKey, uniques } of tables) {
    expect([name, isStrict]).toEqual([name, 1]);
    const key = name === keyedByNumber ? uniques[0] : primaryKey;
    expect(key?.[0], `${name}: a key without its tenant first is one for all tenants`).toBe("tenant_id");
  }
});

test("no two tenants can collide in what is unique", async () => {
  for (const { name, uniques } of await allTables())
    for (const columns of uniques) expect(columns[0], `a unique index of ${name}`).toBe("tenant_id");
});

test("every reference carries its tenant along", async () => {
  let count = 0;
  for (const { name, foreignKeys } of await allTables()) {
    for (const { to, from, columns } of foreignKeys) {
      const [tenant, id, ...others] = from;
      expect([tenant, columns, others], `${name} refers to ${to}`).toEqual([
        "tenant_id",
        ["tenant_id", "id"],
        [],
      ]);
      expect(id, `${name} refers to ${to}`).toMatch(/_id$/);
      expect(tenantTables().has(to), `${name} refers to ${to}`).toBe(true);
      count += 1;
    }
  }
  expect(count).toBeGreaterThan(15);
});

test("every id of another row in an entity table is a reference, or is listed here with why not", async () => {
  const loose: string[] = [];
  for (const { name, columns, foreignKeys } of await allTables()) {
    if (!tenantTables().has(name)) continue;
    const referring = foreignKeys.flatMap(({ from }) => from);
    const ids = columns.filter((column) => column.endsWith("_id") && column !== "tenant_id");
    loose.push(...ids.filter((column) => !referring.includes(column)).map((column) => `${name}.${column}`));
  }
  const todo = "give it foreign key (tenant_id, x_id) references x (tenant_id, id), or say above why not";
  expect(new Set(loose), todo).toEqual(new Set(Object.keys(namesNoRowHere)));
});

async function allTables() {
  // The resources' own tables are declared where they are.
  expect(Object.keys(registry).length).toBeGreaterThan(0);
  const { DIRECTORY } = testEnv();
  const databases = [
    { id: "directory", database: DIRECTORY },
    ...cellsOf(testEnv()).flatMap(({ id, database, log }) => [
      { id, database },
      { id: `log ${id}`, database: log },
    ]),
  ];
  const tables = databases.map(async ({ id, database }) => {
    const names = (await tablesOf(id, database)).filter((name) => name !== "search_index");
    const isOfDirectory = id === "directory";
    return await Promise.all(
      names.map(async (name) => ({ ...(await tableOf(database, name)), isOfDirectory })),
    );
  });
  return (await Promise.all(tables)).flat();
}

async function tableOf(database: D1Database, name: string) {
  const [[table], columns, keys, indexes] = await Promise.all([
    rowsOf<{ strict: number }>(database, "select strict from pragma_table_list where name = ?", name),
    rowsOf<{ name: string; pk: number }>(database, "select name, pk from pragma_table_info(?)", name),
    rowsOf<{ id: number; table: string; from: string; to: string }>(
      database,
      'select id, "table", "from", "to" from pragma_foreign_key_list(?) order by id, seq',
      name,
    ),
    rowsOf<{ index: string; column: string }>(
      database,
      'select list.name as "index", info.name as "column" from pragma_index_list(?) as list, pragma_index_info(list.name) as info where list."unique" = 1 and list.origin <> \'pk\' order by list.name, info.seqno',
      name,
    ),
  ]);
  return {
    name,
    isStrict: table?.strict,
    columns: columns.map((column) => column.name),
    primaryKey: columns
      .filter(({ pk }) => pk > 0)
      .toSorted((a, b) => a.pk - b.pk)
      .map((column) => column.name),
    foreignKeys: [...Map.groupBy(keys, ({ id }) => id).values()].map((parts) => ({
      to: parts[0]?.table ?? "",
      from: parts.map(({ from }) => from),
      columns: parts.map(({ to }) => to),
    })),
    uniques: [...Map.groupBy(indexes, ({ index }) => index).values()].map((parts) =>
      parts.map(({ column }) => column),
    ),
  };
}
