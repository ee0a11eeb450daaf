import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CountMessage } from "#lib/call-record.ts";
import { dayMs, hourMs, hourStart, minuteMs, timestamp } from "#lib/time.ts";
import { consumed, listening, logOf } from "#test/call-log.ts";
import { clientOf } from "#test/client.ts";
import { testEnv, wholeEnv } from "#test/env.ts";
import { exampleOf } from "#test/examples.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

/** Within an hour that the real clock has not reached, so that alarms ring when a test says so. */
const start = hourStart(Date.now()) + hourMs + 10 * minuteMs;

/** What the gates have told since the last flush. */
let told: CountMessage[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
  told = [];
  const { CALLS_US1 } = wholeEnv();
  vi.spyOn(CALLS_US1 as Queue<CountMessage>, "send").mockImplementation(async (message) => {
    told.push(message);
    return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  });
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

test("calls from an address that a key is not held to are counted as they are noted", async () => {
  const tenant = await newTenant();
  const { env, calls } = listening();
  await rowsOf(
    tenant.cell.database,
    "update api_keys set ip_allow_list = ? where id = ?",
    '["192.0.2.0/24"]',
    tenant.keyId,
  );
  const from = (address: string) =>
    call("tenants.ping", {
      tenant: tenant.slug,
      as: tenant.key,
      headers: { "CF-Connecting-IP": address },
      env,
    });
  const answers = await Promise.all(Array.from({ length: 15 }, () => from("198.51.100.7")));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403, 429]));
  expect((await from("192.0.2.9")).status).toBe(200);
  await flush(tenant.keyId);
  expect((await countsOf(tenant)).map(([, , counted]) => counted)).toEqual([16]);
  expect(calls().reduce((sum, { times }) => sum + times, 0)).toBe(16);
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
  const { CALLS_US1 } = wholeEnv();
  vi.mocked((CALLS_US1 as Queue).send).mockRejectedValueOnce(new Error("Queue send failed"));
  await expect(flush(tenant.keyId)).rejects.toThrow("Queue send failed");
  expect(told).toEqual([]);
  await pings(tenant, 1);
  await flush(tenant.keyId);
  await pings(tenant, 1);
  await flush(tenant.keyId);
  expect((await countsOf(tenant)).map(([, , calls]) => calls)).toEqual([7]);
});

test("what a gate told counts once, however often and in which order it comes", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const hour = hourStart(start);
  const message = (of: TestTenant, actorId: string, hours: [number, number][]): CountMessage => ({
    v: 1,
    tenantId: of.tenantId,
    actorId,
    hours,
  });
  const [early, late] = [
    message(tenant, tenant.keyId, [[hour, 3]]),
    message(tenant, tenant.keyId, [
      [hour, 9],
      [hour + hourMs, 1],
    ]),
  ];
  const others = [
    message(tenant, tenant.memberIds.owner, [[hour, 2]]),
    message(other, tenant.keyId, [[hour, 5]]),
    message(tenant, tenant.keyId, [[start - 7 * dayMs, 4]]),
  ];
  for (const messages of [[late, late, early, ...others], [early, late], [early]]) {
    await consumed(messages, undefined, start);
    expect(await countsOf(tenant)).toEqual([
      [timestamp(hour), tenant.keyId, 9],
      [timestamp(hour), tenant.memberIds.owner, 2],
      [timestamp(hour + hourMs), tenant.keyId, 1],
    ]);
  }
  expect(await countsOf(other)).toEqual([[timestamp(hour), tenant.keyId, 5]]);
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

test("many calls cost the object two writes a minute, and the rest when they pause", async () => {
  const tenant = await newTenant();
  await pings(tenant, 1);
  const puts = await runInDurableObject(gateOf(tenant.keyId), (_gate, { storage }) =>
    vi.spyOn(storage, "put"),
  );
  await pings(tenant, 60);
  expect(puts).not.toHaveBeenCalled();
  await untilKept(tenant, 61);
  expect(puts).toHaveBeenCalledTimes(1);
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

/** Rings the gate's alarm, and hands what it tells to the consumer. */
async function flush(principalId: string): Promise<void> {
  expect(await runDurableObjectAlarm(gateOf(principalId))).toBe(true);
  await consumed(told.splice(0), undefined, Date.now());
}

function gateOf(principalId: string) {
  return testEnv().GATES.getByName(principalId);
}

async function countsOf(tenant: TestTenant): Promise<(string | number | null)[][]> {
  const { gates } = await logOf(tenant);
  return gates.map(({ hour, actor_id: actor, calls }) => [hour ?? null, actor ?? null, calls ?? null]);
}
