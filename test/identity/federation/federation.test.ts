import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import {
  codeOf,
  enrolled,
  goodPassword,
  mailsTo,
  newAddress,
  newEmail,
  newUser,
  signIn,
} from "#test/identity/kit.ts";
import { rowsOf } from "#test/world.ts";
import { arriveBy, gmail, newSubject, signInAt, tripTo, visited } from "./kit.ts";

const { call } = clientOf();
beforeAll(async () => {
  await ensureDirectoryKeys(testEnv(), Date.now());
});

const userIdOf = async (as: string) => (await call("me.get", { as })).json.id;

test("who comes by Google has an account, and the same one whenever they come", async () => {
  const claims = { sub: newSubject(), email: gmail(), email_verified: true, name: "Ada Lovelace" };
  const first = await signInAt("google", { claims });
  expect(first.status).toBe(201);
  const { json: me } = await call("me.get", { as: first.json.accessToken });
  expect(me).toMatchObject({ name: "Ada Lovelace", email: claims.email });
  const again = await signInAt("google", { claims: { ...claims, email: gmail() } });
  expect(await userIdOf(again.json.accessToken)).toBe(me.id);
  const [session] = (await call("sessions.list", { as: again.json.accessToken })).json.data;
  expect(session).toMatchObject({ methods: ["fed"], strongAt: null });
});

test("Google speaks for its mailboxes and its customers' domains alone: others type a mailed code", async () => {
  const email = newEmail();
  const domain = "people.example";
  for (const [claims, status] of [
    [{ email: gmail(), email_verified: true }, 201],
    [{ email: newEmail(), email_verified: true, hd: domain }, 201],
    [{ email: newEmail(), email_verified: true, hd: "else.example" }, 401],
    [{ email, email_verified: true }, 401],
    [{ email: gmail(), email_verified: false }, 401],
    [{ email: gmail() }, 401],
  ] as const)
    expect((await signInAt("google", { claims: { sub: newSubject(), ...claims } })).status).toBe(status);
  const [mail] = await mailsTo(email);
  expect(mail).toMatchObject({ kind: "arrival-code", userId: null });
});

test("Apple is asked with a secret made for the request, answers by a form, and tells a name once", async () => {
  const claims = { sub: newSubject(), email: newEmail(), email_verified: "true" };
  const user = JSON.stringify({
    name: { firstName: "Grace", lastName: "Hopper" },
    email: "else@people.example",
  });
  const begun = await call("sign-in.federated", { body: { source: "apple" }, headers: newAddress() });
  expect(begun.json).toMatchObject({ label: "Apple", isFormPost: true });
  const first = await signInAt("apple", { claims, user });
  expect(first.status).toBe(201);
  expect((await call("me.get", { as: first.json.accessToken })).json).toMatchObject({
    name: "Grace Hopper",
    email: claims.email,
  });
  const again = await signInAt("apple", { claims });
  expect((await call("me.get", { as: again.json.accessToken })).json.name).toBe("Grace Hopper");
});

test("Microsoft's tokens are of the organization that they name, and its addresses are nobody's word", async () => {
  const claims = { sub: newSubject(), email: newEmail(), email_verified: true };
  expect(await signInAt("microsoft", { claims })).toMatchObject({
    status: 401,
    json: { type: "/problems/email-code-required" },
  });
  expect((await signInAt("microsoft", { claims: { ...claims, xms_edov: true } })).status).toBe(201);
  for (const wrong of [
    { iss: "https://login.microsoftonline.com/99999999-2222-4333-8444-555555555555/v2.0" },
    { tid: "../../evil" },
    { tid: null },
    { iss: "https://login.microsoftonline.com/{tenantid}/v2.0" },
  ])
    expect((await signInAt("microsoft", { claims: { ...claims, ...wrong } })).json.type).toBe(
      "/problems/federated-sign-in-failed",
    );
});

test("an unproved address is proved by its mailed code, once, and only where it was asked for", async () => {
  const email = newEmail();
  const claims = { sub: newSubject(), email, name: "Ada" };
  const asked = await signInAt("work", { claims });
  expect(asked).toMatchObject({ status: 401, json: { type: "/problems/email-code-required" } });
  const { challenge } = asked.json;
  const [mail] = await mailsTo(email);
  const code = mail?.data.code ?? "";
  const wrong = await call("sign-in.federatedEmail", {
    body: { challenge, code: "00000-00000" },
    headers: newAddress(),
  });
  expect(wrong.status).toBe(401);
  const other = await signInAt("work", { claims: { ...claims, email: newEmail(), sub: newSubject() } });
  expect(
    (
      await call("sign-in.federatedEmail", {
        body: { challenge: other.json.challenge, code },
        headers: newAddress(),
      })
    ).status,
  ).toBe(401);
  const typed = code.toUpperCase().replace("-", " ");
  const tries = await Promise.all(
    Array.from({ length: 20 }, () =>
      call("sign-in.federatedEmail", { body: { challenge, code: typed }, headers: newAddress() }),
    ),
  );
  expect(tries.filter(({ status }) => status === 201)).toHaveLength(1);
  expect((await signInAt("work", { claims })).status).toBe(201);
});

