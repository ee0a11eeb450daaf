import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hourMs, hourStart, minuteMs, timestamp } from "#lib/time.ts";
import { logOf } from "#test/call-log.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf } from "#test/examples.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

/** Within an hour that the real clock has not reached, so that alarms ring when a test says so. */
const start = hourStart(Date.now()) + hourMs + 10 * minuteMs;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("a gate's calls are written once its alarm has rung, by the hour", async () => {
  const tenant = await newTenant();
  await pings(tenant, 7);
  expect(await countsOf(tenant)).toEqual([]);
  await flush(tenant.keyId);
  expect(await countsOf(tenant)).toEqual([[timestamp(hourStart(start)), tenant.keyId, 7]]);
  vi.setSystemTime(start + 2 * hourMs);
  await pings(tenant, 2);
  await flush(tenant.keyId);
  expect(await countsOf(tenant)).toEqual([
    [timestamp(hourStart(start)), tenant.keyId, 7],
    [timestamp(hourStart(start) + 2 * hourMs), tenant.keyId, 2],
  ]);
  expect((await logOf(tenant)).hours.map(({ hour, logged }) => [hour, logged])).toEqual([
    [timestamp(hourStart(start)), 0],
    [timestamp(hourStart(start) + 2 * hourMs), 0],
  ]);
});

test("an hour that goes on after a flush is written whole, however often", async () => {
  const tenant = await newTenant();
  for (const expected of [3, 6, 9]) {
    await pings(tenant, 3);
    await flush(tenant.keyId);
    expect((await countsOf(tenant)).map(([, , calls]) => calls)).toEqual([expected]);
  }
});

test("members' calls are counted too, and every refusal but a stranger's", async () => {
  const tenant = await newTenant("signs", { plan: "free" });
  const as = await memberToken(tenant, "viewer");
  const ask = (name: string, tenantName = tenant.slug) =>
    call(name, { tenant: tenantName, as, ...(name === "orders.create" ? { body: {} } : {}) });
  expect((await ask("orders.list")).status).toBe(200);
  expect((await ask("orders.create")).status).toBe(403);
  expect((await ask("orders.list", "nobody-has-this-slug")).status).toBe(404);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask("tenants.ping")));
  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(5);
  await flush(tenant.memberIds.viewer);
  expect((await countsOf(tenant)).map(([, actor, calls]) => [actor, calls])).toEqual([
    [tenant.memberIds.viewer, 23],
  ]);
  for (const stranger of [`${tenant.key}u`, "nobody"])
    expect((await call("tenants.ping", { tenant: tenant.slug, as: stranger })).status).toBe(401);
  expect(await runDurableObjectAlarm(gateOf(tenant.keyId))).toBe(false);
});

test("a request that must ask its gate again is counted once", async () => {
  const tenant = await newTenant();
  await pings(tenant, 1);
  await exampleOf("api-keys.revoke").make(tenant);
  expect((await call("orders.list", { tenant: tenant.slug, as: tenant.key })).status).toBe(200);
  await flush(tenant.keyId);
  // The ping, what the example made, and the list, whose rights had moved.
  expect((await countsOf(tenant)).map(([, , counted]) => counted)).toEqual([3]);
});

test("a gate that is evicted, or breaks down, forgets no call that it had some seconds to keep", async () => {
  const tenant = await newTenant();
  await pings(tenant, 1);
  await evictDurableObject(gateOf(tenant.keyId));
  await pings(tenant, 6);
  await untilKept(tenant, 7);
  await abortAllDurableObjects();
  await flush(tenant.keyId);
  expect((await countsOf(tenant)).map(([, , calls]) => calls)).toEqual([7]);
  await pings(tenant, 1);
  await flush(tenant.keyId);
  expect((await countsOf(tenant)).map(([, , calls]) => calls)).toEqual([8]);
});

