import { beforeAll, expect, test } from "vitest";
import { personalWeights } from "#jobs/alerts/personal-operations.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { hourStart, minuteMs } from "#lib/time.ts";
import { callAt, consumed, messageOf } from "#test/call-log.ts";
import { testEnv } from "#test/env.ts";
import { envWith, tapped } from "#test/world.ts";
import { alertsOf, newWatched, type Watched, wake } from "./kit.ts";

// Half an hour after a full one, so that no window here reaches over it.
const now = hourStart(Date.now()) + 30 * minuteMs;

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

async function made(
  tenant: Watched,
  count: number,
  changes: Parameters<typeof callAt>[2] = {},
  at = now - minuteMs,
): Promise<void> {
  for (let left = count; left > 0; left -= 400) {
    const calls = Array.from({ length: Math.min(left, 400) }, () => callAt(tenant, at, changes));
    const { retryMessages } = await consumed([messageOf(tenant, calls)], testEnv(), now);
    expect(retryMessages).toEqual([]);
  }
}

async function found(tenant: Watched): Promise<unknown[]> {
  await wake(tenant);
  return (await alertsOf(tenant)).map(({ kind, subject_id, count }) => [kind, subject_id, count]);
}

test("a burst of 401, 403 and 404 of one principal, once a window, and nothing below the threshold", async () => {
  const tenant = await newWatched();
  await made(tenant, 30, { status: 403, problem: "forbidden" });
  await made(tenant, 29, { status: 404, problem: "not-found" });
  await made(tenant, 100, { status: 422 });
  // These were before the window.
  await made(tenant, 100, { status: 403 }, now - 6 * minuteMs);
  expect(await found(tenant)).toEqual([]);
  await made(tenant, 1, { status: 401, problem: "unauthorized" });
  expect(await found(tenant)).toEqual([["refusals", tenant.keyId, 1]]);
  await made(tenant, 50, { status: 403, problem: "forbidden" });
  expect(await found(tenant)).toEqual([["refusals", tenant.keyId, 1]]);
});

test("a burst of the whole business, of whom none alone has so many", async () => {
  const tenant = await newWatched();
  const { owner, admin, manager, staff, viewer, sales } = tenant.memberIds;
  for (const actorId of [owner, admin, manager, staff, viewer])
    await made(tenant, 59, { actorId, status: 404 });
  expect(await found(tenant)).toEqual([]);
  await made(tenant, 5, { actorId: sales, status: 404 });
  expect(await found(tenant)).toEqual([["refusals", null, 1]]);
});

test("a flood of one hides nobody else's", async () => {
  const tenant = await newWatched();
  const { staff, viewer } = tenant.memberIds;
  await made(tenant, 2_000, { actorId: staff, status: 401, problem: "unauthorized" });
  await made(tenant, 60, { actorId: viewer, status: 404 });
  expect(await found(tenant)).toContainEqual(["refusals", viewer, 1]);
});

test("mass reading of what tells of people, by who reads it, and not of what does not", async () => {
  const tenant = await newWatched();
  const { viewer } = tenant.memberIds;
  await made(tenant, 599, { operation: "customers.get" });
  await made(tenant, 59, { actorId: tenant.memberIds.sales, operation: "customers.search" });
  await made(tenant, 601, { actorId: viewer, operation: "orders.list" });
  await made(tenant, 601, {
    actorId: viewer,
    operation: "customers.get",
    status: 429,
    problem: "rate-limited",
  });
  expect(await found(tenant)).toEqual([]);
  await made(tenant, 1, { operation: "customers.get" });
  expect(await found(tenant)).toEqual([["mass-reading", tenant.keyId, 1]]);
});

test("a page counts as ten, of whomever it tells", async () => {
  for (const operation of [
    "customers.list",
    "customers.search",
    "files.list",
    "members.list",
    "api-keys.list",
    "audit.list",
    "ip-allow-list.update",
  ]) {
    const tenant = await newWatched();
    await made(tenant, 59, { operation });
    expect(await found(tenant), operation).toEqual([]);
    await made(tenant, 1, { operation });
    expect(await found(tenant), operation).toEqual([["mass-reading", tenant.keyId, 1]]);
  }
});

test("what tells of one person counts as one, whatever asks for it", () => {
  for (const operation of [
    ...["customers.get", "customer-dietary.reveal", "customer-consent.sharedProfiles", "files.download"],
    ...["members.get", "api-keys.get", "audit.proof"],
  ])
    expect(personalWeights[operation], operation).toBe(1);
  for (const operation of ["orders.list", "customers.create", "security-policy.update", "tenants.ping"])
    expect(personalWeights[operation], operation).toBeUndefined();
});

test("mass reading by several of one business, of whom none alone reads so much", async () => {
  const tenant = await newWatched();
  const { owner, admin, manager, staff, viewer, sales } = tenant.memberIds;
  for (const actorId of [owner, admin, manager, staff, viewer])
    await made(tenant, 59, { actorId, operation: "customers.list" });
  await made(tenant, 4, { actorId: sales, operation: "customers.list" });
  await made(tenant, 9, { actorId: sales, operation: "customers.get" });
  expect(await found(tenant)).toEqual([]);
  await made(tenant, 1, { actorId: sales, operation: "customers.get" });
  expect(await found(tenant)).toEqual([["mass-reading", null, 1]]);
});

test("calls that cannot be watched are logged, and the next one of their kind finds them", async () => {
  const tenant = await newWatched();
  const isAway = tapped(testEnv().CELL_US1 as D1Database, async () => {
    throw new Error("The cell is away.");
  });
  const calls = Array.from({ length: 60 }, () => callAt(tenant, now - minuteMs, { status: 403 }));
  const result = await consumed([messageOf(tenant, calls)], envWith({ CELL_US1: isAway }), now);
  expect(result.explicitAcks).toEqual(["m0"]);
  expect(await found(tenant)).toEqual([]);
  await made(tenant, 1, { status: 403 });
  expect(await found(tenant)).toEqual([["refusals", tenant.keyId, 1]]);
});
