import { beforeAll, expect, test } from "vitest";
import { update } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { ssoConnections } from "#gate/sso-tables.ts";
import { members } from "#gate/tables.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import {
  codeOf,
  enrolled,
  goodPassword,
  join,
  newAddress,
  newEmail,
  newUser,
  signIn,
  type TestUser,
  tokenMailedTo,
} from "#test/identity/kit.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { arriveBy, newSubject, signInAt, tripTo } from "./kit.ts";
import { newSso, run, type Sso, somebodyAt } from "./sso-kit.ts";

const { call } = clientOf();

beforeAll(async () => {
  await ensureDirectoryKeys(testEnv(), Date.now());
});

const mint = ({ refreshToken }: Pick<TestUser, "refreshToken">, { slug }: TestTenant) =>
  call("tokens.refresh", { body: { refreshToken, tenant: slug }, headers: newAddress() });

/** With the account's address as one of the domain's, as if it had been signed up with. */
async function newUserAt(sso: Sso, password = goodPassword): Promise<TestUser> {
  const email = `${newId("x").slice(2)}@${sso.domain}`;
  const headers = newAddress();
  await call("sign-ups.create", { body: { name: "Ada", email, password }, headers });
  const token = await tokenMailedTo(email);
  const { json } = await call("sign-ups.verify", { body: { token, password }, headers });
  return { email, password, ...json };
}

test("who comes by a business's own sign-in is made a member of it, with its default role", async () => {
  const sso = await newSso();
  const claims = somebodyAt(sso);
  const found = await call("sign-in.sso", { body: { email: claims.email }, headers: newAddress() });
  expect(found.json).toEqual({ source: sso.source });
  const inside = await signInAt(sso.source, { claims });
  expect(inside.status).toBe(201);
  const { json: mine } = await call("me.tenants", { as: inside.json.accessToken });
  expect(mine.data).toMatchObject([{ tenantId: sso.tenant.tenantId, role: "sales" }]);
  const token = await mint(inside.json, sso.tenant);
  expect(token.status).toBe(200);
  const as = token.json.accessToken;
  expect((await call("orders.list", { tenant: sso.tenant.slug, as })).status).toBe(200);
  expect((await call("security-policy.get", { tenant: sso.tenant.slug, as })).status).toBe(403);
  const again = await signInAt(sso.source, { claims });
  expect((await call("me.get", { as: again.json.accessToken })).json.id).toBe(
    (await call("me.get", { as: inside.json.accessToken })).json.id,
  );
});

test("such a session is good for that business alone, and for nothing that is the user's own", async () => {
  const sso = await newSso();
  const elsewhere = await newTenant();
  const user = await newUserAt(sso);
  await join(user, elsewhere, "staff");
  const inside = await signInAt(sso.source, { claims: { sub: newSubject(), email: user.email } });
  expect(inside.status).toBe(201);
  const as = inside.json.accessToken;
  const mine = (await call("me.get", { as: user.accessToken })).json.id;
  expect((await call("me.get", { as })).json.id).toBe(mine);
  const refused = await mint(inside.json, elsewhere);
  expect(refused).toMatchObject({ status: 403, json: { type: "/problems/session-limited" } });
  const businesses = (await call("me.tenants", { as })).json.data;
  expect(businesses.map(({ tenantId }: { tenantId: string }) => tenantId)).toEqual([sso.tenant.tenantId]);
  for (const [operation, body] of [
    ["sessions.list", undefined],
    ["factors.list", undefined],
    ["identities.list", undefined],
    ["totp.begin", undefined],
    ["passkeys.begin", undefined],
    ["email-changes.ask", { email: "else@people.example" }],
    ["me.changePassword", { currentPassword: goodPassword, password: "another quiet lantern drifts" }],
    ["account.close", undefined],
    ["oauth.clients", undefined],
  ] as const) {
    const answer = await call(operation, { as, ...(body ? { body } : {}) });
    expect(answer, operation).toMatchObject({ status: 403, json: { type: "/problems/session-limited" } });
  }
  expect((await mint(user, elsewhere)).status).toBe(200);
  expect((await call("sessions.signOut", { as })).status).toBe(204);
});

test("an issuer speaks for its business's proved domains, and for nobody else", async () => {
  const sso = await newSso();
  const another = await newSso();
  const victim = await newUser();
  for (const claims of [
    { email: victim.email, email_verified: true },
    { email: `ada@${another.domain}`, email_verified: true },
    { email: `ada@sub.${sso.domain}` },
    { email: `ada@${sso.domain}`, email_verified: false },
    { email: null },
    { email: `ada@${sso.domain}@people.example` },
  ]) {
    const answer = await signInAt(sso.source, { claims: { sub: newSubject(), ...claims } });
    expect(answer, JSON.stringify(claims)).toMatchObject({
      status: 403,
      json: { type: "/problems/foreign-domain" },
    });
  }
  expect((await call("identities.list", { as: victim.accessToken })).json.data).toEqual([]);
});

