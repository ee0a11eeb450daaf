import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import {
  challengeOf,
  codeOf,
  enrolled,
  goodPassword,
  join,
  mailsTo,
  newAddress,
  newEmail,
  newEnrolled,
  newUser,
  signIn,
} from "#test/identity/kit.ts";
import { envWith, newTenant, rowsOf } from "#test/world.ts";

const { call } = clientOf();
const directory = () => testEnv().DIRECTORY;

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

const second = (challenge: string, code: string) =>
  call("sign-in.secondFactor", { body: { challenge, code }, headers: newAddress() });
const recover = (challenge: string, recoveryCode: string) =>
  call("sign-in.recover", { body: { challenge, recoveryCode }, headers: newAddress() });

function claimsOf(token: string) {
  return JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
}

test("with a second factor the password alone brings no session, and the code does", async () => {
  const user = await newEnrolled();
  const sessionsOf = () =>
    rowsOf(
      directory(),
      "select id from sessions where state = 'active' and user_id = (select user_id from sessions where id = ?)",
      user.sessionId,
    );
  const before = (await sessionsOf()).length;
  const first = await signIn(user.email);
  expect(first).toMatchObject({
    status: 401,
    json: { type: "/problems/second-factor-required", methods: ["totp", "recovery-code"] },
  });
  expect(Object.keys(first.json)).not.toContain("accessToken");
  expect(await sessionsOf()).toHaveLength(before);

  const next = await second(first.json.challenge, codeOf(user.secret));
  expect(next.status).toBe(201);
  expect(await sessionsOf()).toHaveLength(before + 1);
  expect(claimsOf(next.json.accessToken)).toMatchObject({ acr: "aal2", amr: ["pwd", "otp", "mfa"] });
  expect((await call("me.get", { as: next.json.accessToken })).json.email).toBe(user.email);
});

test("a wrong password leads to no challenge, whether or not there is a second factor", async () => {
  const user = await newEnrolled();
  expect((await signIn(user.email, "not this one at all")).json).toMatchObject({
    type: "/problems/sign-in-failed",
  });
});

test("fifty send one code at once: one is let in", async () => {
  const user = await newEnrolled();
  const challenges: string[] = [];
  for (let index = 0; index < 10; index += 1) challenges.push(await challengeOf(user));
  const code = codeOf(user.secret);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => second(challenges[index % 10] ?? "", code)),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  const others = answers.filter(({ status }) => status !== 201).map(({ json }) => json.type);
  expect(others.every((type) => /sign-in-failed|challenge-not-valid|conflict/.test(type))).toBe(true);
});

test("a code is taken once, also by another challenge, and none from before it", async () => {
  const user = await newEnrolled();
  const code = codeOf(user.secret);
  expect((await second(await challengeOf(user), code)).status).toBe(201);
  expect((await second(await challengeOf(user), code)).json.type).toBe("/problems/sign-in-failed");
  expect((await second(await challengeOf(user), codeOf(user.secret, -1))).status).toBe(401);
  expect((await second(await challengeOf(user), codeOf(user.secret, 1))).status).toBe(201);
});

test("a challenge is good once, for its own user, and not after all sessions were ended", async () => {
  const user = await newEnrolled();
  const used = await challengeOf(user);
  expect((await second(used, codeOf(user.secret))).status).toBe(201);
  expect((await second(used, codeOf(user.secret, 1))).json.type).toBe("/problems/challenge-not-valid");

  const stranger = await newEnrolled();
  const foreign = await challengeOf(user);
  expect((await second(foreign, codeOf(stranger.secret))).json.type).toBe("/problems/sign-in-failed");
  expect((await second(`${foreign.slice(0, -1)}x`, "123456")).json.type).toBe(
    "/problems/challenge-not-valid",
  );
  expect((await second(user.refreshToken, "123456")).json.type).toBe("/problems/challenge-not-valid");

  const open = await challengeOf(stranger);
  expect((await call("sessions.endOthers", { as: stranger.accessToken })).status).toBe(204);
  expect((await second(open, codeOf(stranger.secret))).json.type).toBe("/problems/challenge-not-valid");
});

