import { beforeAll, expect, test } from "vitest";
import { join } from "#identity/federation/join.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newAddress } from "#test/identity/kit.ts";
import type { Visitor } from "#test/sign-in-server.ts";
import { envWith, overtaken, rowsOf } from "#test/world.ts";
import { arriveBy, gmail, newSubject, tripTo } from "./kit.ts";
import { membersOf, newSso, somebodyAt } from "./sso-kit.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

const userIdOf = async (as: string) => (await call("me.get", { as })).json.id;

/** All of these at once; whose they are, of those that were let in. */
async function atOnce(source: string, visitors: readonly Visitor[]): Promise<string[]> {
  const trips = await Promise.all(visitors.map((visitor) => tripTo(source, visitor)));
  const tries = await Promise.all(trips.map((trip) => arriveBy(trip)));
  expect(tries.filter(({ status }) => ![201, 409].includes(status))).toEqual([]);
  const inside = tries.filter(({ status }) => status === 201);
  return await Promise.all(inside.map(({ json }) => userIdOf(json.accessToken)));
}

test("of 20 at once that come for the first time one account is made", async () => {
  const claims = { sub: newSubject(), email: gmail(), email_verified: true };
  const ids = await atOnce(
    "google",
    Array.from({ length: 20 }, () => ({ claims })),
  );
  expect(new Set(ids).size).toBe(1);
});

/** The second arrives while the first, with the statement in its batch, is about to commit: whose accounts they are. */
async function overtaking(statement: string, source: string, visitors: readonly [Visitor, Visitor]) {
  const [first, second] = await Promise.all(visitors.map((visitor) => tripTo(source, visitor)));
  if (!first || !second) throw new Error("There are two trips.");
  const inside: Awaited<ReturnType<typeof arriveBy>>[] = [];
  const late = overtaken(testEnv().DIRECTORY, statement, async () => inside.push(await arriveBy(second)));
  inside.push(await arriveBy(first, newAddress(), envWith({ DIRECTORY: late.database })));
  expect(inside.map(({ status }) => status)).toEqual([201, 201]);
  return await Promise.all(inside.map(({ json }) => userIdOf(json.accessToken)));
}

test("of two who bring the same new address one has the account, and the other finds it", async () => {
  const email = gmail();
  const newcomer = () => ({ claims: { sub: newSubject(), email, email_verified: true } });
  const ids = await overtaking('insert into "users"', "google", [newcomer(), newcomer()]);
  expect(new Set(ids).size).toBe(1);
});

test("of two who are one subject, each time of another address, one account is made", async () => {
  const sub = newSubject();
  const newcomer = () => ({ claims: { sub, email: gmail(), email_verified: true } });
  const ids = await overtaking('insert into "users"', "google", [newcomer(), newcomer()]);
  expect(new Set(ids).size).toBe(1);
});

test("of two ways of one user into a business one membership is made", async () => {
  const sso = await newSso({ addsMembers: 0 });
  const { email } = somebodyAt(sso);
  const [userId = ""] = await atOnce(sso.source, [{ claims: { sub: newSubject(), email } }]);
  const { database } = sso.tenant.cell;
  await rowsOf(database, "update sso_connections set adds_members = 1 where id = ?", sso.connectionId);
  const newcomer = () => ({ claims: { sub: newSubject(), email } });
  const ids = await overtaking('insert into "memberships"', sso.source, [newcomer(), newcomer()]);
  expect(new Set(ids)).toEqual(new Set([userId]));
  const pointers = await rowsOf(testEnv().DIRECTORY, "select id from memberships where user_id = ?", userId);
  expect(pointers).toHaveLength(1);
});

test("of 20 at once that come for the first time one account and one member are made", async () => {
  const sso = await newSso();
  const claims = somebodyAt(sso);
  const before = await membersOf(sso.tenant);
  const ids = await atOnce(
    sso.source,
    Array.from({ length: 20 }, () => ({ claims })),
  );
  expect(new Set(ids).size).toBe(1);
  expect(await membersOf(sso.tenant)).toBe(before + 1);
});

test("of 10 that join at once one is a member, and nobody where members are added no more meanwhile", async () => {
  const sso = await newSso();
  const { database } = sso.tenant.cell;
  const before = await membersOf(sso.tenant);
  const userId = newId("usr");
  const joining = (env = testEnv(), id = userId) => join(env, sso.source, id, Date.now());
  await Promise.all(Array.from({ length: 10 }, () => joining()));
  expect(await membersOf(sso.tenant)).toBe(before + 1);
  const late = overtaken(database, 'insert into "members"', () =>
    rowsOf(database, "update sso_connections set state = 'off' where id = ?", sso.connectionId),
  );
  await joining(envWith({ [`CELL_${sso.tenant.cell.id.toUpperCase()}`]: late.database }), newId("usr"));
  expect([late.done(), await membersOf(sso.tenant)]).toEqual([true, before + 1]);
});
