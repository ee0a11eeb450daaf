import { beforeAll, expect, test } from "vitest";
import { newestMigrations } from "#db/schema-check.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { cellsOf } from "#platform/cells.ts";
import { clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith } from "#test/world.ts";

const { call } = clientOf();

beforeAll(() => ensureDirectoryKeys(testEnv(), Date.now()));

const broken: Readonly<Record<string, { changes: Record<string, unknown>; check: string }>> = {
  "a cell's database": { changes: { CELL_EU1: undefined }, check: "schema of cell eu1" },
  "a cell's bucket": { changes: { FILES_EU1: undefined }, check: "files of cell eu1" },
  "a cell's queue": { changes: { AUDIT_EVENTS_US1: {} }, check: "queue of cell us1" },
  "a cell's queue of webhooks": {
    changes: { WEBHOOKS_EU1: undefined },
    check: "queue of webhooks of cell eu1",
  },
  "a cell's log": { changes: { LOG_EU1: undefined }, check: "schema of the log of cell eu1" },
  "a cell's call archive": { changes: { CALL_ARCHIVE_US1: undefined }, check: "call archive of cell us1" },
  "a cell's queue of calls": { changes: { CALLS_US1: undefined }, check: "queue of calls of cell us1" },
  "the gates": { changes: { GATES: undefined }, check: "gates" },
  "the least version of TLS": { changes: { MIN_TLS: "TLSv1.3" }, check: "transport" },
  "the key-encryption keys": { changes: { KEYLINE_KEKS: "" }, check: "key-encryption keys" },
};

for (const [what, { changes, check }] of Object.entries(broken)) {
  test(`without ${what} it is not ready, says which check failed and what to do, and nothing of the rest`, async () => {
    const { status, json, text } = await ready(envWith(changes));
    expect([status, json.type]).toEqual([503, "/problems/unavailable"]);
    // Without what wraps them, the directory's keys do not open either.
    const failed = json.errors.map(({ parameter }: { parameter: string }) => parameter);
    expect(failed.filter((name: string) => name !== "directory keys")).toEqual([check]);
    expect(text).not.toMatch(/audit_log|\.sql|binding/i);
  });
}

test("a trigger that is gone is named in the log, and not to whoever asks", async () => {
  const database = testEnv().CELL_EU1 as D1Database;
  const [trigger] = (
    await database
      .prepare("select sql from sqlite_master where name = 'audit_log_refuses_update'")
      .all<{ sql: string }>()
  ).results;
  await database.prepare("drop trigger audit_log_refuses_update").run();
  const { status, json, text } = await ready(envWith({}));
  await database.prepare(trigger?.sql ?? "").run();
  expect([status, json.errors.length]).toEqual([503, 1]);
  expect(json.errors).toMatchObject([{ parameter: "schema of cell eu1" }]);
  expect(text).not.toContain("audit_log");
});

test("a migration that is newer than this code is no fault", async () => {
  const database = testEnv().CELL_EU1 as D1Database;
  await database.prepare("insert into d1_migrations (name) values ('9999_newer.sql')").run();
  const { status } = await ready(envWith({}));
  await database.prepare("delete from d1_migrations where name = '9999_newer.sql'").run();
  expect(status).toBe(200);
});

test("the newest migration of each kind is the folder's last", () => {
  const migrations = testEnv().TEST_MIGRATIONS;
  for (const kind of ["directory", "cell", "log"] as const)
    expect([kind, newestMigrations[kind]]).toEqual([kind, migrations[kind].at(-1)?.name]);
});

test("a deployment with all its bindings is ready, and each of a cell's was looked at", async () => {
  const { status, json } = await ready(envWith({}));
  expect(status).toBe(200);
  const names = json.checks.map(({ name }: { name: string }) => name);
  for (const { id } of cellsOf(testEnv()))
    for (const what of [
      "schema",
      "schema of the log",
      "files",
      "call archive",
      "queue",
      "queue of webhooks",
      "queue of calls",
    ])
      expect(names).toContain(`${what} of cell ${id}`);
});

function ready(env: TestEnv) {
  return call("system.ready", { env });
}