test("an expired challenge is none", async () => {
  const user = await newEnrolled();
  const challenge = await challengeOf(user);
  await directory()
    .prepare("update sign_in_challenges set expires_at = '2026-01-01T00:00:00.000Z' where id = ?")
    .bind(`sic_${challenge.split("_")[1]}`)
    .run();
  expect((await second(challenge, codeOf(user.secret))).json.type).toBe("/problems/challenge-not-valid");
});

test("five wrong codes lock the second factor for a while, also for the right one and for recovery codes", async () => {
  const user = await newEnrolled();
  const challenge = await challengeOf(user);
  const wrong = codeOf(user.secret, 40);
  for (let tries = 0; tries < 5; tries += 1) expect((await second(challenge, wrong)).status).toBe(401);
  expect((await second(challenge, codeOf(user.secret))).json.type).toBe("/problems/sign-in-failed");
  expect((await recover(challenge, user.recoveryCodes[0] ?? "")).json.type).toBe("/problems/sign-in-failed");
  const told = await rowsOf<{ action: string }>(
    directory(),
    "select action from audit_log where entity = 'user' and row like '%second-factor%' and entity_id = (select user_id from totp_factors where id = ?) order by seq",
    user.totpId,
  );
  expect(told.map(({ action }) => action)).toEqual([
    ...Array.from({ length: 5 }, () => "user.sign_in_failed"),
    "user.locked_out",
  ]);
});

test("a recovery code lets in once and hands out a fresh set; the old set is dead, and its owner is told", async () => {
  const user = await newEnrolled();
  const [one = "", another = ""] = user.recoveryCodes;
  const answer = await recover(await challengeOf(user), ` ${one.toUpperCase().replace("-", "")} `);
  expect(answer.status).toBe(201);
  expect(answer.json.recoveryCodes).toHaveLength(10);
  expect(claimsOf(answer.json.accessToken).acr).toBe("aal2");
  for (const dead of [one, another])
    expect((await recover(await challengeOf(user), dead)).json.type).toBe("/problems/sign-in-failed");
  expect((await recover(await challengeOf(user), answer.json.recoveryCodes[9])).status).toBe(201);
  expect((await mailsTo(user.email)).map(({ kind }) => kind)).toContain("recovery-code-used");
});

test("twenty use one recovery code at once: one is let in, and one set is there", async () => {
  const user = await newEnrolled();
  const challenges: string[] = [];
  for (let index = 0; index < 5; index += 1) challenges.push(await challengeOf(user));
  const [code = ""] = user.recoveryCodes;
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => recover(challenges[index % 5] ?? "", code)),
  );
  const won = answers.filter(({ status }) => status === 201);
  expect(won).toHaveLength(1);
  const other = await enrolled(await newUser());
  expect((await recover(await challengeOf(other), won[0]?.json.recoveryCodes[0])).status).toBe(401);
});

test("neither secrets nor codes stand in the clear", async () => {
  const user = await newEnrolled();
  const [row] = await rowsOf<{ secret: string; hashes: string }>(
    directory(),
    "select secret, hashes from totp_factors join recovery_codes using (tenant_id, user_id) where totp_factors.id = ?",
    user.totpId,
  );
  expect(row?.secret).toMatch(/^v1\./);
  expect(row?.hashes).toMatch(/^v1\./);
  expect(JSON.stringify(row)).not.toContain(user.secret);
});

test("who is signed in changes nothing of how they sign in by a proof that is too old", async () => {
  const user = await newUser();
  await directory()
    .prepare("update sessions set proved_at = ? where id = ?")
    .bind(new Date(Date.now() - 16 * 60_000).toISOString(), user.sessionId)
    .run();
  const as = user.accessToken;
  const refused = await call("totp.begin", { as });
  expect(refused).toMatchObject({
    status: 401,
    json: { type: "/problems/step-up-required", maxAgeSeconds: 900 },
  });
  expect(refused.headers.get("www-authenticate")).toBe(
    'Bearer error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age=900',
  );
  expect(
    await rowsOf(
      directory(),
      "select id from totp_factors where user_id = (select user_id from sessions where id = ?)",
      user.sessionId,
    ),
  ).toEqual([]);
  const wrong = await call("step-up.prove", {
    as,
    body: { password: "not this one" },
    headers: newAddress(),
  });
  expect(wrong.json.errors).toEqual([{ pointer: "/password", detail: "is not your password" }]);
  expect((await call("totp.begin", { as })).status).toBe(401);
  expect(
    (await call("step-up.prove", { as, body: { password: goodPassword }, headers: newAddress() })).status,
  ).toBe(200);
  expect((await call("totp.begin", { as })).status).toBe(201);
});

