import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { archiveCalls } from "#jobs/archive-calls.ts";
import { deleteOldCalls } from "#jobs/call-retention.ts";
import { runScheduled } from "#jobs/scheduled.ts";
import { dayMs, hourMs, hourStart, timestamp } from "#lib/time.ts";
import { registry } from "#resources/index.ts";
import { callAt, consumed, logOf, messageOf, nothingOf } from "#test/call-log.ts";
import { testEnv } from "#test/env.ts";
import { newTenant, proxied, rowsOf, type TestTenant } from "#test/world.ts";

let start: number;

beforeAll(() => {
  start = hourStart(Date.now()) - hourMs;
});

afterEach(() => void vi.restoreAllMocks());

test("rows are gone 7 days after their hour, counts and archive after 90, and not before", async () => {
  const tenant = await withCalls();
  const end = start + hourMs;
  const after = async (ms: number) => {
    await deleteOldCalls(tenant.cell, end + ms);
    const { calls, counts, gates, hours } = await logOf(tenant);
    return [calls.length, counts.length, gates.length, hours.length, (await objectsOf(tenant)).length];
  };
  expect(await after(7 * dayMs - 1)).toEqual([3, 2, 1, 1, 1]);
  expect(await after(7 * dayMs)).toEqual([0, 2, 1, 1, 1]);
  expect((await logOf(tenant)).hours).toEqual([expect.objectContaining({ purged: 1, logged: 3 })]);
  expect(await after(90 * dayMs - 1)).toEqual([0, 2, 1, 1, 1]);
  expect(await after(90 * dayMs)).toEqual([0, 0, 0, 0, 0]);
});

test("another hour, and another tenant's, stay", async () => {
  const [tenant, other] = [await withCalls(), await newTenant()];
  await consumed([
    messageOf(tenant, [callAt(tenant, start + hourMs)]),
    messageOf(other, [callAt(other, start + hourMs)]),
  ]);
  await deleteOldCalls(tenant.cell, start + hourMs + 7 * dayMs);
  expect((await logOf(tenant)).calls).toHaveLength(1);
  expect((await logOf(other)).calls).toHaveLength(1);
  await deleteOldCalls(tenant.cell, start + hourMs + 90 * dayMs);
  expect((await logOf(tenant)).hours.map(({ hour }) => hour)).toEqual([timestamp(start + hourMs)]);
  expect((await logOf(other)).counts).toHaveLength(1);
});

test("an hour of many rows is deleted a bounded number at a time, and its counts stay exact", async () => {
  const tenant = await newTenant();
  await rowsOf(
    tenant.cell.log,
    `with recursive n (i) as (select 0 union all select i + 1 from n where i < 10099) insert into calls select ?, substr(?, 1, 14) || printf('%016d', i), 'key_1', 'orders.list', 'GET', 200, null, 1, 1 from n`,
    tenant.tenantId,
    callAt(tenant, start).id,
  );
  await consumed([messageOf(tenant, [callAt(tenant, start + 1)])]);
  const left = async () => {
    await deleteOldCalls(tenant.cell, start + hourMs + 7 * dayMs);
    const { calls, hours } = await logOf(tenant);
    return [calls.length, hours[0]?.purged];
  };
  expect(await left()).toEqual([5_101, 0]);
  expect(await left()).toEqual([101, 0]);
  expect(await left()).toEqual([0, 1]);
  expect(await left()).toEqual([0, 1]);
  expect((await logOf(tenant)).counts).toEqual([expect.objectContaining({ calls: 1 })]);
});

