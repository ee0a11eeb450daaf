import { expect, test, vi } from "vitest";
import { CellSystem } from "#db/cell-system.ts";
import { Store } from "#db/store.ts";
import { sweepAudit } from "#jobs/log-audit.ts";
import { unlogged } from "#test/audit-log.ts";
import { testEnv } from "#test/env.ts";
import { newTenant, proxied, rowsOf, type TestTenant } from "#test/world.ts";

test("rows that nobody was told of are leaves after the sweep, though the queue loses everything and one log is stuck", async () => {
  const tenants = [await newTenant("cafe"), await newTenant("cafe"), await newTenant("cafe")];
  const [stuck, ...others] = tenants as [TestTenant, TestTenant, TestTenant];
  const { cell } = stuck;
  await cell.database.exec("drop trigger if exists audit_log_refuses_delete");
  await rowsOf(cell.database, "delete from audit_log where tenant_id = ? and seq = 1", stuck.tenantId);
  const queue = proxied(cell.queue, { async sendBatch() {} });
  const printed = vi.spyOn(console, "error").mockReturnValue();
  // Each takes some, of all that this file's tests left behind.
  for (let sweep = 0; sweep < 5; sweep += 1) await sweepAudit(testEnv(), { ...cell, queue });
  expect(printed.mock.calls.join()).toContain(stuck.tenantId);
  printed.mockRestore();
  expect(await Promise.all(others.map(unlogged))).toEqual([0, 0]);
  expect(await unlogged(stuck)).toBeGreaterThan(0);
});

test("a sweep does some tenants' itself, and wakes the queue for the others", async () => {
  const { cell } = await newTenant("cafe");
  const made = Array.from({ length: 30 }, (_, at) => `ten_of_no_rows_${at}`);
  const put = cell.database.prepare("insert into counters (tenant_id, name, value) values (?, 'audit', 1)");
  await cell.database.batch(made.map((tenantId) => put.bind(tenantId)));
  const sent: string[] = [];
  const queue = proxied(cell.queue, {
    async sendBatch(messages: { body: { tenantId: string } }[]) {
      sent.push(...messages.map(({ body }) => body.tenantId));
    },
  });
  const behind = await new CellSystem(new Store(cell.database, "first-primary")).tenantsWithUnloggedAudit();
  const printed = vi.spyOn(console, "error").mockReturnValue();
  await sweepAudit(testEnv(), { ...cell, queue });
  printed.mockRestore();
  expect([behind.length > 30, new Set(sent).size]).toEqual([true, behind.length - 20]);
  expect(behind).toEqual(expect.arrayContaining(sent));
});