test("with a second factor a step-up takes its code, each once, and no password", async () => {
  const user = await newEnrolled();
  const as = user.accessToken;
  const up = (body: Record<string, string>) => call("step-up.prove", { as, body, headers: newAddress() });
  expect((await up({ password: goodPassword })).json.errors[0].pointer).toBe("/code");
  expect((await up({ code: codeOf(user.secret, 40) })).json.errors[0].pointer).toBe("/code");
  const code = codeOf(user.secret);
  expect((await up({ code })).status).toBe(200);
  expect((await up({ code })).status).toBe(422);
});

test("wrong codes in a session keep nobody from signing in, and an ended session's token counts nothing", async () => {
  const user = await newEnrolled();
  const as = user.accessToken;
  const wrong = { code: codeOf(user.secret, 40) };
  for (let tries = 0; tries < 7; tries += 1)
    expect((await call("step-up.prove", { as, body: wrong, headers: newAddress() })).status).toBe(422);
  expect((await second(await challengeOf(user), codeOf(user.secret))).status).toBe(201);

  const other = await newUser();
  await call("sessions.signOut", { as: other.accessToken });
  const ended = { as: other.accessToken, headers: newAddress() };
  for (let tries = 0; tries < 5; tries += 1) {
    const body = { currentPassword: "not this one at all", password: "seven loud trumpets sink" };
    expect((await call("me.changePassword", { ...ended, body })).status).toBe(401);
    expect((await call("step-up.prove", { ...ended, body: { password: "not this one" } })).status).toBe(401);
  }
  expect((await signIn(other.email)).status).toBe(201);
  const email = newEmail();
  for (let tries = 0; tries < 5; tries += 1)
    expect((await call("email-changes.ask", { ...ended, body: { email } })).status).toBe(401);
  await call("sign-ups.create", {
    body: { name: "Ada", email, password: goodPassword },
    headers: newAddress(),
  });
  expect(await mailsTo(email)).toHaveLength(1);
});

test("a session that proves too little, or is good for a business alone, counts no try at a password", async () => {
  const [stale, limited] = [await newUser(), await newUser()];
  const change = "update sessions set signed_in_at = ?2, proved_at = ?2, sso = ?3 where id = ?1";
  const { DIRECTORY } = testEnv();
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  await DIRECTORY.prepare(change).bind(stale.sessionId, hourAgo, null).run();
  await DIRECTORY.prepare(change).bind(limited.sessionId, new Date().toISOString(), "klx_x").run();
  const body = { currentPassword: "not this one at all", password: "seven loud trumpets sink" };
  for (const [user, type] of [
    [stale, "step-up-required"],
    [limited, "session-limited"],
  ] as const) {
    for (let tries = 0; tries < 6; tries += 1) {
      const answer = await call("me.changePassword", { as: user.accessToken, headers: newAddress(), body });
      expect(answer.json.type).toBe(`/problems/${type}`);
    }
    expect((await signIn(user.email)).status, type).toBe(201);
  }
});

test("a cell that is away keeps nobody from the recovery codes that are shown once", async () => {
  const user = await newUser();
  await join(user, await newTenant("signs"), "staff");
  await signIn(user.email);
  const { json } = await call("totp.begin", { as: user.accessToken });
  const away = new Proxy(
    {},
    {
      get: () => () => {
        throw new Error("Network connection lost.");
      },
    },
  );
  const confirmed = await call("totp.confirm", {
    as: user.accessToken,
    params: { totpId: json.id },
    body: { code: codeOf(json.secret, -1) },
    env: envWith({ CELL_US1: away, CELL_EU1: away }),
  });
  expect(confirmed.status).toBe(200);
  expect(confirmed.json.recoveryCodes).toHaveLength(10);
});