test("an account is never anybody's by an unverified address, and its owner's by the mailed code", async () => {
  const owner = await newUser();
  const sub = newSubject();
  const claims = { sub, email: owner.email, email_verified: true };
  const asked = await signInAt("work", { claims });
  expect(asked.json.type).toBe("/problems/email-code-required");
  expect((await call("identities.list", { as: owner.accessToken })).json.data).toEqual([]);
  const [mail] = await mailsTo(owner.email);
  const body = { challenge: asked.json.challenge, code: mail?.data.code };
  const inside = await call("sign-in.federatedEmail", { body, headers: newAddress() });
  expect(inside.status).toBe(201);
  expect(await userIdOf(inside.json.accessToken)).toBe(await userIdOf(owner.accessToken));
  expect((await mailsTo(owner.email))[0]?.kind).toMatch(/identity-changed|new-device/);
});

test("a second factor of the account is asked for, unless the issuer says that one was proved there", async () => {
  const email = gmail();
  const claims = { sub: newSubject(), email, email_verified: true };
  const first = await signInAt("google", { claims });
  const user = { email, password: "", ...first.json };
  const { secret } = await enrolled(user);
  const asked = await signInAt("google", { claims });
  expect(asked).toMatchObject({ status: 401, json: { type: "/problems/second-factor-required" } });
  const inside = await call("sign-in.secondFactor", {
    body: { challenge: asked.json.challenge, code: codeOf(secret, 1) },
    headers: newAddress(),
  });
  expect(inside.status).toBe(201);
  const [session] = (await call("sessions.list", { as: inside.json.accessToken })).json.data;
  expect(session.methods).toEqual(["fed", "otp", "mfa"]);
  const spared = await signInAt("google", { claims: { ...claims, amr: ["pwd", "mfa"] } });
  expect(spared.status).toBe(201);
  const listed = (await call("sessions.list", { as: spared.json.accessToken })).json.data;
  expect(listed.find(({ isCurrent }: { isCurrent: boolean }) => isCurrent)).toMatchObject({
    methods: ["fed", "mfa"],
    strongAt: expect.any(String),
  });
});

test("a mailbox and an issuer that says `mfa` of anybody open no account that has a second factor", async () => {
  const victim = await enrolled(await newUser());
  const thief = { sub: newSubject(), email: victim.email, amr: ["mfa"] };
  const asked = await signInAt("work", { claims: thief });
  const [mail] = await mailsTo(victim.email);
  const tried = await call("sign-in.federatedEmail", {
    body: { challenge: asked.json.challenge, code: mail?.data.code },
    headers: newAddress(),
  });
  expect(tried).toMatchObject({ status: 401, json: { type: "/problems/second-factor-required" } });
  // Nor is the thief known by it from then on, however they come.
  expect((await call("identities.list", { as: victim.accessToken })).json.data).toEqual([]);
  expect((await signInAt("work", { claims: thief })).json.type).toBe("/problems/email-code-required");
  // Who proves it then is known from then on, and spared where the issuer says that it was proved there.
  const body = { challenge: tried.json.challenge, code: codeOf(victim.secret, 1) };
  expect((await call("sign-in.secondFactor", { body, headers: newAddress() })).status).toBe(201);
  const [identity, ...more] = (await call("identities.list", { as: victim.accessToken })).json.data;
  expect([identity.source, more]).toEqual(["work", []]);
  expect((await signInAt("work", { claims: { ...thief, email: newEmail() } })).status).toBe(201);
  const trusted = { sub: newSubject(), email: victim.email, email_verified: true, hd: "people.example" };
  const first = await signInAt("google", { claims: { ...trusted, amr: ["mfa"] } });
  expect(first.json.type).toBe("/problems/second-factor-required");
});

test("what an issuer did not say, or not to us, lets nobody in", async () => {
  const now = Math.floor(Date.now() / 1000);
  const good = { sub: newSubject(), email: gmail(), email_verified: true };
  for (const visitor of [
    { claims: { iss: "https://accounts.google.com.evil.example" } },
    { claims: { iss: "accounts.google.com" } },
    { claims: { aud: "another-client" } },
    { claims: { aud: ["google-client", "another-client"] } },
    { claims: { aud: ["google-client", "another-client"], azp: "another-client" } },
    { claims: { azp: "another-client" } },
    { claims: { nonce: "another" } },
    { claims: { nonce: null } },
    { claims: { exp: now - 60 } },
    { claims: { exp: null } },
    { claims: { iat: null } },
    { claims: { nbf: now + 600 } },
    { claims: { sub: "" } },
    { claims: { sub: null } },
    { signedBy: "stranger" },
    { signedBy: "nobody" },
    { kid: "unknown" },
    { error: "access_denied" },
    { tokenStatus: 400 },
  ] as const) {
    const claims = "claims" in visitor ? visitor.claims : {};
    const tried = await signInAt("google", { ...visitor, claims: { ...good, ...claims } });
    expect(tried.status, JSON.stringify(visitor)).toBe(401);
    expect(tried.json.type).toBe("/problems/federated-sign-in-failed");
  }
  expect((await signInAt("google", { claims: good })).status).toBe(201);
});

