import { beforeAll, expect, test } from "vitest";
import { macToken } from "#crypto/mac-token.ts";
import { openDirectory } from "#db/directory.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { minuteMs } from "#lib/time.ts";
import { firstIdAt } from "#lib/typeid.ts";
import { utf8 } from "#lib/utf8.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { Authenticator, newKeys, type Odd } from "#test/identity/authenticator.ts";
import { newWithoutPassword } from "#test/identity/federation/kit.ts";
import {
  challengeOf,
  codeOf,
  enrolled,
  goodPassword,
  mailsTo,
  newAddress,
  newBearer,
  newUser,
  proofOptions,
  signIn,
  tokenMailedTo,
  withPasskey,
} from "#test/identity/kit.ts";
import { rowsOf } from "#test/world.ts";

const { call } = clientOf();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

const byPasskey = (response: object) =>
  call("sign-in.passkey", { body: { response }, headers: newAddress() });

function claimsOf(token: string) {
  return JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
}

test.each([
  [false, ["hwk", "user", "mfa"]],
  [true, ["swk", "user", "mfa"]],
])("a passkey (synced: %s) lets in by itself, and the session is strong", async (isSynced, amr) => {
  const { device, email } = await newBearer(isSynced);
  const answer = await byPasskey(await device.prove(await proofOptions()));
  expect(answer.status, answer.text).toBe(201);
  expect(claimsOf(answer.json.accessToken)).toMatchObject({ acr: "aal2", amr });
  expect((await call("me.get", { as: answer.json.accessToken })).json.email).toBe(email);
});

test("whoever has a passkey is asked for it after the password, and it is the second factor", async () => {
  const user = await newBearer();
  expect((await signIn(user.email)).json).toMatchObject({ methods: ["passkey", "recovery-code"] });
  const challenge = await challengeOf(user);
  const response = await user.device.prove(await proofOptions());
  const headers = newAddress();
  const answer = await call("sign-in.secondFactorPasskey", { body: { challenge, response }, headers });
  expect(answer.status, answer.text).toBe(201);
  expect(claimsOf(answer.json.accessToken).amr).toEqual(["pwd", "hwk", "user", "mfa"]);
  const again = { challenge, response: await user.device.prove(await proofOptions()) };
  expect((await call("sign-in.secondFactorPasskey", { body: again, headers })).json.type).toBe(
    "/problems/challenge-not-valid",
  );
});

