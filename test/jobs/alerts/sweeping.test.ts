import { beforeAll, beforeEach, expect, test } from "vitest";
import { sweepAlerts } from "#jobs/alerts/alert-tenant.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { dayMs, hourMs, timestamp } from "#lib/time.ts";
import { firstIdAt } from "#lib/typeid.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { proxied, rowsOf } from "#test/world.ts";
import { happens, newWatched, type Watched } from "./kit.ts";

const most = 2_500;
const old = timestamp(Date.now() - 2 * dayMs);
const first = firstIdAt("ten", Date.UTC(2025, 0, 2)).slice(0, -6);
let tenant: Watched;

beforeAll(async () => {
  await ensureDirectoryKeys(testEnv(), Date.now());
  tenant = await newWatched();
});

const run = (text: string, ...params: unknown[]) => rowsOf(tenant.cell.database, text, ...params);

beforeEach(async () => {
  await run("delete from alert_notices where tenant_id like ?", `${first}%`);
  await run("delete from alerts where tenant_id like ?", `${first}%`);
  await run("delete from counters where tenant_id like ?", `${first}%`);
  await run(
    `insert or ignore into tenant_state (tenant_id, state) ${others("printf('%s%06d', ?, number), 'active'")}`,
    first,
  );
});

/** A row each of so many tenants that were there before, and fail whenever they are tried. */
function others(columns: string): string {
  return `with recursive numbers (number) as (select 1 union all select number + 1 from numbers where number < ${most}) select ${columns} from numbers`;
}

const alerts =
  "insert into alerts (tenant_id, id, kind, severity, count, told, first_at, last_at, tell_at, version, created_at, updated_at)";
const notices =
  "insert into alert_notices (tenant_id, id, alert_id, kind, count, from_at, to_at, version, created_at, updated_at)";

/** Whether the tenant is found within some sweeps, none of which sees to anybody. */
async function isFound(): Promise<boolean> {
  const woken = new Set<string>();
  const queue = proxied(tenant.cell.queue, {
    sendBatch: async (messages: Iterable<MessageSendRequest<{ tenantId: string }>>) => {
      for (const { body } of messages) woken.add(body.tenantId);
    },
  });
  for (let times = 0; times < 60 && !woken.has(tenant.tenantId); times += 1)
    await sweepAlerts({ ...tenant.cell, queue }, Date.now());
  expect(woken.size, "the others are found as well").toBeGreaterThan(1);
  return woken.has(tenant.tenantId);
}

test("a tenant whose audit is to be gone through is found, however many before it fail", async () => {
  await run(
    `insert into counters (tenant_id, name, value) ${others("printf('%s%06d', ?, number), 'audit', 1")}`,
    first,
  );
  await happens(tenant, { entity: "member", entityId: newId("mbr"), action: "mfa.removed" });
  expect(await isFound()).toBe(true);
  await run("update counters set alerted = value where tenant_id = ? and name = 'audit'", tenant.tenantId);
  expect(await isFound()).toBe(false);
});

test("the same of alerts that were held back", async () => {
  await run(
    `${alerts} ${others("printf('%s%06d', ?, number), 'alr_' || number, 'refusals', 'warning', 1, 0, ?, ?, ?, 1, ?, ?")}`,
    first,
    ...Array.from({ length: 5 }, () => old),
  );
  const at = timestamp(Date.now() - hourMs);
  await run("update alerts set told = 0, tell_at = ? where tenant_id = ?", at, tenant.tenantId);
  expect(await isFound()).toBe(true);
  await run("update alerts set told = count, tell_at = null where tenant_id = ?", tenant.tenantId);
});

test("the same of notices that were told by half", async () => {
  await run(
    `${alerts} ${others("printf('%s%06d', ?, number), 'alr_' || number, 'refusals', 'warning', 1, 1, ?, ?, null, 1, ?, ?")}`,
    first,
    ...Array.from({ length: 4 }, () => old),
  );
  await run(
    `${notices} ${others("printf('%s%06d', ?, number), 'ntc_' || number, 'alr_' || number, 'refusals', 1, ?, ?, 1, ?, ?")}`,
    first,
    ...Array.from({ length: 4 }, () => old),
  );
  const at = timestamp(Date.now() - hourMs);
  await run(
    "update alert_notices set mailed_at = null, created_at = ? where tenant_id = ?",
    at,
    tenant.tenantId,
  );
  expect(await isFound()).toBe(true);
});