test("an answer fits the flow that asked for it, in its browser and at its issuer, and no other", async () => {
  const claims = { sub: newSubject(), email: gmail(), email_verified: true };
  const mine = await tripTo("google", { claims });
  const theirs = await tripTo("google", { claims });
  const at = (changes: object) => arriveBy({ ...mine, ...changes });
  const failed = { status: 401, json: { type: "/problems/federated-sign-in-failed" } };
  expect(await at({ flow: theirs.flow })).toMatchObject(failed);
  expect(await at({ source: "work" })).toMatchObject(failed);
  expect(await at({ flow: mine.flow.replace(/.$/, (last) => (last === "0" ? "1" : "0")) })).toMatchObject({
    status: 410,
  });
  const parameters = new URLSearchParams(mine.parameters);
  parameters.set("state", "another");
  expect(await at({ parameters: parameters.toString() })).toMatchObject(failed);
  parameters.delete("state");
  expect(await at({ parameters: parameters.toString() })).toMatchObject(failed);
  expect(await at({})).toMatchObject({ status: 201 });
  expect(await at({})).toMatchObject(failed);
});

test("an issuer that answers as another is not believed (RFC 9207)", async () => {
  const claims = { sub: newSubject(), email: newEmail() };
  const told = await signInAt("work", { claims, iss: "https://accounts.google.com" });
  expect(told.json.type).toBe("/problems/federated-sign-in-failed");
});

test("one connects another issuer to an account, and lets it go, but not the only way in", async () => {
  const user = await newUser();
  const other = await newUser();
  const claims = { sub: newSubject(), email: gmail(), email_verified: true };
  const connect = async (as: string, sub = claims.sub) => {
    const begun = await call("identities.begin", { as, body: { source: "google" } });
    const { parameters } = await visited(begun.json.authorizationUrl, { claims: { ...claims, sub } });
    return { flow: begun.json.flow, source: "google", parameters };
  };
  const answer = await connect(user.accessToken);
  // Asked for in one session, of no use in another, nor to sign in.
  expect((await call("identities.connect", { as: other.accessToken, body: answer })).status).toBe(401);
  expect((await call("sign-in.federatedComplete", { body: answer, headers: newAddress() })).status).toBe(401);
  const again = await connect(user.accessToken);
  expect((await call("identities.connect", { as: user.accessToken, body: again })).status).toBe(204);
  const taken = await connect(other.accessToken);
  expect((await call("identities.connect", { as: other.accessToken, body: taken })).json.type).toBe(
    "/problems/identity-taken",
  );
  const [identity] = (await call("identities.list", { as: user.accessToken })).json.data;
  expect(identity).toMatchObject({ source: "google", label: "Google" });
  expect(await userIdOf((await signInAt("google", { claims })).json.accessToken)).toBe(
    await userIdOf(user.accessToken),
  );
  const params = { identityId: identity.id };
  expect((await call("identities.remove", { as: other.accessToken, params })).status).toBe(404);
  expect((await call("identities.remove", { as: user.accessToken, params })).status).toBe(204);
  expect((await signIn(user.email, goodPassword)).status).toBe(201);
  const alone = await signInAt("google", { claims: { ...claims, sub: newSubject(), email: gmail() } });
  const [own] = (await call("identities.list", { as: alone.json.accessToken })).json.data;
  const last = await call("identities.remove", {
    as: alone.json.accessToken,
    params: { identityId: own.id },
  });
  expect(last.json.type).toBe("/problems/last-way-in");
});

test("who somebody is elsewhere stands nowhere but sealed", async () => {
  const sub = newSubject();
  await signInAt("google", { claims: { sub, email: gmail(), email_verified: true } });
  const rows = await rowsOf(testEnv().DIRECTORY, "select * from federated_identities");
  const audit = await rowsOf(testEnv().DIRECTORY, "select * from audit_log");
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify([rows, audit])).not.toContain(sub);
});

test("an issuer that is away is told apart from one that says no", async () => {
  const claims = { sub: newSubject(), email: newEmail() };
  const away = await signInAt("work", { claims, tokenStatus: 503 });
  expect(away).toMatchObject({ status: 503, json: { type: "/problems/unavailable" } });
  const refused = await signInAt("work", { claims, tokenStatus: 400 });
  expect(refused).toMatchObject({ status: 401, json: { type: "/problems/federated-sign-in-failed" } });
  const unknown = await call("sign-in.federated", { body: { source: "nobody" }, headers: newAddress() });
  expect(unknown.status).toBe(404);
});