test("twenty send one proof at once: one is let in; nor is it good later, or one of an older challenge", async () => {
  const { device } = await newBearer(true);
  const older = await proofOptions();
  const response = await device.prove(await proofOptions());
  const answers = await Promise.all(Array.from({ length: 20 }, () => byPasskey(response)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect((await byPasskey(response)).status).toBe(401);
  expect((await byPasskey(await device.prove(older))).status).toBe(401);
  expect((await byPasskey(await device.prove(await proofOptions()))).status).toBe(201);
});

const odd: readonly [string, () => Promise<Odd>][] = [
  ["another origin", async () => ({ origin: "https://evil.example" })],
  ["another relying party", async () => ({ rpId: "evil.example" })],
  ["no user verification", async () => ({ isVerified: false })],
  ["the type of a registration", async () => ({ type: "webauthn.create" })],
  ["another key", async () => ({ signWith: await newKeys() })],
  ["a counter that went back", async () => ({ counter: 0 })],
  ["a challenge of its own making", async () => ({ challenge: encodeBase64Url(utf8("klk_mine")) })],
  ["a challenge to register", async () => ({ challenge: (await registering()).challenge })],
  [
    "another token of ours",
    async () => ({ challenge: encodeBase64Url(utf8((await newUser()).refreshToken)) }),
  ],
];

async function registering() {
  return (await call("passkeys.begin", { as: (await newUser()).accessToken })).json;
}

// As one that was asked for six minutes ago; the same key made it.
async function oldChallenge(): Promise<string> {
  const key = (await openDirectory(testEnv())).keys.ring.indexKey();
  const id = firstIdAt("wac", Date.now() - 6 * minuteMs);
  return encodeBase64Url(utf8(await macToken(key, "passkey", { id, turn: 2 })));
}

for (const [name, make] of odd) {
  test(`a proof with ${name} is refused, and its user's audit tells`, async () => {
    const { device, passkeyId } = await newBearer();
    expect((await byPasskey(await device.prove(await proofOptions()))).status).toBe(201);
    const refused = await byPasskey(await device.prove(await proofOptions(), await make()));
    expect(refused).toMatchObject({ status: 401, json: { type: "/problems/sign-in-failed" } });
    expect(refused.json).not.toHaveProperty("accessToken");
    const notes = await rowsOf(
      testEnv().DIRECTORY,
      "select id from audit_log where action = 'user.sign_in_failed' and row like ?",
      `%${passkeyId}%`,
    );
    expect(notes).toHaveLength(1);
    expect((await byPasskey(await device.prove(await proofOptions()))).status).toBe(201);
  });
}

test("a challenge is good for five minutes", async () => {
  const { device, passkeyId } = await newBearer();
  const challenge = await oldChallenge();
  // As a passkey that was last used before that challenge was asked for.
  await testEnv()
    .DIRECTORY.prepare("update passkeys set last_challenge = ? where id = ?")
    .bind(firstIdAt("wac", Date.now() - 60 * minuteMs), passkeyId)
    .run();
  expect((await byPasskey(await device.prove(await proofOptions(), { challenge }))).status).toBe(401);
  expect((await byPasskey(await device.prove(await proofOptions()))).status).toBe(201);
});

test("another's passkey proves nothing for one's own challenge, session or account", async () => {
  const [mine, theirs] = [await newBearer(), await newBearer()];
  const foreign = await theirs.device.prove(await proofOptions());
  const challenge = await challengeOf(mine);
  const headers = newAddress();
  const second = await call("sign-in.secondFactorPasskey", {
    body: { challenge, response: foreign },
    headers,
  });
  expect(second.json.type).toBe("/problems/sign-in-failed");
  const up = await call("step-up.prove", { as: mine.accessToken, body: { passkey: foreign }, headers });
  expect(up.json.errors[0].pointer).toBe("/passkey");
  const handle = (await mine.device.prove(await proofOptions())).response.userHandle;
  const dressed = await theirs.device.prove(await proofOptions());
  const claimed = { ...dressed, response: { ...dressed.response, userHandle: handle } };
  expect((await byPasskey(claimed)).status).toBe(401);
  const nobody = encodeBase64Url(utf8("usr_00000000000000000000000000"));
  expect(
    (await byPasskey({ ...dressed, response: { ...dressed.response, userHandle: nobody } })).status,
  ).toBe(401);
});

test("a passkey steps up where there is one, and no password does", async () => {
  const user = await newBearer();
  const as = user.accessToken;
  const headers = newAddress();
  const passkey = await user.device.prove(await proofOptions());
  expect((await call("step-up.prove", { as, body: { passkey }, headers })).status).toBe(200);
  expect((await call("step-up.prove", { as, body: { passkey }, headers })).status).toBe(422);
  expect((await call("step-up.prove", { as, body: { password: user.password }, headers })).status).toBe(422);
});

test("adding one ends the other sessions and is told; registering by an odd response adds nothing", async () => {
  const user = await newUser();
  const other = (await signIn(user.email)).json;
  const as = user.accessToken;
  const device = new Authenticator(testEnv().PUBLIC_ORIGIN);
  const { json: options } = await call("passkeys.begin", { as });
  const oddities: Odd[] = [
    { origin: "https://evil.example" },
    { rpId: "evil.example" },
    { isVerified: false },
    { type: "webauthn.get" },
    { challenge: (await proofOptions()).challenge },
  ];
  for (const each of oddities) {
    const body = { name: "Odd", response: await device.create(options, each) };
    expect((await call("passkeys.add", { as, body })).json.errors[0].pointer).toBe("/response");
  }
  expect((await call("me.get", { as: other.accessToken })).status).toBe(200);
  const body = { name: "Phone", response: await device.create(options) };
  const added = await call("passkeys.add", { as, body });
  expect(added.status, added.text).toBe(201);
  expect(added.json.recoveryCodes).toHaveLength(10);
  expect((await call("passkeys.add", { as, body })).status).toBe(422);
  expect((await call("me.get", { as: other.accessToken })).status).toBe(401);
  expect((await mailsTo(user.email)).map(({ kind }) => kind)).toContain("factor-changed");
});

test("of two factors one can go and this session stays; with the last one it ends", async () => {
  const user = await withPasskey(await enrolled(await newUser()));
  const as = user.accessToken;
  expect(user.recoveryCodes).toBeNull();
  expect((await signIn(user.email)).json.methods).toEqual(["totp", "passkey", "recovery-code"]);
  const { json: factors } = await call("factors.list", { as });
  expect(factors.passkeys).toMatchObject([{ id: user.passkeyId, name: "Phone", isSynced: false }]);
  expect((await call("totp.remove", { as, params: { totpId: factors.totp.id } })).status).toBe(204);
  expect((await signIn(user.email)).json.methods).toEqual(["passkey", "recovery-code"]);
  const stranger = await newBearer();
  const params = { passkeyId: user.passkeyId };
  expect((await call("passkeys.remove", { as: stranger.accessToken, params })).status).toBe(404);
  expect((await call("passkeys.remove", { as, params })).status).toBe(204);
  expect((await call("me.get", { as })).status).toBe(401);
  expect((await signIn(user.email)).status).toBe(201);
});

test("of a passkey and an issuer that are let go at once one stays", async () => {
  const { accessToken: as, passkeyId } = await withPasskey(await newWithoutPassword());
  const params = { passkeyId };
  const [identity] = (await call("identities.list", { as })).json.data;
  const tries = await Promise.all([
    call("identities.remove", { as, params: { identityId: identity.id } }),
    call("passkeys.remove", { as, params }),
  ]);
  expect(tries.filter(({ status }) => status === 204)).toHaveLength(1);
});

test("the only passkey stays until there is another way in", async () => {
  const user = await withPasskey(await newWithoutPassword());
  const { accessToken: as, email } = user;
  const params = { passkeyId: user.passkeyId };
  const [identity] = (await call("identities.list", { as })).json.data;
  await call("identities.remove", { as, params: { identityId: identity.id } });
  const last = await call("passkeys.remove", { as, params });
  expect([last.status, last.json.type]).toEqual([409, "/problems/last-way-in"]);
  const back = await byPasskey(await user.device.prove(await proofOptions()));
  expect(back.status).toBe(201);
  await call("password-resets.ask", { body: { email }, headers: newAddress() });
  const body = { token: await tokenMailedTo(email), password: goodPassword };
  expect((await call("password-resets.complete", { body, headers: newAddress() })).status).toBe(204);
  const again = await byPasskey(await user.device.prove(await proofOptions()));
  expect((await call("passkeys.remove", { as: again.json.accessToken, params })).status).toBe(204);
  expect((await signIn(email)).status).toBe(201);
});

test("its name and its credential's id stand sealed", async () => {
  const { passkeyId, device } = await newBearer();
  const [row] = await rowsOf<Record<string, string>>(
    testEnv().DIRECTORY,
    "select name, credential from passkeys where id = ?",
    passkeyId,
  );
  expect(row?.name).toMatch(/^v1\./);
  expect(row?.credential).toMatch(/^v1\./);
  expect(JSON.stringify(row)).not.toContain(device.id);
});

test("a code of an authenticator and a passkey both serve whoever has both", async () => {
  const base = await enrolled(await newUser());
  const user = await withPasskey(base);
  const body = { challenge: await challengeOf(user), code: codeOf(base.secret) };
  expect((await call("sign-in.secondFactor", { body, headers: newAddress() })).status).toBe(201);
  expect((await byPasskey(await user.device.prove(await proofOptions()))).status).toBe(201);
});
