import { beforeAll, expect, test, vi } from "vitest";
import { schemaState } from "#db/schema-check.ts";
import { type SchemaRow, schemaDigestsOf, schemaQuery } from "#db/schema-definitions.ts";
import { schemaDigests } from "#db/schema-digests.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { guardSchema, namedDatabases } from "#jobs/guard-schema.ts";
import { hourMs } from "#lib/time.ts";
import { testEnv } from "#test/env.ts";
import { rowsOf } from "#test/world.ts";

// What a schema was altered by, and what is told of it. That readiness asks for each trigger is readiness.test.ts's.

interface Alteration {
  /** What is executed, given how the object stands; the last one is how it is undone. */
  readonly texts: (sql: string) => readonly string[];
  readonly undo: (sql: string) => readonly string[];
  readonly of: string;
  readonly is: string;
}

const again = (drop: string) => (sql: string) => [drop, sql];
const alterations: Readonly<Record<string, Alteration>> = {
  "a trigger that was dropped": {
    of: "trigger audit_log_refuses_delete",
    texts: () => ["drop trigger audit_log_refuses_delete"],
    undo: (sql) => [sql],
    is: "missing",
  },
  "a trigger that was made to do nothing": {
    of: "trigger audit_log_refuses_update",
    texts: (sql) => [
      "drop trigger audit_log_refuses_update",
      sql.replace("before update", "before update of id"),
    ],
    undo: again("drop trigger audit_log_refuses_update"),
    is: "not as the migrations left it",
  },
  "a trigger whose message alone differs": {
    of: "trigger audit_log_refuses_update",
    texts: (sql) => ["drop trigger audit_log_refuses_update", sql.replace("append-only'", "append-only '")],
    undo: again("drop trigger audit_log_refuses_update"),
    is: "not as the migrations left it",
  },
  "a table that was made anew without its CHECK": {
    of: "table tenant_state",
    texts: (sql) => rebuilt("tenant_state", sql.replace(/ check \([^)]*\)\)/, "")),
    undo: (sql) => rebuilt("tenant_state", sql),
    is: "not as the migrations left it",
  },
  "a table with a column more": {
    of: "table purge_permits",
    texts: () => ["alter table purge_permits add column note text"],
    undo: () => ["alter table purge_permits drop column note"],
    is: "not as the migrations left it",
  },
  "an index that was dropped": {
    of: "index intents_due",
    texts: () => ["drop index intents_due"],
    undo: (sql) => [sql],
    is: "missing",
  },
  "an index that no longer keeps twice the same out": {
    of: "index outside_organization_claims_linked",
    texts: (sql) => ["drop index outside_organization_claims_linked", sql.replace(/unique /i, "")],
    undo: again("drop index outside_organization_claims_linked"),
    is: "not as the migrations left it",
  },
  "a trigger that swallows what is audited": {
    of: "trigger search_index_data_quiet",
    texts: () => [
      "create trigger search_index_data_quiet before insert on audit_log begin select raise(ignore); end",
    ],
    undo: () => ["drop trigger search_index_data_quiet"],
    is: "from no migration",
  },
  "a view in an own name": {
    of: "view sqlite3_audit",
    texts: () => ["create view sqlite3_audit as select row from audit_log"],
    undo: () => ["drop view sqlite3_audit"],
    is: "from no migration",
  },
};

beforeAll(() => ensureDirectoryKeys(testEnv(), Date.now()));

for (const [what, { of, texts, undo, is }] of Object.entries(alterations)) {
  test(`${what} is found and named`, async () => {
    const { DIRECTORY } = testEnv();
    const sql = await definitionOf(of);
    const altering = texts(sql);
    expect(altering).not.toContain(sql);
    await run(altering);
    const { faults } = await schemaState(DIRECTORY, "directory");
    await run(undo(sql));
    expect(faults).toEqual([{ object: of, is }]);
    expect((await schemaState(DIRECTORY, "directory")).faults).toEqual([]);
  });
}

test("the digests are those of the databases as D1 migrated them", async () => {
  const todo = "The migrations have changed: run `npm run client`, which writes src/db/schema-digests.ts.";
  for (const { kind, open } of namedDatabases(testEnv())) {
    const rows = await rowsOf<SchemaRow>(open(), schemaQuery);
    expect(await schemaDigestsOf(rows), todo).toEqual(schemaDigests[kind]);
  }
});

test("comments and line breaks are no difference, and what stands in quotes is", async () => {
  const digestOf = async (sql: string) =>
    (await schemaDigestsOf([{ type: "table", name: "t", sql }]))["table t"];
  const one = await digestOf("CREATE TABLE t (a text default ' -- x')");
  expect(await digestOf("CREATE TABLE t -- why\r\n  (a text /* or\n so */ default ' -- x')\n")).toBe(one);
  expect(await digestOf(`CREATE TABLE "t" (a text default ' -- x')`)).toBe(one);
  expect(await digestOf("CREATE TABLE t (a text default ' -- y')")).not.toBe(one);
  expect(await digestOf("CREATE TABLE t (a text default '  -- x')")).not.toBe(one);
});

test("what D1 and FTS5 keep for themselves is nobody's business, but for their names alone", async () => {
  const table = (name: string, sql = `CREATE TABLE ${name} (a)`) => ({ type: "table", name, sql });
  const words = table("words", "CREATE VIRTUAL TABLE words using fts5 (a)");
  const own = [
    "_cf_KV",
    "d1_migrations",
    "sqlite_stat1",
    "words_data",
    "words_idx",
    "words_docsize",
    "words_config",
  ];
  const found = await schemaDigestsOf([words, ...own.map((name) => table(name)), table("words_kept")]);
  expect(Object.keys(found)).toEqual(["table words", "table words_kept"]);
});

