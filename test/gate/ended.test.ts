import { afterEach, expect, test, vi } from "vitest";
import { insertAll } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { sessions, users } from "#db/directory-tables.ts";
import { endSessionsOf } from "#db/ended-sessions.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { one } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { secondMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser, signIn, type TestUser } from "#test/identity/kit.ts";
import {
  basic,
  clientToken,
  newClient,
  post,
  strongPassword,
  tokensFor,
  world,
} from "#test/identity/oauth/kit.ts";
import { newTenant, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

/** Of a token that its tenant takes, or refuses: where data is read, and where its gate alone is asked. */
async function taken({ slug }: TestTenant, token: string): Promise<number[]> {
  const own = { tenant: slug, as: token };
  return [(await call("orders.list", own)).status, (await call("tenants.ping", own)).status];
}

async function tokenOf(tenant: TestTenant, refreshToken: string): Promise<string> {
  const body = { refreshToken, tenant: tenant.slug };
  return (await call("tokens.refresh", { body })).json.accessToken;
}

/** So many other sessions of this member end, a second after another as it were. */
async function endMany({ cell, tenantId }: TestTenant, principalId: string, count: number): Promise<void> {
  const ids = Array.from({ length: count }, () => newId("ses"));
  const now = Date.now();
  const run = { job: "test.end", requestId: newId("run"), now };
  const session = keylessSession(cell.database, tenantId);
  await commitAsSystem(session, run, endSessionsOf(tenantId, principalId, ids, now));
}

async function manager() {
  const tenant = await newTenant();
  const user = await newUser();
  return { tenant, user, memberId: await join(user, tenant, "manager") };
}

test("a session that ended stays ended, however many of its member's end after it", async () => {
  const { tenant, user, memberId } = await manager();
  const token = await tokenOf(tenant, user.refreshToken);
  expect(await taken(tenant, token)).toEqual([200, 200]);
  const kept = await signIn(user.email);
  expect((await call("sessions.signOut", { as: user.accessToken })).status).toBe(204);
  vi.useFakeTimers({ now: Date.now() + 2 * secondMs, toFake: ["Date"] });
  await endMany(tenant, memberId, 400);
  expect(await taken(tenant, token)).toEqual([401, 401]);
  // What is made after all of that is as good as ever.
  vi.setSystemTime(Date.now() + 32 * secondMs);
  expect(await taken(tenant, await tokenOf(tenant, kept.json.refreshToken))).toEqual([200, 200]);
  expect(await taken(tenant, token)).toEqual([401, 401]);
});

test("few ends touch no other token of their member", async () => {
  const { tenant, user, memberId } = await manager();
  const token = await tokenOf(tenant, user.refreshToken);
  vi.useFakeTimers({ now: Date.now() + 2 * secondMs, toFake: ["Date"] });
  await endMany(tenant, memberId, 89);
  expect(await taken(tenant, token)).toEqual([200, 200]);
  await endMany(tenant, memberId, 1);
  expect(await taken(tenant, token)).toEqual([401, 401]);
});

test("where all sessions of a user end, those end in each tenant that nobody told one by one", async () => {
  const { tenant, user } = await manager();
  await fill(user, 130);
  const last = await signIn(user.email);
  const [mine, theirs] = [
    await tokenOf(tenant, user.refreshToken),
    await tokenOf(tenant, last.json.refreshToken),
  ];
  expect([await taken(tenant, mine), await taken(tenant, theirs)]).toEqual([
    [200, 200],
    [200, 200],
  ]);
  const body = { currentPassword: user.password, password: strongPassword };
  expect((await call("me.changePassword", { as: user.accessToken, body })).status).toBe(204);
  expect((await call("me.get", { as: last.json.accessToken })).status).toBe(401);
  expect(await taken(tenant, theirs)).toEqual([401, 401]);
});

/** So many more sessions of this user, as sign-ins would have made them. */
async function fill(user: TestUser, count: number): Promise<void> {
  const { id: userId } = (await call("me.get", { as: user.accessToken })).json;
  const directory = await openDirectory(testEnv());
  const { row, me } = await directory.read({ row: one(sessions, user.sessionId), me: one(users, userId) });
  if (!row || !me) throw new Error("There is no such session.");
  const { tenantId: _, version: __, createdAt: ___, updatedAt: ____, ...session } = row;
  const rows = Array.from({ length: count }, () => ({ ...session, id: newId("ses") }));
  const now = Date.now();
  const run = { job: "test.fill", requestId: newId("run"), now };
  for (let from = 0; from < count; from += 5)
    await commitAsSystem(directory, run, [insertAll(sessions, rows.slice(from, from + 5), now)]);
}

test("a grant that ended stays ended, however many of its member's end after it", async () => {
  const { tenant, user, client, memberId } = await world();
  const { access_token: token } = await tokensFor(user, client);
  expect(await taken(tenant, token)).toEqual([200, 200]);
  const params = { clientId: client.clientId };
  expect((await call("oauth.disconnect", { as: user.accessToken, params })).status).toBe(204);
  vi.useFakeTimers({ now: Date.now() + 2 * secondMs, toFake: ["Date"] });
  await endMany(tenant, memberId, 400);
  expect(await taken(tenant, token)).toEqual([401, 401]);
  expect((await call("oauth.userinfo", { as: token })).status).toBe(401);
  expect((await post("introspect", { token }, basic(client))).json).toEqual({ active: false });
});

test("a client's own token that was revoked stays that, however many it revokes after it", async () => {
  const tenant = await newTenant();
  const client = await newClient(tenant);
  const token = await clientToken(client);
  expect((await post("revoke", { token }, basic(client))).status).toBe(200);
  vi.useFakeTimers({ now: Date.now() + 2 * secondMs, toFake: ["Date"] });
  await endMany(tenant, client.id, 400);
  expect(await taken(tenant, token)).toEqual([401, 401]);
});
