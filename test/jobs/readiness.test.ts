import { afterEach, expect, test } from "vitest";
import { newestMigrations } from "#db/schema-check.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { readiness } from "#jobs/readiness.ts";
import { cellsOf } from "#platform/cells.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, proxied, rowsOf } from "#test/world.ts";

const { LOG_EU1: log } = testEnv();

afterEach(async () => {
  const [away] = await rowsOf(log as D1Database, "select name from d1_migrations where name = 'away'");
  if (away) await renameMigration("away", newestMigrations.log);
});

test("the newest migration of each kind is the folder's last", () => {
  const migrations = testEnv().TEST_MIGRATIONS;
  for (const kind of ["directory", "cell", "log"] as const)
    expect([kind, newestMigrations[kind]]).toEqual([kind, migrations[kind].at(-1)?.name]);
});

test("a deployment with all its databases and buckets is ready", async () => {
  await ensureDirectoryKeys(testEnv(), Date.now());
  const checks = await readiness(envWith({}), Date.now());
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  for (const { id } of cellsOf(testEnv()))
    for (const what of ["schema", "schema of the log", "files", "call archive"])
      expect(checks.map(({ name }) => name)).toContain(`${what} of cell ${id}`);
});

test("a log that is not migrated, or a call archive that is not there, is named with what to do", async () => {
  await renameMigration(newestMigrations.log, "away");
  expect(await failures(envWith({}))).toEqual([
    [
      "schema of the log of cell eu1",
      "the newest migration is away, not 0001_calls.sql: apply the migrations of migrations/log",
    ],
  ]);
  await renameMigration("away", newestMigrations.log);
  const archive = proxied(testEnv().CALL_ARCHIVE_US1 as R2Bucket, {
    head: () => Promise.reject(new Error("The specified bucket does not exist. (10006)")),
  });
  expect(await failures(envWith({ CALL_ARCHIVE_US1: archive }))).toEqual([
    ["call archive of cell us1", "create the cell's R2 bucket for calls"],
  ]);
});

async function failures(env: TestEnv) {
  await ensureDirectoryKeys(testEnv(), Date.now());
  const failed = (await readiness(env, Date.now())).filter(({ ok }) => !ok);
  return failed.map(({ name, todo }) => [name, todo]);
}

async function renameMigration(from: string, to: string): Promise<void> {
  await rowsOf(log as D1Database, "update d1_migrations set name = ? where name = ?", to, from);
}