test("one issuer of two businesses vouches for each of their people apart", async () => {
  const issuer = `https://${newId("x").slice(2)}.idp.example`;
  const [here, there] = [await newSso({ issuer }), await newSso({ issuer })];
  const sub = newSubject();
  const a = await signInAt(here.source, { claims: { sub, email: `ada@${here.domain}` } });
  const b = await signInAt(there.source, { claims: { sub, email: `ada@${there.domain}` } });
  const ids = await Promise.all(
    [a, b].map(async ({ json }) => (await call("me.get", { as: json.accessToken })).json.id),
  );
  expect(new Set(ids).size).toBe(2);
  // An answer that was asked for by one is of no use at the other.
  const trip = await tripTo(here.source, { claims: { sub, email: `ada@${here.domain}` } });
  expect((await arriveBy({ ...trip, source: there.source })).json.type).toBe(
    "/problems/federated-sign-in-failed",
  );
});

test("what a hostile issuer says of itself leads nowhere", async () => {
  for (const metadata of [
    { issuer: "https://accounts.google.com" },
    { token_endpoint: "https://a-10-0-0-1-end.dns.example/token" },
    { jwks_uri: "http://169.254.169.254/latest" },
    { authorization_endpoint: "javascript:alert(1)" },
    { token_endpoint: "https://localhost/token" },
    { jwks_uri: 1 },
  ]) {
    const sso = await newSso();
    const session = await systemSession(testEnv(), sso.tenant.cell.database, sso.tenant.tenantId);
    const issuer = (await session.get(ssoConnections, sso.connectionId))?.issuer ?? "";
    await fetch(`${issuer}/metadata`, { method: "POST", body: JSON.stringify(metadata) });
    const begun = await call("sign-in.federated", { body: { source: sso.source }, headers: newAddress() });
    expect(begun.status, JSON.stringify(metadata)).toBe(503);
  }
});

test("where a domain comes by its own sign-in alone, no other session is given a token of that business", async () => {
  const sso = await newSso({ isEnforced: 1 });
  const elsewhere = await newTenant();
  const user = await newUserAt(sso);
  await join(user, sso.tenant, "admin");
  await join(user, elsewhere, "staff");
  const owner = await newUserAt(sso, "Four Quiet Lanterns drift, 7!");
  await join(owner, sso.tenant, "owner");
  const guest = await newUser();
  await join(guest, sso.tenant, "staff");
  expect(await mint(user, sso.tenant)).toMatchObject({
    status: 403,
    json: { type: "/problems/sso-required" },
  });
  expect((await mint((await signIn(user.email)).json, elsewhere)).status).toBe(200);
  expect((await mint(guest, sso.tenant)).status).toBe(200);
  const inside = await signInAt(sso.source, { claims: { sub: newSubject(), email: user.email } });
  expect((await mint(inside.json, sso.tenant)).status).toBe(200);
  // An owner has another way in, but never by a password alone.
  expect((await mint(owner, sso.tenant)).json.type).toBe("/problems/second-factor-enrolment-required");
  const { secret } = await enrolled(owner);
  const { challenge } = (await signIn(owner.email, owner.password)).json;
  const strong = await call("sign-in.secondFactor", {
    body: { challenge, code: codeOf(secret) },
    headers: newAddress(),
  });
  expect((await mint(strong.json, sso.tenant)).status).toBe(200);
});

test("whoever runs a business's sign-in is not its owner by it", async () => {
  const sso = await newSso();
  const owner = await newUserAt(sso, "Four Quiet Lanterns drift, 7!");
  await join(owner, sso.tenant, "owner");
  const sub = newSubject();
  const claims = { sub, email: owner.email, amr: ["pwd", "mfa"] };
  const inside = await signInAt(sso.source, { claims });
  expect(await mint(inside.json, sso.tenant)).toMatchObject({
    status: 403,
    json: { type: "/problems/owner-sign-in-required" },
  });
  const { secret } = await enrolled(owner);
  expect((await mint((await signInAt(sso.source, { claims })).json, sso.tenant)).status).toBe(403);
  const asked = await signInAt(sso.source, { claims: { ...claims, amr: ["pwd"] } });
  const proved = await call("sign-in.secondFactor", {
    body: { challenge: asked.json.challenge, code: codeOf(secret) },
    headers: newAddress(),
  });
  expect((await mint(proved.json, sso.tenant)).status).toBe(200);
});