test("an alarm that fails rings again, and no call is counted twice", async () => {
  const tenant = await newTenant();
  await pings(tenant, 5);
  await rowsOf(tenant.cell.log, "alter table call_hours rename to call_hours_away");
  await expect(flush(tenant.keyId)).rejects.toThrow();
  await rowsOf(tenant.cell.log, "alter table call_hours_away rename to call_hours");
  await pings(tenant, 1);
  await flush(tenant.keyId);
  await pings(tenant, 1);
  await flush(tenant.keyId);
  expect((await countsOf(tenant)).map(([, , calls]) => calls)).toEqual([7]);
});

test("what was written never falls, though a gate lost what it had kept", async () => {
  const tenant = await newTenant();
  await pings(tenant, 6);
  await flush(tenant.keyId);
  await runInDurableObject(gateOf(tenant.keyId), (_gate, { storage }) => storage.deleteAll());
  await abortAllDurableObjects();
  await pings(tenant, 2);
  await flush(tenant.keyId);
  expect((await countsOf(tenant)).map(([, , calls]) => calls)).toEqual([6]);
});

test("many calls cost the object few writes, and at most one flush a minute", async () => {
  const tenant = await newTenant();
  await pings(tenant, 1);
  const puts = await runInDurableObject(gateOf(tenant.keyId), (_gate, { storage }) =>
    vi.spyOn(storage, "put"),
  );
  await pings(tenant, 60);
  expect(puts.mock.calls.length).toBeLessThanOrEqual(1);
  const due = await runInDurableObject(gateOf(tenant.keyId), (_gate, { storage }) => storage.getAlarm());
  expect(due).toBeGreaterThanOrEqual(start + minuteMs);
});

test("what an earlier version kept of a key's last use is read, and what nobody can read is dropped", async () => {
  const tenant = await newTenant();
  const { cell, tenantId, keyId } = tenant;
  const earlier = { cell: cell.id, tenantId, principalId: keyId, usedAt: start - minuteMs };
  await runInDurableObject(gateOf(keyId), (_gate, { storage }) => storage.put("use", earlier));
  await abortAllDurableObjects();
  await runInDurableObject(gateOf(keyId), (_gate, { storage }) => storage.setAlarm(start + minuteMs));
  await flush(keyId);
  const lastUse = await rowsOf<{ last_used_at: string }>(
    cell.database,
    "select last_used_at from api_keys where id = ?",
    keyId,
  );
  expect(lastUse).toEqual([{ last_used_at: timestamp(start - minuteMs) }]);
  await runInDurableObject(gateOf(keyId), (_gate, { storage }) => storage.put("use", "nonsense"));
  await abortAllDurableObjects();
  await pings(tenant, 3);
  await flush(keyId);
  expect((await countsOf(tenant)).map(([, , calls]) => calls)).toEqual([3]);
});

async function pings({ slug, key }: TestTenant, times: number): Promise<void> {
  for (let index = 0; index < times; index += 1)
    expect((await call("tenants.ping", { tenant: slug, as: key })).status).toBe(200);
}

/** Waits for the gate's own timer, which keeps what it has counted. */
async function untilKept({ keyId }: TestTenant, calls: number): Promise<void> {
  const kept = () => runInDurableObject(gateOf(keyId), (_gate, { storage }) => storage.get("use"));
  await vi.waitFor(async () => expect(await kept()).toMatchObject({ hours: [[hourStart(start), calls]] }), {
    timeout: 20_000,
    interval: 250,
  });
}

async function flush(principalId: string): Promise<void> {
  expect(await runDurableObjectAlarm(gateOf(principalId))).toBe(true);
}

function gateOf(principalId: string) {
  return testEnv().GATES.getByName(principalId);
}

async function countsOf(tenant: TestTenant): Promise<(string | number | null)[][]> {
  const { gates } = await logOf(tenant);
  return gates.map(({ hour, actor_id: actor, calls }) => [hour ?? null, actor ?? null, calls ?? null]);
}
