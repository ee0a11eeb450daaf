import { beforeAll, expect, test } from "vitest";
import { deleteOldCalls } from "#jobs/call-retention.ts";
import type { CallRecord } from "#lib/call-record.ts";
import { dayMs, dayOf, timestamp } from "#lib/time.ts";
import { callAt, consumed, logOf, messageOf } from "#test/call-log.ts";
import { testEnv } from "#test/env.ts";
import { envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const client = "cli_01jd5r0t6vf3h8k2m4n6p8q0rs";

/** Noon of today, in UTC, so that a few hours more or less are the same day. */
let noon: number;

beforeAll(() => {
  noon = Date.parse(dayOf(Date.now())) + dayMs / 2;
});

test("each capability that a principal was let use has one row with its last day", async () => {
  const tenant = await newTenant();
  const other = { actorId: tenant.memberIds.owner };
  await log(tenant, [
    callAt(tenant, noon - 2 * dayMs),
    callAt(tenant, noon - dayMs, { operation: "orders.get" }),
    callAt(tenant, noon - dayMs, { operation: "orders.place" }),
    callAt(tenant, noon, other),
  ]);
  expect(await usesOf(tenant)).toEqual([
    [tenant.keyId, "orders:read", dayOf(noon - dayMs)],
    [tenant.keyId, "orders:write", dayOf(noon - dayMs)],
    [tenant.memberIds.owner, "orders:read", dayOf(noon)],
  ]);
});

test("days are those of UTC, of the call and not of when it came", async () => {
  const tenant = await newTenant();
  const midnight = Date.parse(dayOf(noon - dayMs));
  await log(tenant, [callAt(tenant, midnight - 1)]);
  expect(await daysOf(tenant)).toEqual([dayOf(midnight - 1)]);
  await log(tenant, [callAt(tenant, midnight)]);
  expect(await daysOf(tenant)).toEqual([dayOf(midnight)]);
  expect(dayOf(midnight - 1)).not.toBe(dayOf(midnight));
});

/** By hand: how a call was answered, and whether that says that it was let do. */
const answers: readonly [status: number, problem: string | null, counts: boolean][] = [
  [200, null, true],
  [201, null, true],
  [204, null, true],
  [400, "malformed-request", true],
  [401, "step-up-required", false],
  [401, "unauthorized", false],
  [403, "forbidden", false],
  [403, "address-not-allowed", false],
  [404, "not-found", false],
  [409, "conflict", true],
  [412, "precondition-failed", true],
  [422, "invalid", true],
  [429, "rate-limited", false],
  [500, "internal", false],
  [503, "unavailable", false],
];

test.each(answers)("a call answered %i %s is use: %s", async (status, problem, counts) => {
  const tenant = await newTenant();
  await log(tenant, [callAt(tenant, noon, { status, problem })]);
  expect(await daysOf(tenant)).toEqual(counts ? [dayOf(noon)] : []);
  expect((await logOf(tenant)).calls, "it is logged all the same").toHaveLength(1);
});

test("what asks for no capability, or is unknown here, is no use of any", async () => {
  const tenant = await newTenant();
  await log(
    tenant,
    ["principal.get", "tenants.ping", "oauth.token", "toString", "orders.of-a-newer-version"].map(
      (operation) => callAt(tenant, noon, { operation }),
    ),
  );
  const { calls, uses, starts } = await logOf(tenant);
  expect([calls.length, uses.length, starts.length]).toEqual([5, 0, 1]);
});

test("what a member does through an OAuth client is use of both", async () => {
  const tenant = await newTenant();
  const { owner } = tenant.memberIds;
  await log(tenant, [
    callAt(tenant, noon, { actorId: owner, operation: "customers.list" }),
    callAt(tenant, noon, { actorId: owner, clientId: client }),
    callAt(tenant, noon, { actorId: owner, clientId: client, operation: "orders.place", status: 403 }),
    callAt(tenant, noon, { actorId: client, operation: "locations.list" }),
  ]);
  expect(await usesOf(tenant)).toEqual(
    [
      [client, "locations:read", dayOf(noon)],
      [client, "orders:read", dayOf(noon)],
      [owner, "customers:read", dayOf(noon)],
      [owner, "orders:read", dayOf(noon)],
    ].toSorted(),
  );
});

test("a message of before there were clients in it is taken as it is", async () => {
  const tenant = await newTenant();
  const message = messageOf(tenant, [callAt(tenant, noon)]);
  expect(message).not.toHaveProperty("clients");
  const far = { ...message, clients: { [client]: [7] } };
  expect((await consumed([message, far], undefined, noon)).explicitAcks).toEqual(["m0", "m1"]);
  expect(
    (await usesOf(tenant)).map(([actor]) => actor),
    "no call stands at that place",
  ).toEqual([tenant.keyId]);
});

test("the same message again, or a late one, changes nothing", async () => {
  const tenant = await newTenant();
  const message = messageOf(tenant, [callAt(tenant, noon), callAt(tenant, noon, { clientId: client })]);
  await consumed([message], undefined, noon);
  const once = await logOf(tenant);
  expect([once.uses.length, once.starts]).toEqual([
    2,
    [{ tenant_id: tenant.tenantId, since: timestamp(noon) }],
  ]);
  await consumed([message, message], undefined, noon + 1);
  await consumed([message], undefined, noon + dayMs);
  expect(await logOf(tenant)).toEqual(once);
  await consumed([messageOf(tenant, [callAt(tenant, noon - 2 * dayMs)])], undefined, noon + dayMs);
  expect((await logOf(tenant)).uses).toEqual(once.uses);
  expect((await logOf(tenant)).starts).toEqual(once.starts);
});

test("on a day that a use has already, nothing of it is written again", async () => {
  const tenant = await newTenant();
  const written: number[] = [];
  const database = tapped(tenant.cell.log, async (texts, run) => {
    const results = await run();
    const ofUses = results.filter((_, index) => /^(insert|update).*"capability_use/.test(texts[index] ?? ""));
    expect(ofUses.length).toBeGreaterThanOrEqual(3);
    written.push(ofUses.reduce((sum, { meta }) => sum + meta.changes, 0));
    return results;
  });
  const env = envWith({ LOG_US1: database });
  for (const ms of [noon, noon + 1, noon + dayMs, noon + dayMs + 1])
    await consumed([messageOf(tenant, [callAt(tenant, ms), callAt(tenant, ms)])], env, ms);
  expect(written, "the start and the use, nothing, the next day, nothing").toEqual([2, 0, 1, 0]);
});

test("more uses than a statement takes are all written", async () => {
  const tenant = await newTenant();
  const messages = Array.from({ length: 14 }, (_, message) =>
    messageOf(
      tenant,
      Array.from({ length: 400 }, (_, call) => callAt(tenant, noon, { actorId: `key_${message}_${call}` })),
    ),
  );
  await consumed(messages, undefined, noon);
  expect((await logOf(tenant)).uses).toHaveLength(5_600);
});

test("gates' counts alone begin nothing", async () => {
  const tenant = await newTenant();
  const { tenantId, keyId: actorId } = tenant;
  await consumed([{ v: 1, tenantId, actorId, hours: [[noon, 4]] }], undefined, noon);
  const { gates, starts } = await logOf(tenant);
  expect([gates.length, starts]).toEqual([1, []]);
});

test("uses are gone 90 days after their last day, and neither others nor another tenant's", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const day = noon - 2 * dayMs;
  await log(tenant, [
    callAt(tenant, day),
    callAt(tenant, day + dayMs, { operation: "orders.place" }),
    callAt(tenant, day - 1, { actorId: "key_x" }),
  ]);
  await log(other, [callAt(other, day + dayMs)]);
  const left = async (ms: number) => {
    await deleteOldCalls(tenant.cell, ms);
    return [(await logOf(tenant)).uses.length, (await logOf(other)).uses.length];
  };
  const midnight = Date.parse(dayOf(day)) + 91 * dayMs;
  expect(await left(midnight - 1)).toEqual([3, 1]);
  expect(await left(midnight)).toEqual([1, 1]);
  expect((await usesOf(tenant)).map(([, capability]) => capability)).toEqual(["orders:write"]);
  expect(await left(midnight + dayMs)).toEqual([0, 0]);
  expect((await logOf(tenant)).starts, "since when it is known is known for good").toHaveLength(1);
});

test("a tenant's many old uses are deleted a bounded number at a time", async () => {
  const tenant = await newTenant();
  await rowsOf(
    tenant.cell.log,
    "with recursive n (i) as (select 0 union all select i + 1 from n where i < 5099) insert into capability_uses select ?, 'key_' || i, 'orders:read', '2020-01-01' from n",
    tenant.tenantId,
  );
  const left = async () => {
    await deleteOldCalls(tenant.cell, noon);
    return (await logOf(tenant)).uses.length;
  };
  expect(await left()).toBe(100);
  expect(await left()).toBe(0);
});

test("one tenant's failure keeps no other's uses", async () => {
  const [failing, tenant] = [await newTenant(), await newTenant()];
  await rowsOf(tenant.cell.log, "delete from capability_uses");
  for (const each of [failing, tenant]) await log(each, [callAt(each, noon)]);
  let hasFailed = false;
  const database = tapped(tenant.cell.log, (texts, run) => {
    const isFailing = texts.some((text) => text.startsWith(`delete from "capability_uses"`)) && !hasFailed;
    if (!isFailing) return run();
    hasFailed = true;
    return Promise.reject(new Error("D1_ERROR: out of service"));
  });
  const { cell } = tenant;
  await deleteOldCalls({ ...cell, log: database }, noon + 92 * dayMs);
  const counts = [(await logOf(failing)).uses.length, (await logOf(tenant)).uses.length];
  expect(counts.toSorted()).toEqual([0, 1]);
  expect(hasFailed).toBe(true);
});

async function log(tenant: TestTenant, calls: readonly CallRecord[]): Promise<void> {
  const { explicitAcks } = await consumed([messageOf(tenant, calls)], testEnv(), noon);
  expect(explicitAcks).toEqual(["m0"]);
}

async function usesOf(tenant: TestTenant) {
  const { uses } = await logOf(tenant);
  return uses
    .map(({ actor_id: actor, capability, last_day: day }) => [actor, capability, day])
    .toSorted((a, b) => (a.join() < b.join() ? -1 : 1));
}

async function daysOf(tenant: TestTenant) {
  return (await usesOf(tenant)).map(([, , day]) => day);
}