test("enrolling ends the other sessions, makes this one strong, and is told by mail", async () => {
  const user = await newUser();
  const other = (await signIn(user.email)).json;
  const { totpId } = await enrolled(user);
  expect((await call("me.get", { as: other.accessToken })).status).toBe(401);
  expect((await call("tokens.refresh", { body: { refreshToken: other.refreshToken } })).status).toBe(401);
  const refreshed = await call("tokens.refresh", { body: { refreshToken: user.refreshToken } });
  expect(claimsOf(refreshed.json.accessToken).acr).toBe("aal2");
  expect((await mailsTo(user.email)).map(({ kind }) => kind)).toContain("factor-changed");
  expect((await call("factors.list", { as: user.accessToken })).json).toMatchObject({
    totp: { id: totpId },
    recoveryCodes: { createdAt: expect.any(String) },
  });
});

test("an authenticator is in use once it is confirmed, and another's cannot be confirmed or removed", async () => {
  const user = await newUser();
  const { json } = await call("totp.begin", { as: user.accessToken });
  expect((await signIn(user.email)).status).toBe(201);
  const stranger = await newEnrolled();
  const params = { totpId: json.id };
  const body = { code: codeOf(json.secret) };
  expect((await call("totp.confirm", { as: stranger.accessToken, params, body })).status).toBe(404);
  expect(
    (await call("totp.remove", { as: user.accessToken, params: { totpId: stranger.totpId } })).status,
  ).toBe(404);
  const wrong = await call("totp.confirm", {
    as: user.accessToken,
    params,
    body: { code: codeOf(json.secret, 40) },
  });
  expect(wrong.json.errors[0].pointer).toBe("/code");
  const again = await call("totp.begin", { as: user.accessToken });
  expect((await call("totp.confirm", { as: user.accessToken, params, body })).status).toBe(404);
  expect(again.json.secret).not.toBe(json.secret);
});

test("another authenticator takes the place of the one in use, whose codes are then dead", async () => {
  const user = await newEnrolled();
  const next = await enrolled(user);
  expect(next.recoveryCodes).toBeNull();
  expect((await second(await challengeOf(user), codeOf(user.secret))).status).toBe(401);
  expect((await second(await challengeOf(user), codeOf(next.secret))).status).toBe(201);
  expect((await recover(await challengeOf(user), user.recoveryCodes[3] ?? "")).status).toBe(201);
});

test("removing it ends every session and its recovery codes", async () => {
  const user = await newEnrolled();
  const { totpId } = user;
  const as = user.accessToken;
  expect((await call("totp.remove", { as, params: { totpId } })).status).toBe(204);
  expect((await call("me.get", { as })).status).toBe(401);
  const back = await signIn(user.email);
  expect(back.status).toBe(201);
  expect((await call("factors.list", { as: back.json.accessToken })).json).toEqual({
    totp: null,
    passkeys: [],
    sms: null,
    recoveryCodes: null,
  });
});

test("fresh recovery codes are for who has a second factor, and their owner is told", async () => {
  const renewals = async (email: string) =>
    (await mailsTo(email)).filter(({ data }) => data.factor === "recovery-codes");
  const nobody = await newUser();
  expect((await call("recovery-codes.renew", { as: nobody.accessToken })).status).toBe(404);
  expect(await renewals(nobody.email)).toEqual([]);
  const user = await newEnrolled();
  const { json } = await call("recovery-codes.renew", { as: user.accessToken });
  expect(await renewals(user.email)).toMatchObject([{ kind: "factor-changed", data: { change: "renewed" } }]);
  expect((await recover(await challengeOf(user), user.recoveryCodes[0] ?? "")).status).toBe(401);
  expect((await recover(await challengeOf(user), json.recoveryCodes[0])).status).toBe(201);
});
