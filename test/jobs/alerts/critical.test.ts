import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { SealError } from "#crypto/envelope.ts";
import { noteUnopened } from "#db/unopened.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newMember } from "#test/member-examples.ts";
import { as, memberToken } from "#test/world.ts";
import { alertsOf, happens, lettersTo, newWatched, raisedIn, type Watched, wake } from "./kit.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** Kind, subject and count of each alert, by kind. */
async function found(tenant: Watched): Promise<unknown[]> {
  await wake(tenant);
  return (await alertsOf(tenant)).map((row) => [row.kind, row.subject_id, row.count]);
}

async function done(answer: Promise<{ status: number; text: string }>): Promise<void> {
  const { status, text } = await answer;
  expect(status, text).toBe(200);
}

test("who becomes an owner, and who is one no longer, whichever way", async () => {
  const tenant = await newWatched();
  const { memberId } = await newMember(tenant, { role: "admin" }, null, "cli.seed");
  const params = { memberId };
  await done(
    call("members.update", { ...as(tenant), params, body: { role: "manager", allLocations: true } }),
  );
  expect(await found(tenant)).toEqual([]);
  const inPerson = { tenant: tenant.slug, as: await memberToken(tenant, "owner") };
  await done(call("members.transferOwnership", { ...inPerson, params, body: { keepsOwn: true } }));
  expect(await found(tenant)).toEqual([["owner-changed", memberId, 1]]);
  await done(call("members.suspend", { ...as(tenant), params, body: {} }));
  expect(await found(tenant)).toEqual([["owner-changed", memberId, 2]]);
});

test("a second factor that fewer are asked for, and not one that more are", async () => {
  const tenant = await newWatched();
  const policy = (secondFactor: string) =>
    call("security-policy.update", { ...as(tenant), body: { secondFactor } });
  for (const stricter of ["off", "elevated", "elevated", "everyone"]) await done(policy(stricter));
  expect(await found(tenant)).toEqual([]);
  await done(policy("elevated"));
  expect(await found(tenant)).toEqual([["second-factor-off", null, 1]]);
});

test("a key that leaked, of which the owners have a letter of its own already", async () => {
  const tenant = await newWatched();
  const body = { name: "Kiosk", scopes: ["orders:read"] };
  const { json } = await call("api-keys.create", { ...as(tenant), body });
  const params = { apiKeyId: json.id };
  await done(call("api-keys.reportLeak", { ...as(tenant), params }));
  expect(await found(tenant)).toEqual([["key-leaked", json.id, 1]]);
  expect((await raisedIn(tenant)).map(({ kind }) => kind)).toEqual(["key-leaked"]);
  expect(await lettersTo(tenant)).toEqual([]);
});

test("lockouts once there are five within a quarter of an hour, and then all of them", async () => {
  const tenant = await newWatched();
  const locked = () =>
    happens(tenant, { entity: "member", entityId: newId("mbr"), action: "user.locked_out" }, "identity.copy");
  for (let times = 0; times < 4; times += 1) await locked();
  expect(await found(tenant)).toEqual([]);
  await locked();
  expect(await found(tenant)).toEqual([["lockouts", null, 5]]);
  for (let times = 0; times < 2; times += 1) await locked();
  expect(await found(tenant)).toEqual([["lockouts", null, 7]]);
});

test("five lockouts of a day are no storm, however late the audit is gone through", async () => {
  const tenant = await newWatched();
  const began = Date.now();
  const lockedAt = async (minutes: number) => {
    vi.setSystemTime(began + minutes * minuteMs);
    await happens(
      tenant,
      { entity: "member", entityId: newId("mbr"), action: "user.locked_out" },
      "identity.copy",
    );
  };
  for (const minutes of [1, 5, 10, 15, 30, 60, 120]) await lockedAt(minutes);
  expect(await found(tenant)).toEqual([]);
  for (const minutes of [180, 200, 203, 206, 210, 215, 240]) await lockedAt(minutes);
  expect(await found(tenant)).toEqual([["lockouts", null, 5]]);
});

test("what is stored and does not open, though no key has a part in telling of it", async () => {
  const tenant = await newWatched();
  const address = { tenant: tenant.tenantId, table: "customers", column: "name", row: newId("cus") };
  const run = { requestId: newId("run"), now: Date.now() };
  await noteUnopened(tenant.cell.database, new SealError("bad-tag", address), run);
  expect(await found(tenant)).toEqual([["not-opened", null, 1]]);
});

test("somebody of support who begins to act at the business", async () => {
  const tenant = await newWatched();
  const entityId = newId("sus");
  await happens(tenant, { entity: "support-session", entityId, action: "created" });
  expect(await found(tenant)).toEqual([["support-session", entityId, 1]]);
});