test("an hour of many parts is deleted a listing at a time, and nothing forgets it before", async () => {
  const tenant = await withCalls();
  const [day, time = ""] = timestamp(start).split("T");
  const prefix = `${tenant.tenantId}/${day}/${time.slice(0, 2)}-`;
  const { callArchive } = tenant.cell;
  for (let part = 1; part < 5; part += 1) await callArchive.put(`${prefix}000${part}.ndjson`, "{}\n");
  const later = start + hourMs + 90 * dayMs;
  const lists: unknown[] = [];
  const cell = {
    ...tenant.cell,
    callArchive: proxied(callArchive, {
      list(options: R2ListOptions) {
        lists.push(options);
        return callArchive.list({ ...options, limit: 2 });
      },
    }),
  };
  await deleteOldCalls(cell, later);
  const left = async () => {
    await deleteOldCalls(cell, later);
    return [(await objectsOf(tenant)).length, (await logOf(tenant)).hours.length];
  };
  expect([(await objectsOf(tenant)).length, (await logOf(tenant)).hours.length]).toEqual([3, 1]);
  expect(await left()).toEqual([1, 1]);
  expect(await left()).toEqual([0, 0]);
  const own = lists.filter((options) => Object(options).prefix === prefix);
  expect(own).toEqual(Array(3).fill({ prefix, limit: 1000 }));
});

test("an hour whose calls were all lost is forgotten as any other", async () => {
  const tenant = await newTenant();
  await countedByGate(tenant, 4);
  expect((await logOf(tenant)).hours).toEqual([expect.objectContaining({ logged: 0, purged: 0 })]);
  await deleteOldCalls(tenant.cell, start + hourMs + 90 * dayMs);
  expect(await logOf(tenant)).toEqual(nothingOf);
});

test("one hour's failure stops no other", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  const [failing, tenant] = [await withCalls(), await withCalls()];
  const callArchive = proxied(tenant.cell.callArchive, {
    list: (options: R2ListOptions) =>
      options.prefix?.startsWith(failing.tenantId)
        ? Promise.reject(new Error("list: We encountered an internal error. (10001)"))
        : tenant.cell.callArchive.list(options),
  });
  await deleteOldCalls({ ...tenant.cell, callArchive }, start + hourMs + 90 * dayMs);
  expect((await logOf(tenant)).hours).toEqual([]);
  expect((await logOf(failing)).hours).toHaveLength(1);
});

test("what came after its rows were purged would be refused, so a purged hour is never archived anew", async () => {
  const tenant = await withCalls();
  const later = start + hourMs + 7 * dayMs;
  await deleteOldCalls(tenant.cell, later);
  const puts = vi.spyOn(tenant.cell.callArchive, "put");
  await rowsOf(tenant.cell.log, "update call_hours set archived = 0 where tenant_id = ?", tenant.tenantId);
  await archiveCalls(tenant.cell, later);
  expect(puts.mock.calls.filter(([key]) => key.startsWith(tenant.tenantId))).toEqual([]);
});

test("cron archives and deletes in every cell", async () => {
  for (const kind of ["signs", "cafe"] as const) {
    const tenant = await newTenant(kind);
    const message = messageOf(tenant, [callAt(tenant, start)]);
    await consumed([message], testEnv(), Date.now(), tenant.cell.id);
    await runScheduled(testEnv(), registry, start + 3 * hourMs);
    expect(await objectsOf(tenant)).toHaveLength(1);
    await runScheduled(testEnv(), registry, start + hourMs + 90 * dayMs);
    expect([await objectsOf(tenant), (await logOf(tenant)).hours]).toEqual([[], []]);
  }
});

/** A tenant with three calls of two kinds in the hour, counted by the gate and archived. */
async function withCalls(): Promise<TestTenant> {
  const tenant = await newTenant();
  const calls = [
    callAt(tenant, start),
    callAt(tenant, start + 1),
    callAt(tenant, start + 2, { status: 404 }),
  ];
  await consumed([messageOf(tenant, calls)]);
  await countedByGate(tenant, 3);
  await archiveCalls(tenant.cell, start + 2 * hourMs);
  return tenant;
}

async function countedByGate({ tenantId, keyId }: TestTenant, calls: number): Promise<void> {
  await consumed([{ v: 1, tenantId, actorId: keyId, hours: [[start, calls]] }]);
}

async function objectsOf({ cell, tenantId }: TestTenant): Promise<string[]> {
  const { objects } = await cell.callArchive.list({ prefix: `${tenantId}/` });
  return objects.map(({ key }) => key);
}
