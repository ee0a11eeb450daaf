import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { minuteMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import {
  allowSms,
  beginSms,
  challengeOf,
  codeForSignIn,
  codeOf,
  codeTextedTo,
  enrolled,
  join,
  mailsTo,
  newAddress,
  newEnrolled,
  newNumber,
  newTextable,
  newTexted,
  newUser,
  signIn,
  type TestUser,
  type Texted,
  texted,
  withPasskey,
} from "#test/identity/kit.ts";
import { envWith, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const directory = () => testEnv().DIRECTORY;

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
afterEach(() => void vi.restoreAllMocks());

// As those of owners and admins must be.
const strong = "Four quiet lanterns drift, 7!";

const send = (challenge: string, env = testEnv()) =>
  call("sign-in.sendSms", { body: { challenge }, headers: newAddress(), env });
const verify = (challenge: string, code: string) =>
  call("sign-in.secondFactorSms", { body: { challenge, code }, headers: newAddress() });
const confirm = ({ accessToken: as }: TestUser, code: string) =>
  call("sms.confirm", { as, body: { code }, headers: newAddress() });
const factorsOf = async ({ accessToken: as }: TestUser) => (await call("factors.list", { as })).json;

/** Codes that this one is not. */
const othersThan = (code: string, count: number) =>
  Array.from({ length: count }, (_, index) =>
    String((Number(code) + index + 1) % 1_000_000).padStart(6, "0"),
  );

function claimsOf(token: string) {
  return JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
}

async function later(minutes: number): Promise<void> {
  const at = new Date(Date.now() - minutes * minuteMs).toISOString();
  await directory().prepare("update sms_codes set expires_at = ?").bind(at).run();
}

async function signedInBySms(user: Texted) {
  const challenge = await challengeOf(user);
  const answer = await verify(challenge, await codeForSignIn(user, challenge));
  expect(answer.status, answer.text).toBe(201);
  return answer.json as TestUser;
}

const tokenOf = (refreshToken: string, tenant: TestTenant) =>
  call("tokens.refresh", { body: { refreshToken, tenant: tenant.slug } });

test("a number is a factor once the code that went there was typed in; it is shown by its end, and sealed", async () => {
  const [user, number] = [await newTextable(), newNumber()];
  const spelled = `00${number.slice(1, 3)} ${number.slice(3, 6)}-${number.slice(6)}`;
  const begun = await beginSms(user, spelled);
  expect(begun.json).toEqual({ sentTo: `•••• ${number.slice(-2)}`, expiresInSeconds: 300 });
  expect((await factorsOf(user)).sms).toBeNull();
  // Until it is confirmed nobody is asked for it.
  expect((await signIn(user.email)).status).toBe(201);
  const { json } = await confirm(user, await codeTextedTo(number));
  expect(json.recoveryCodes).toHaveLength(10);
  expect((await factorsOf(user)).sms).toMatchObject({ number: `•••• ${number.slice(-2)}` });
  expect((await signIn(user.email)).json).toMatchObject({
    type: "/problems/second-factor-required",
    methods: ["sms", "recovery-code"],
  });
  expect((await mailsTo(user.email)).map(({ kind }) => kind)).toContain("factor-changed");
  const rows = await rowsOf<{ number: string }>(directory(), "select number from sms_factors");
  expect(rows.every((row) => row.number.startsWith("v1."))).toBe(true);
  const stored = JSON.stringify(await rowsOf(directory(), "select * from audit_log"));
  expect(stored).not.toContain(number.slice(1));
});

test("confirming ends the other sessions, removing the last factor ends all, and the tenant hears of both", async () => {
  const user = await newTextable();
  const other = (await signIn(user.email)).json;
  const { number } = await texted(user);
  expect((await call("me.get", { as: other.accessToken })).status).toBe(401);
  expect((await call("me.get", { as: user.accessToken })).status).toBe(200);
  const by = await signedInBySms({ ...user, number, recoveryCodes: null });
  expect((await call("sms.remove", { as: by.accessToken })).status).toBe(204);
  expect((await call("me.get", { as: by.accessToken })).status).toBe(401);
  const back = await signIn(user.email);
  expect(back.status).toBe(201);
  expect(await factorsOf(back.json)).toEqual({ totp: null, passkeys: [], sms: null, recoveryCodes: null });
  const told = await rowsOf<{ action: string; row: string }>(
    directory(),
    "select action, row from audit_log where action like 'mfa.%' and entity_id = (select user_id from sessions where id = ?) order by seq",
    user.sessionId,
  );
  expect(told.map(({ action, row }) => [action, JSON.parse(row).factor, JSON.parse(row).sms])).toEqual([
    ["mfa.code_sent", "sms", undefined],
    ["mfa.enrolled", "sms", 1],
    ["mfa.code_sent", "sms", undefined],
    ["mfa.removed", "sms", 0],
  ]);
});

test("a number is confirmed for whoever asked for it, while their code is good, and by the newest alone", async () => {
  const [user, number] = [await newTextable(), newNumber()];
  expect((await confirm(user, "123456")).status).toBe(404);
  await beginSms(user, number);
  const first = await codeTextedTo(number);
  const stranger = await newTextable();
  await beginSms(stranger, newNumber());
  expect((await confirm(stranger, first)).status).toBe(422);
  await beginSms(user, number);
  const second = await codeTextedTo(number);
  if (first !== second) expect((await confirm(user, first)).json.errors[0].pointer).toBe("/code");
  await later(0);
  expect((await confirm(user, second)).status).toBe(422);
  expect((await factorsOf(user)).sms).toBeNull();
});

test("another number takes the place of the one in use, and one number may be two people's", async () => {
  const user = await newTexted();
  const number = newNumber();
  expect((await texted(user, number)).recoveryCodes).toBeNull();
  expect((await factorsOf(user)).sms.number).toBe(`•••• ${number.slice(-2)}`);
  const neighbour = await texted(await newTextable(), number);
  expect((await factorsOf(neighbour)).sms.number).toBe(`•••• ${number.slice(-2)}`);
});

test.each([
  "0612345678",
  "+31",
  "+31 6 1234 5678 9012 3456",
  "+3161234567a",
  "",
  "+31612345678\n+31612345679",
])("%j is no number", async (number) => {
  const answer = await beginSms(await newTextable(), number);
  expect([answer.status, answer.json.errors[0].pointer]).toEqual([422, "/number"]);
});

test("with the code a sign-in goes on, strong by what it was", async () => {
  const user = await newTexted();
  const challenge = await challengeOf(user);
  const sent = await send(challenge);
  expect(sent.json).toEqual({ sentTo: `•••• ${user.number.slice(-2)}`, expiresInSeconds: 300 });
  const { status, json } = await verify(challenge, await codeTextedTo(user.number));
  expect(status).toBe(201);
  expect(claimsOf(json.accessToken)).toMatchObject({ acr: "aal2", amr: ["pwd", "sms", "mfa"] });
});

test("a code is good for its own sign-in, for five minutes, and once", async () => {
  const user = await newTexted();
  const [one, another] = [await challengeOf(user), await challengeOf(user)];
  const code = await codeForSignIn(user, one);
  expect((await verify(another, code)).json.type).toBe("/problems/sign-in-failed");
  expect((await call("step-up.proveSms", { as: user.accessToken, body: { code } })).status).toBe(422);
  await directory()
    .prepare("update sms_codes set expires_at = ? where purpose = 'sign-in'")
    .bind(new Date().toISOString())
    .run();
  expect((await verify(one, code)).json.type).toBe("/problems/sign-in-failed");
  const fresh = await codeForSignIn(user, one);
  expect((await verify(one, fresh)).status).toBe(201);
  expect((await verify(one, fresh)).json.type).toBe("/problems/challenge-not-valid");
  expect((await verify(another, fresh)).json.type).toBe("/problems/sign-in-failed");
  expect((await send(one)).json.type).toBe("/problems/challenge-not-valid");
});

test("a new code voids the one before", async () => {
  const user = await newTexted();
  const challenge = await challengeOf(user);
  const [first, second] = [await codeForSignIn(user, challenge), await codeForSignIn(user, challenge)];
  if (first !== second) expect((await verify(challenge, first)).status).toBe(401);
  expect((await verify(challenge, second)).status).toBe(201);
});

test("twenty send the right code at once: one is let in", async () => {
  const user = await newTexted();
  const challenge = await challengeOf(user);
  const code = await codeForSignIn(user, challenge);
  const answers = await Promise.all(Array.from({ length: 20 }, () => verify(challenge, code)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  const others = answers.filter(({ status }) => status !== 201).map(({ json }) => json.type);
  expect(others.every((type) => /sign-in-failed|challenge-not-valid|conflict/.test(type))).toBe(true);
});

test("twenty confirm a number at once: one is told its recovery codes", async () => {
  const [user, number] = [await newTextable(), newNumber()];
  await beginSms(user, number);
  const code = await codeTextedTo(number);
  const answers = await Promise.all(Array.from({ length: 20 }, () => confirm(user, code)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

/** How many codes are compared while this runs: each is hashed for it. */
async function comparedBy(run: () => Promise<unknown>): Promise<number> {
  const signed = vi.spyOn(crypto.subtle, "sign");
  await run();
  const texts = signed.mock.calls.map(([, , data]) => new TextDecoder().decode(data as ArrayBuffer));
  signed.mockRestore();
  expect(texts.length).toBeGreaterThan(0);
  return texts.filter((text) => text.startsWith('["sms code of ')).length;
}

test("twenty begin at once: as many are sent as the number may have, and the last of them is the one", async () => {
  const [user, number] = [await newTextable(), newNumber()];
  const answers = await Promise.all(Array.from({ length: 20 }, () => beginSms(user, number)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([
    ...[201, 201, 201],
    ...Array.from({ length: 17 }, () => 429),
  ]);
  const rows = await rowsOf(
    directory(),
    "select id from sms_factors where user_id = (select user_id from sessions where id = ?)",
    user.sessionId,
  );
  expect([rows.length, (await mailsTo(number)).length]).toEqual([1, 3]);
});

test("of twenty wrong codes at once five are compared, and then the right one is none either", async () => {
  const [user, number] = [await newTextable(), newNumber()];
  await beginSms(user, number);
  const code = await codeTextedTo(number);
  const compared = await comparedBy(() =>
    Promise.all(othersThan(code, 20).map((wrong) => confirm(user, wrong))),
  );
  expect(compared).toBe(5);
  expect(await comparedBy(() => confirm(user, code))).toBe(0);
  expect((await confirm(user, code)).status).toBe(422);
  // Another code has five tries of its own.
  await beginSms(user, number);
  expect((await confirm(user, await codeTextedTo(number))).status).toBe(200);
});

test("five wrong codes lock the sign-in, whatever code comes next", async () => {
  const user = await newTexted();
  const challenge = await challengeOf(user);
  const code = await codeForSignIn(user, challenge);
  const compared = await comparedBy(() =>
    Promise.all(othersThan(code, 20).map((wrong) => verify(challenge, wrong))),
  );
  expect(compared).toBeLessThanOrEqual(5);
  expect((await verify(challenge, code)).json.type).toBe("/problems/sign-in-failed");
  const fresh = await codeForSignIn(user, challenge);
  expect((await verify(challenge, fresh)).json.type).toBe("/problems/sign-in-failed");
});

test("of twenty that ask for a code at once no more are sent than the number may have", async () => {
  const user = await newTexted();
  const challenge = await challengeOf(user);
  const before = (await mailsTo(user.number)).length;
  // One of its three was for the number to be confirmed.
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(challenge)));
  const refused = answers.filter(({ json }) => json.type === "/problems/too-many-texts");
  expect(refused.length).toBe(18);
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
  expect((await mailsTo(user.number)).length - before).toBeLessThanOrEqual(2);
  for (const { status, headers } of refused) {
    expect(status).toBe(429);
    const seconds = Number(headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(14 * 60);
    expect(seconds).toBeLessThanOrEqual(15 * 60);
  }
});

test("where no business allows it, or the deployment sends none, no number is taken", async () => {
  const [stranger, number] = [await newUser(), newNumber()];
  expect((await beginSms(stranger, number)).json.type).toBe("/problems/sms-not-available");
  const tenant = await newTenant();
  await join(stranger, tenant, "staff");
  expect((await beginSms(stranger, number)).json.type).toBe("/problems/sms-not-available");
  const off = envWith({ SMS: "" });
  const { accessToken: as } = await newTextable();
  const refused = await call("sms.begin", { as, body: { number }, headers: newAddress(), env: off });
  expect(refused.json.type).toBe("/problems/sms-not-available");
  expect(await mailsTo(number)).toEqual([]);
});

test("SMS is strong at a business that allows it alone, and its tokens say so", async () => {
  const user = await newTexted();
  const [allowing, strict] = [await newTenant(), await newTenant()];
  await allowSms(allowing, true, "everyone");
  for (const tenant of [allowing, strict]) await join(user, tenant, "manager");
  const by = await signedInBySms(user);
  const taken = await tokenOf(by.refreshToken, allowing);
  expect(claimsOf(taken.json.accessToken)).toMatchObject({ acr: "aal2", amr: ["pwd", "sms", "mfa"] });
  // It asks for nothing; its token claims nothing.
  const weak = await tokenOf(taken.json.refreshToken, strict);
  expect(claimsOf(weak.json.accessToken)).toMatchObject({ acr: "aal1", amr: ["pwd"] });
  await allowSms(strict, false, "everyone");
  await allowSms(allowing, false, "everyone");
  const next = await signedInBySms(user);
  for (const tenant of [strict, allowing])
    expect((await tokenOf(next.refreshToken, tenant)).json.type).toBe(
      "/problems/second-factor-enrolment-required",
    );
});

test("it is never the only factor of an owner or admin: not to be added, nor left, nor enough where one became it", async () => {
  const tenant = await newTenant();
  await allowSms(tenant, true, "elevated");
  const admin = await newUser(strong);
  await join(admin, tenant, "admin");
  const number = newNumber();
  expect((await beginSms(admin, number)).json.type).toBe("/problems/sms-not-enough");
  expect(await mailsTo(number)).toEqual([]);

  const { secret, totpId } = await enrolled(admin);
  const both = await texted(admin);
  expect((await signIn(admin.email, strong)).json.methods).toEqual(["totp", "recovery-code"]);
  const refused = await call("totp.remove", { as: admin.accessToken, params: { totpId } });
  expect(refused).toMatchObject({ status: 403, json: { type: "/problems/sms-not-enough" } });
  const challenge = await challengeOf(admin);
  expect((await send(challenge)).json.type).toBe("/problems/sms-not-available");
  expect((await mailsTo(both.number)).length).toBe(1);
  const body = { challenge, code: codeOf(secret) };
  const { json } = await call("sign-in.secondFactor", { body, headers: newAddress() });
  expect((await tokenOf(json.refreshToken, tenant)).status).toBe(200);
});

test("a passkey is not removed either where it would leave an owner with SMS alone", async () => {
  const tenant = await newTenant();
  await allowSms(tenant);
  const owner = await newUser(strong);
  await join(owner, tenant, "owner");
  const { passkeyId } = await withPasskey(owner);
  await texted(owner);
  const as = owner.accessToken;
  const remove = () => call("passkeys.remove", { as, params: { passkeyId } });
  expect((await remove()).json.type).toBe("/problems/sms-not-enough");
  expect((await call("sms.remove", { as })).status).toBe(204);
  expect((await remove()).status).toBe(204);
});

test("who became an admin is asked for another factor, by SMS as by a recovery code that came with it", async () => {
  const tenant = await newTenant();
  await allowSms(tenant, true, "elevated");
  const user = await newUser(strong);
  const memberId = await join(user, tenant, "staff");
  const known = await texted(user);
  const before = await signedInBySms(known);
  expect((await tokenOf(before.refreshToken, tenant)).status).toBe(200);
  await tenant.cell.database
    .prepare("update members set role = 'admin' where tenant_id = ? and id = ?")
    .bind(tenant.tenantId, memberId)
    .run();
  const required = { status: 403, json: { type: "/problems/second-factor-enrolment-required" } };
  const bySms = await signedInBySms(known);
  expect(await tokenOf(bySms.refreshToken, tenant)).toMatchObject(required);
  // Nor does it prove them once more.
  const stepUp = await call("step-up.sendSms", { as: bySms.accessToken, headers: newAddress() });
  expect(stepUp.json.type).toBe("/problems/sms-not-enough");
  const recovered = await call("sign-in.recover", {
    body: { challenge: await challengeOf(user), recoveryCode: known.recoveryCodes?.[0] },
    headers: newAddress(),
  });
  expect(recovered.status).toBe(201);
  expect(await tokenOf(recovered.json.refreshToken, tenant)).toMatchObject(required);
  // The way out is open: they signed in just now.
  await enrolled({ ...user, ...recovered.json });
  expect((await tokenOf(recovered.json.refreshToken, tenant)).status).toBe(200);
});

test("whoever has an authenticator goes on and proves by that; once it is gone the number is theirs again", async () => {
  const user = await newTexted();
  const { totpId } = await enrolled(user);
  expect((await signIn(user.email)).json.methods).toEqual(["totp", "recovery-code"]);
  const as = user.accessToken;
  expect((await call("step-up.sendSms", { as, headers: newAddress() })).json.type).toBe(
    "/problems/sms-not-available",
  );
  expect((await call("totp.remove", { as, params: { totpId } })).status).toBe(204);
  // What it was strong by is gone, though a number is left.
  expect((await call("me.get", { as })).status).toBe(401);
  expect((await signIn(user.email)).json.methods).toEqual(["sms", "recovery-code"]);
  const by = await signedInBySms(user);
  expect((await factorsOf(by)).recoveryCodes).not.toBeNull();
});

test("where every business stopped allowing it, its owner still comes into their own account, and into none of them", async () => {
  const tenant = await newTenant();
  await allowSms(tenant, true, "everyone");
  const user = await newUser();
  await join(user, tenant, "staff");
  const known = await texted(user);
  await allowSms(tenant, false, "everyone");
  const by = await signedInBySms(known);
  expect((await call("me.get", { as: by.accessToken })).status).toBe(200);
  expect((await tokenOf(by.refreshToken, tenant)).status).toBe(403);
  const stepUp = await call("step-up.sendSms", { as: by.accessToken, headers: newAddress() });
  expect(stepUp.json.type).toBe("/problems/sms-not-available");
});

async function stale(sessionId: string): Promise<void> {
  const at = new Date(Date.now() - 16 * minuteMs).toISOString();
  await directory()
    .prepare("update sessions set proved_at = ?1, signed_in_at = ?1 where id = ?2")
    .bind(at, sessionId)
    .run();
}

test("a code proves once more that it is them, in its own session, where SMS is worth something", async () => {
  const user = await newTexted();
  const [allowing, strict] = [await newTenant(), await newTenant()];
  await allowSms(allowing);
  for (const tenant of [allowing, strict]) await join(user, tenant, "manager");
  const { accessToken: as, sessionId, refreshToken } = await signedInBySms(user);
  await stale(sessionId);
  expect((await call("recovery-codes.renew", { as })).json.type).toBe("/problems/step-up-required");
  // The password alone is no proof of who has a second factor.
  const byPassword = await call("step-up.prove", { as, body: { password: user.password } });
  expect(byPassword.status).toBe(422);
  expect((await call("step-up.sendSms", { as, headers: newAddress() })).status).toBe(201);
  const code = await codeTextedTo(user.number);
  const prove = (text: string) =>
    call("step-up.proveSms", { as, body: { code: text }, headers: newAddress() });
  const [wrong = ""] = othersThan(code, 1);
  expect((await prove(wrong)).json.errors[0].pointer).toBe("/code");
  const [one, ...others] = (await Promise.all(Array.from({ length: 4 }, () => prove(code)))).toSorted(
    (a, b) => a.status - b.status,
  );
  expect(one?.status).toBe(200);
  expect(others.every(({ status }) => status !== 200)).toBe(true);
  expect((await call("recovery-codes.renew", { as })).status).toBe(201);
  const fresh = await tokenOf(refreshToken, allowing);
  const nowSeconds = Date.now() / 1000;
  expect(nowSeconds - claimsOf(fresh.json.accessToken).auth_time).toBeLessThan(60);
  const old = await tokenOf(fresh.json.refreshToken, strict);
  expect(nowSeconds - claimsOf(old.json.accessToken).auth_time).toBeGreaterThan(15 * 60);
});

test("who has no number is sent nothing, however they ask", async () => {
  const user = await newEnrolled();
  expect((await send(await challengeOf(user))).json.type).toBe("/problems/sms-not-available");
  expect((await call("sms.remove", { as: user.accessToken })).status).toBe(404);
  expect((await verify(await challengeOf(user), "123456")).json.type).toBe("/problems/sign-in-failed");
});