test("a database that is ahead of this code is held to its triggers alone for a day, one that is behind to its migration too", async () => {
  const { DIRECTORY } = testEnv();
  const index = await definitionOf("index intents_due");
  const trigger = await definitionOf("trigger commit_guard_raises");
  await run(["drop index intents_due", "insert into d1_migrations (name) values ('9999_newer.sql')"]);
  expect(await schemaState(DIRECTORY, "directory")).toEqual({ faults: [], isAhead: true });
  await run(["drop trigger commit_guard_raises"]);
  expect(await schemaState(DIRECTORY, "directory")).toEqual({
    faults: [{ object: "trigger commit_guard_raises", is: "missing" }],
    isAhead: true,
  });
  // One of its name that does nothing hides behind no made-up migration.
  await run(["create trigger commit_guard_raises before insert on commit_guard begin select 1; end"]);
  expect(await schemaState(DIRECTORY, "directory")).toEqual({
    faults: [{ object: "trigger commit_guard_raises", is: "not as the migrations left it" }],
    isAhead: true,
  });
  await run(["drop trigger commit_guard_raises"]);
  // Of a deployment that does not come, or made up to hide behind: then nothing is overlooked any more.
  for (const at of ["-25 hours", "+2 hours"]) {
    await run([
      `update d1_migrations set applied_at = datetime('now', '${at}') where name = '9999_newer.sql'`,
    ]);
    expect(await schemaState(DIRECTORY, "directory")).toEqual({
      faults: [
        { object: "index intents_due", is: "missing" },
        { object: "trigger commit_guard_raises", is: "missing" },
        { object: "migration 9999_newer.sql", is: "unknown to this code for a day" },
      ],
      isAhead: false,
    });
  }
  await run(["delete from d1_migrations where name = '9999_newer.sql'"]);
  const [newest] = await rowsOf<{ name: string }>(
    DIRECTORY,
    "select name from d1_migrations order by name desc limit 1",
  );
  await rowsOf(DIRECTORY, "delete from d1_migrations where name = ?", newest?.name);
  expect(await schemaState(DIRECTORY, "directory")).toEqual({
    faults: [
      { object: "trigger commit_guard_raises", is: "missing" },
      { object: `migration ${newest?.name}`, is: "missing" },
    ],
    isAhead: false,
  });
  await rowsOf(DIRECTORY, "insert into d1_migrations (name) values (?)", newest?.name);
  await run([index, trigger]);
  expect((await schemaState(DIRECTORY, "directory")).faults).toEqual([]);
});

test("cron tells the platform of an altered schema, once an hour and when more is amiss", async () => {
  const printed = vi.spyOn(console, "error").mockReturnValue();
  const database = testEnv().CELL_EU1 as D1Database;
  const at = Date.now();
  await guard(at);
  expect(await told()).toEqual({ notes: [], events: [] });
  expect(printed).not.toHaveBeenCalled();

  const definitions = await rowsOf<{ sql: string }>(
    database,
    "select sql from sqlite_master where name in ('audit_log_refuses_update', 'audit_log_by_time')",
  );
  await database.prepare("drop trigger audit_log_refuses_update").run();
  const first = { database: "cell-eu1", faults: 1, first: "the trigger audit_log_refuses_update is missing" };
  await Promise.all([guard(at), guard(at + 1), guard(at + hourMs - 1)]);
  expect((await told()).events).toEqual([first]);
  expect(printed.mock.calls.map(([line]) => JSON.parse(String(line)))).toMatchObject(
    [1, 2, 3].map(() => ({ message: "a schema was altered", database: "cell-eu1", faults: first.first })),
  );
  await database.prepare("drop index audit_log_by_time").run();
  await guard(at + 2);
  const both = { ...first, faults: 2, first: `the index audit_log_by_time is missing; ${first.first}` };
  expect((await told()).events).toEqual([first, both]);
  await guard(at + 2 + hourMs);
  expect((await told()).events).toEqual([first, both, both]);
  expect((await told()).notes).toEqual(
    [first, both, both].map((data) => ["cell-eu1", { faults: data.faults, first: data.first.split("; ") }]),
  );
  for (const { sql } of definitions) await database.prepare(sql).run();
  await guard(at + 3 * hourMs);
  expect((await told()).events).toHaveLength(3);
  printed.mockRestore();
});

function guard(now: number) {
  return guardSchema(testEnv(), namedDatabases(testEnv()), now);
}

async function told() {
  const { DIRECTORY } = testEnv();
  const notes = await rowsOf<{ entity_id: string; row: string }>(
    DIRECTORY,
    "select entity_id, row from audit_log where tenant_id = 'platform' and operation = 'jobs.guard-schema' order by seq",
  );
  const events = await rowsOf<{ data: string }>(
    DIRECTORY,
    "select data from events where tenant_id = 'platform' and type = 'schema.altered' order by seq",
  );
  return {
    notes: notes.map(({ entity_id, row }) => [entity_id, JSON.parse(row)]),
    events: events.map(({ data }) => JSON.parse(data)),
  };
}

function rebuilt(table: string, sql: string): string[] {
  const other = sql.replace(table, `${table}_new`);
  return [
    other,
    `insert into ${table}_new select * from ${table}`,
    `drop table ${table}`,
    `alter table ${table}_new rename to ${table}`,
  ];
}

async function run(texts: readonly string[]): Promise<void> {
  for (const text of texts) await testEnv().DIRECTORY.prepare(text).run();
}

async function definitionOf(object: string): Promise<string> {
  const [type, name] = object.split(" ");
  const [row] = await rowsOf<{ sql: string }>(
    testEnv().DIRECTORY,
    "select sql from sqlite_master where type = ? and name = ?",
    type,
    name,
  );
  return row?.sql ?? "";
}
