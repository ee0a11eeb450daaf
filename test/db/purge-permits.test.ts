import { expect, test } from "vitest";
import { platformTenant } from "#db/directory-tables.ts";
import { testEnv } from "#test/env.ts";
import { rowsOf } from "#test/world.ts";

// In a cell, test/db/audit.test.ts says it; the directory has triggers of its own.
test("a purge permit of the directory is never changed, withdrawn or replaced", async () => {
  const { DIRECTORY: database } = testEnv();
  const run = (text: string) => database.prepare(text).bind(platformTenant).run();
  const values = "(tenant_id, upto_seq, reason, created_at) values (?1, 0";
  await run(`insert into purge_permits ${values}, 'test', '')`);
  for (const text of [
    "update purge_permits set upto_seq = 1000 where tenant_id = ?1",
    "delete from purge_permits where tenant_id = ?1",
    `replace into purge_permits ${values}, 'forged', '')`,
    `insert into purge_permits ${values}, 'forged', '') on conflict do update set upto_seq = 1000`,
  ]) {
    await expect(run(text), text).rejects.toThrow("purge-permits-are-append-only");
  }
  expect(
    await rowsOf(database, "select upto_seq, reason from purge_permits where tenant_id = ?", platformTenant),
  ).toEqual([{ upto_seq: 0, reason: "test" }]);
});