test("a connection that is off lets nobody in, nor goes on with whom it let in", async () => {
  const sso = await newSso();
  const claims = somebodyAt(sso);
  const inside = await signInAt(sso.source, { claims });
  const session = await systemSession(testEnv(), sso.tenant.cell.database, sso.tenant.tenantId);
  const connection = await session.get(ssoConnections, sso.connectionId);
  if (!connection) throw new Error("There is no connection.");
  const pending = await tripTo(sso.source, { claims });
  await commitAsSystem(session, run(), [update(ssoConnections, connection, { state: "off" }, Date.now())]);
  expect((await mint(inside.json, sso.tenant)).json.type).toBe("/problems/sso-required");
  expect((await arriveBy(pending)).status).toBe(404);
  const begun = await call("sign-in.federated", { body: { source: sso.source }, headers: newAddress() });
  expect(begun.status).toBe(404);
});

test("who is no member stays none where members are not added, and who was suspended stays so", async () => {
  const closed = await newSso({ addsMembers: 0 });
  const inside = await signInAt(closed.source, { claims: somebodyAt(closed) });
  expect((await mint(inside.json, closed.tenant)).status).toBe(404);
  const sso = await newSso();
  const claims = somebodyAt(sso);
  await signInAt(sso.source, { claims });
  const { cell, tenantId } = sso.tenant;
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const [row] = await rowsOf<{ id: string }>(
    cell.database,
    "select id from members where tenant_id = ? and role = 'sales' order by created_at desc",
    tenantId,
  );
  const member = await session.get(members, row?.id ?? "");
  if (!member) throw new Error("There is no member.");
  await commitAsSystem(session, run(), [update(members, member, { state: "suspended" }, Date.now())]);
  const again = await signInAt(sso.source, { claims });
  expect((await mint(again.json, sso.tenant)).status).toBe(404);
});

test("a second factor of the account is asked for, and the session is the business's all the same", async () => {
  const sso = await newSso();
  const elsewhere = await newTenant();
  const user = await newUserAt(sso);
  await join(user, elsewhere, "staff");
  const { secret } = await enrolled(user);
  const asked = await signInAt(sso.source, { claims: { sub: newSubject(), email: user.email } });
  expect(asked.json.type).toBe("/problems/second-factor-required");
  const inside = await call("sign-in.secondFactor", {
    body: { challenge: asked.json.challenge, code: codeOf(secret) },
    headers: newAddress(),
  });
  expect(inside.status).toBe(201);
  expect((await mint(inside.json, sso.tenant)).status).toBe(200);
  expect((await mint(inside.json, elsewhere)).status).toBe(403);
});

test("whoever runs a business's sign-in makes no more than 10,000 users by it", async () => {
  const sso = await newSso();
  const known = somebodyAt(sso);
  const { json } = await signInAt(sso.source, { claims: known });
  const { id } = (await call("me.get", { as: json.accessToken })).json;
  const made = (count: number) =>
    testEnv()
      .DIRECTORY.prepare(
        `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2)
         insert into federated_identities select tenant_id, id || i, ?1, source, issuer, subject, subject_token || i, last_used_at, version, created_at, updated_at
         from federated_identities, n where tenant_id = 'platform' and source = ?3 and length(id) = 30`,
      )
      .bind(id, count, sso.source)
      .run();
  await made(9_998);
  expect((await signInAt(sso.source, { claims: somebodyAt(sso) })).status).toBe(201);
  const refused = await signInAt(sso.source, { claims: somebodyAt(sso) });
  expect(refused).toMatchObject({ status: 409, json: { type: "/problems/sso-full" } });
});

test("who comes by their business's own sign-in alone cannot get out of it by another address", async () => {
  const sso = await newSso({ isEnforced: 1 });
  const user = await newUserAt(sso);
  await join(user, sso.tenant, "staff");
  const email = newEmail();
  await call("email-changes.ask", { as: user.accessToken, body: { email }, headers: newAddress() });
  const body = { token: await tokenMailedTo(email), password: user.password };
  const refused = await call("email-changes.complete", { body, headers: newAddress() });
  expect(refused).toMatchObject({ status: 403, json: { type: "/problems/sso-required" } });
});

test("a domain that nobody has proved signs in nowhere by itself", async () => {
  const answer = await call("sign-in.sso", {
    body: { email: "ada@unproved.example" },
    headers: newAddress(),
  });
  expect(answer).toMatchObject({ status: 422, json: { type: "/problems/sso-not-set-up" } });
});
