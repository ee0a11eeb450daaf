import { beforeAll, expect, test } from "vitest";
import { copyIdentityEvents } from "#jobs/copy-identity-events.ts";
import { eraseAccounts } from "#jobs/erase-accounts.ts";
import { hourMs, minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import {
  allowSms,
  beginSms,
  enrolled,
  goodPassword,
  join,
  mailsTo,
  newAddress,
  newEmail,
  newNumber,
  newUser,
  signIn,
  texted,
  tokenMailedTo,
  withPasskey,
} from "#test/identity/kit.ts";
import { envWith, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const directory = testEnv().DIRECTORY;
let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

const ask = (as: string, email: string) =>
  call("email-changes.ask", { as, body: { email }, headers: newAddress() });
const complete = (token: string, password = goodPassword) =>
  call("email-changes.complete", { body: { token, password }, headers: newAddress() });

test("another address is taken by its link and the password together; the old one is told and opens nothing", async () => {
  const user = await newUser();
  const email = newEmail();
  await call("password-resets.ask", { body: { email: user.email }, headers: newAddress() });
  const resetToken = await tokenMailedTo(user.email);
  expect((await ask(user.accessToken, email)).status).toBe(204);
  expect((await signIn(email)).status).toBe(401);
  const token = await tokenMailedTo(email);
  const wrong = await complete(token, "not this one at all");
  expect(wrong.json.errors[0].pointer).toBe("/password");
  const done = await complete(token);
  expect(done.json).toMatchObject({ email, emailVerifiedAt: expect.any(String) });
  expect((await complete(token)).json.type).toBe("/problems/link-not-valid");
  expect((await signIn(email)).status).toBe(201);
  expect((await signIn(user.email)).status).toBe(401);
  expect((await mailsTo(user.email)).map(({ kind }) => kind)).toContain("email-changed");
  const reset = { token: resetToken, password: "seven loud trumpets sink" };
  expect((await call("password-resets.complete", { body: reset })).json.type).toBe(
    "/problems/link-not-valid",
  );
  expect((await call("me.get", { as: user.accessToken })).json.email).toBe(email);
});

test("an address that is somebody's by then is not taken, and asking for it tells nothing", async () => {
  const [user, other] = [await newUser(), await newUser()];
  const free = newEmail();
  const [known, unknown] = [await ask(user.accessToken, other.email), await ask(user.accessToken, free)];
  expect([known.status, known.text]).toEqual([unknown.status, unknown.text]);
  const taken = await complete(await tokenMailedTo(other.email));
  expect(taken.json.type).toBe("/problems/account-exists");
  expect((await signIn(user.email)).status).toBe(201);
  expect((await signIn(other.email)).status).toBe(201);
});

test("of two who ask for one address one has it, and of twenty at once with one link one", async () => {
  const email = newEmail();
  const users = [await newUser(), await newUser()];
  const tokens: string[] = [];
  for (const { accessToken } of users) {
    await ask(accessToken, email);
    tokens.push(await tokenMailedTo(email));
  }
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => complete(tokens[index % 2] ?? "")),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  const rows = await rowsOf(
    directory,
    "select id from users where email_token = (select email_token from users where id = ?)",
    answers.find(({ status }) => status === 200)?.json.id,
  );
  expect(rows).toHaveLength(1);
});

test("a link is good for an hour, for nothing else, and asked for by a recent proof", async () => {
  const user = await newUser();
  const email = newEmail();
  await ask(user.accessToken, email);
  const token = await tokenMailedTo(email);
  expect((await call("sign-ups.verify", { body: { token, password: goodPassword } })).json.type).toBe(
    "/problems/link-not-valid",
  );
  expect((await complete(user.refreshToken)).json.type).toBe("/problems/link-not-valid");
  const past = new Date(Date.now() - hourMs).toISOString();
  const id = `emc_${token.split("_")[1]}`;
  await directory.prepare("update email_changes set expires_at = ? where id = ?").bind(past, id).run();
  expect((await complete(token)).json.type).toBe("/problems/link-not-valid");
  await directory.prepare("update sessions set proved_at = ? where id = ?").bind(past, user.sessionId).run();
  expect((await ask(user.accessToken, newEmail())).json.type).toBe("/problems/step-up-required");
});

const later = () => Date.now() + 11 * minuteMs;
const close = (as: string) => call("account.close", { as });

test("a closed account signs in nowhere, from the next request on; then its member is suspended and all is erased", async () => {
  const user = await withPasskey(await enrolled(await newUser()));
  const userId = (await call("me.get", { as: user.accessToken })).json.id;
  const memberId = await join(user, tenant, "staff");
  const { json } = await call("tokens.refresh", {
    body: { refreshToken: user.refreshToken, tenant: tenant.slug },
  });
  await allowSms(tenant);
  await texted(user);
  await beginSms(user, newNumber());
  await ask(user.accessToken, newEmail());
  // Their tenant shows them by a copy of what lies under the account's key.
  await copyIdentityEvents(testEnv(), Date.now());
  const theirs = "select state, name is null and email is null as nameless from members where id = ?";
  const shown = await rowsOf(tenant.cell.database, theirs, memberId);
  expect(shown).toEqual([{ state: "active", nameless: 0 }]);
  expect((await close(user.accessToken)).status).toBe(204);
  expect((await call("me.get", { as: user.accessToken })).status).toBe(401);
  expect((await signIn(user.email)).json.type).toBe("/problems/sign-in-failed");
  const reads = () => call("locations.list", { tenant: tenant.slug, as: json.accessToken });
  expect((await reads()).status).toBe(401);
  // Not before its tenants were told.
  await eraseAccounts(testEnv(), Date.now());
  expect(await rowsOf(directory, "select id from passwords where user_id = ?", userId)).toHaveLength(1);
  await Promise.all([eraseAccounts(testEnv(), later()), eraseAccounts(testEnv(), later())]);
  await eraseAccounts(testEnv(), later());
  const [member] = await rowsOf(tenant.cell.database, theirs, memberId);
  expect(member).toEqual({ state: "suspended", nameless: 1 });
  for (const table of [
    "passwords",
    "totp_factors",
    "passkeys",
    "sms_factors",
    "sms_codes",
    "recovery_codes",
    "memberships",
    "email_changes",
    "federated_identities",
  ])
    expect(await rowsOf(directory, `select id from ${table} where user_id = ?`, userId), table).toEqual([]);
  expect(await rowsOf(directory, "select state, email_token from users where id = ?", userId)).toEqual([
    { state: "closed", email_token: `erased:${userId}` },
  ]);
  expect(await rowsOf(directory, "select id from subject_keys where subject_id = ?", userId)).toEqual([]);
  expect(
    await rowsOf(directory, "select 1 from subject_tombstones where subject_id = ?", userId),
  ).toHaveLength(1);
});

test("the address of a closed account can be signed up with again", async () => {
  const user = await newUser();
  await close(user.accessToken);
  await eraseAccounts(testEnv(), later());
  const headers = newAddress();
  const body = { name: "Ada", email: user.email, password: goodPassword };
  await call("sign-ups.create", { body, headers });
  const token = await tokenMailedTo(user.email);
  const again = await call("sign-ups.verify", { body: { token, password: goodPassword }, headers });
  expect(again.status, again.text).toBe(201);
});

test("an owner's account stays, as a business would be nobody's", async () => {
  const user = await newUser("Four quiet lanterns drift, 7!");
  await join(user, tenant, "owner");
  expect((await close(user.accessToken)).json.type).toBe("/problems/owns-a-business");
  expect((await call("me.get", { as: user.accessToken })).status).toBe(200);
});

test("a cell that is away holds up its own people alone, who are erased when it is back", async () => {
  const [here, there] = [await newTenant("signs"), await newTenant("cafe")];
  expect(here.cell.id).not.toBe(there.cell.id);
  const users = [await newUser(), await newUser()] as const;
  const ids: string[] = [];
  for (const [index, user] of users.entries()) {
    await join(user, index === 0 ? here : there, "staff");
    ids.push((await call("me.get", { as: user.accessToken })).json.id);
    await close(user.accessToken);
  }
  const away = new Proxy(
    {},
    {
      get: () => () => {
        throw new Error("Network connection lost.");
      },
    },
  );
  const erased = async () =>
    (await rowsOf<{ subject_id: string }>(directory, "select subject_id from subject_tombstones")).map(
      (row) => row.subject_id,
    );
  const ofUs = [here, there].findIndex(({ cell }) => cell.id === "us1");
  await eraseAccounts(envWith({ CELL_US1: away }), later());
  expect(await erased()).toContain(ids[1 - ofUs]);
  expect(await erased()).not.toContain(ids[ofUs]);
  await eraseAccounts(testEnv(), later());
  expect(await erased()).toEqual(expect.arrayContaining(ids));
});

test("whoever sees members sees that one of them is gone", async () => {
  const own = await newTenant();
  const user = await newUser();
  const memberId = await join(user, own, "staff");
  await close(user.accessToken);
  await eraseAccounts(testEnv(), later());
  const as = await memberToken(own, "owner");
  const { json } = await call("members.factorCoverage", { tenant: own.slug, as, query: { limit: "100" } });
  expect(json.data.find((each: { memberId: string }) => each.memberId === memberId).state).toBe("suspended");
});

test("however many of a cell that is away come first, others are erased", async () => {
  const there = await newTenant("cafe");
  for (let people = 0; people < 21; people += 1) {
    const user = await newUser();
    await join(user, there, "staff");
    await close(user.accessToken);
  }
  const user = await newUser();
  const { id } = (await call("me.get", { as: user.accessToken })).json;
  await close(user.accessToken);
  const away = {
    get: () => () => {
      throw new Error("Network connection lost.");
    },
  };
  await eraseAccounts(envWith({ CELL_EU1: new Proxy({}, away) }), later());
  const tombstone = "select 1 from subject_tombstones where subject_id = ?";
  expect(await rowsOf(directory, tombstone, id)).toHaveLength(1);
});

test("a member of more tenants than are looked at at once leaves all of them", async () => {
  const first = await newTenant();
  const user = await newUser();
  const { id } = (await call("me.get", { as: user.accessToken })).json;
  const memberId = await join(user, first, "staff");
  const at = new Date().toISOString();
  // Businesses of which the cell has no member: only how many there are matters.
  const founded = Array.from({ length: 100 }, () => newId("ten"));
  for (const tenantId of founded) {
    await directory.batch([
      directory
        .prepare(
          "insert into directory_tenants (tenant_id, id, slug, cell, state, version, created_at, updated_at) values ('platform', ?1, ?1, 'us1', 'active', 1, ?2, ?2)",
        )
        .bind(tenantId, at),
      directory
        .prepare(
          "insert into memberships (tenant_id, id, user_id, member_tenant_id, version, created_at, updated_at) values ('platform', ?1, ?2, ?3, 1, ?4, ?4)",
        )
        .bind(newId("mem"), id, tenantId, at),
    ]);
  }
  await close(user.accessToken);
  await eraseAccounts(testEnv(), later());
  expect(await rowsOf(first.cell.database, "select state from members where id = ?", memberId)).toEqual([
    { state: "suspended" },
  ]);
  expect(await rowsOf(directory, "select id from memberships where user_id = ?", id)).toEqual([]);
  expect(await rowsOf(directory, "select 1 from subject_tombstones where subject_id = ?", id)).toHaveLength(
    1,
  );
});
