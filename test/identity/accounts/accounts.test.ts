import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { sendMail } from "#jobs/send-mail.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { counted } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import {
  goodPassword,
  mailsTo,
  newEmail,
  newUser,
  outcomeOfMail,
  signIn,
  type TestUser,
  tokenMailedTo,
} from "#test/identity/kit.ts";
import { envWith, rowsOf, tapped } from "#test/world.ts";

const { call } = clientOf();
/** Which the stand-in knows; strong by every other rule. */
const breachedPassword = "Zebra-Crossing-4-Tigers";

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
afterEach(() => void vi.restoreAllMocks());

test("somebody signs up, confirms the address with the password, and is signed in", async () => {
  const email = newEmail();
  const body = { name: "Wilhelmina Quartermain", email, password: goodPassword };
  const asked = await call("sign-ups.create", { body });
  expect([asked.status, asked.text]).toEqual([204, ""]);
  expect((await mailsTo(email)).map(({ kind }) => kind)).toEqual(["sign-up"]);
  expect((await signIn(email)).status).toBe(401);

  const token = await tokenMailedTo(email);
  const wrong = await call("sign-ups.verify", { body: { token, password: "another long password" } });
  expect(problemOf(wrong)).toEqual([401, "/problems/sign-in-failed"]);
  const verified = await call("sign-ups.verify", { body: { token, password: goodPassword } });
  expect(verified.status).toBe(201);
  const me = await call("me.get", { as: verified.json.accessToken });
  expect([me.status, me.json.email, me.json.name]).toEqual([200, email, "Wilhelmina Quartermain"]);
  const again = await call("sign-ups.verify", { body: { token, password: goodPassword } });
  expect(problemOf(again)).toEqual([410, "/problems/link-not-valid"]);
  expect((await signIn(email)).status).toBe(201);
});

test("of twenty confirmations at once one makes the account, and of two sign-ups with one address one", async () => {
  const email = newEmail();
  const body = { name: "Ada", email, password: goodPassword };
  await call("sign-ups.create", { body });
  const first = await tokenMailedTo(email);
  await call("sign-ups.create", { body });
  const second = await tokenMailedTo(email);
  expect(second).not.toBe(first);
  const verify = (token: string) => call("sign-ups.verify", { body: { token, password: goodPassword } });
  const answers = await Promise.all(Array.from({ length: 20 }, () => verify(first)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(problemOf(await verify(second))).toEqual([409, "/problems/account-exists"]);
});

test("whether an address has an account costs the same and is answered alike, whatever is asked", async () => {
  const { email } = await newUser();
  const { env, counts, reset } = counted();
  // Each hash asks once whether its memory is large enough (test/crypto/argon2id.test.ts).
  const computed = vi.spyOn(WebAssembly.Memory.prototype, "grow");
  const costOf = async (name: string, body: object) => {
    await call(name, { body, env });
    reset();
    computed.mockClear();
    const answer = await call(name, { body, env });
    const { requestId, ...said } = answer.json ?? {};
    return {
      hashes: computed.mock.calls.length,
      status: answer.status,
      said,
      trips: counts.trips.map((texts) => texts.length),
      hops: counts.lockouts.toSorted(),
      mails: counts.mails.flat().length,
    };
  };
  const cases: readonly [name: string, hashes: number, bodyOf: (email: string) => object][] = [
    ["sign-ups.create", 1, (address) => ({ name: "Ada", email: address, password: goodPassword })],
    ["sign-in.password", 1, (address) => ({ email: address, password: "not this one at all" })],
    ["password-resets.ask", 0, (address) => ({ email: address })],
  ];
  for (const [name, hashes, bodyOf] of cases) {
    const known = await costOf(name, bodyOf(email));
    expect(await costOf(name, bodyOf(newEmail())), name).toEqual(known);
    expect(known.hashes, name).toBe(hashes);
  }
});

test("the mail that leaves is the one that is right for whose mailbox it is", async () => {
  const { email } = await newUser();
  const body = { name: "Ada", email, password: goodPassword };
  await call("sign-ups.create", { body });
  const nobody = newEmail();
  await call("password-resets.ask", { body: { email: nobody } });
  const [registered] = await mailsTo(email);
  const [unknown] = await mailsTo(nobody);
  for (const id of [registered?.id, unknown?.id]) await sendMail(testEnv(), id ?? "", Date.now());
  expect(await outcomeOfMail(registered?.id)).toBe("sent");
  expect(await outcomeOfMail(unknown?.id)).toBe("nothing-to-send");
});

test("a new password by the link ends every session, by one of twenty at once, and the old one is nothing any more", async () => {
  const user = await newUser();
  await call("password-resets.ask", { body: { email: user.email } });
  const earlier = await tokenMailedTo(user.email);
  await call("password-resets.ask", { body: { email: user.email } });
  const token = await tokenMailedTo(user.email);
  const password = "seven loud trumpets sink";
  const tooWeak = await call("password-resets.complete", { body: { token, password: "password1234" } });
  expect([tooWeak.status, tooWeak.json.errors[0].pointer]).toEqual([422, "/password"]);
  // An isolate hashes nine at once, and tells the others to come again: so they do.
  const complete = async (): Promise<Answer> => {
    const answer = await call("password-resets.complete", { body: { token, password } });
    return answer.status === 503 ? await complete() : answer;
  };
  const answers = await Promise.all(Array.from({ length: 20 }, complete));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([204, ...Array(19).fill(410)]);
  const other = await call("password-resets.complete", { body: { token: earlier, password } });
  expect(problemOf(other)).toEqual([410, "/problems/link-not-valid"]);
  expect((await call("me.get", { as: user.accessToken })).status).toBe(401);
  expect((await call("tokens.refresh", { body: { refreshToken: user.refreshToken } })).status).toBe(401);
  expect((await signIn(user.email)).status).toBe(401);
  expect((await signIn(user.email, password)).status).toBe(201);
  expect((await mailsTo(user.email)).map(({ kind }) => kind)).toContain("password-changed");
});

test("many wrong passwords lock silently, and the link in the mail lets its owner in at once", async () => {
  const { email } = await newUser();
  const wrong = await Promise.all(Array.from({ length: 5 }, () => signIn(email, "not this one at all")));
  const locked = await signIn(email);
  const told = ({ status, json }: Answer) => [status, { ...json, requestId: "" }];
  for (const answer of wrong) expect(told(answer)).toEqual(told(locked));
  const token = await tokenMailedTo(email);
  expect((await call("sign-in-locks.clear", { body: { token } })).status).toBe(204);
  expect((await signIn(email)).status).toBe(201);
  expect(problemOf(await call("sign-in-locks.clear", { body: { token } }))[0]).toBe(410);
});

test("an address is one whatever its spelling, and what is mailed goes to that one", async () => {
  const { email } = await newUser();
  const spelt = email.toUpperCase().replace("@PEOPLE", "@\uff30EOPLE");
  expect((await signIn(spelt)).status).toBe(201);
  await call("password-resets.ask", { body: { email: spelt } });
  expect((await mailsTo(email)).map(({ kind }) => kind)).toContain("reset-password");
  expect(await mailsTo(spelt)).toEqual([]);
  for (const odd of ["x<ada@people.example>", "a,b@people.example", 'x"y"@people.example'])
    expect((await call("password-resets.ask", { body: { email: odd } })).status, odd).toBe(422);
});

test("what fails before a password is compared is no try, and a reset ends a lock", async () => {
  const { email } = await newUser();
  const away = envWith({
    DIRECTORY: tapped(testEnv().DIRECTORY, (texts, run) =>
      texts.some((text) => text.includes('from "passwords"')) ? Promise.reject(new Error("away")) : run(),
    ),
  });
  for (let tries = 0; tries < 8; tries += 1)
    expect((await signIn(email, goodPassword, away)).status).toBe(500);
  expect((await signIn(email)).status).toBe(201);
  for (let tries = 0; tries < 5; tries += 1) await signIn(email, "not this one at all");
  expect((await signIn(email)).status).toBe(401);
  await call("password-resets.ask", { body: { email } });
  const password = "seven loud trumpets sink";
  await call("password-resets.complete", { body: { token: await tokenMailedTo(email), password } });
  expect((await signIn(email, password)).status).toBe(201);
});

test("a password changes with the one of before, and the other sessions end", async () => {
  const user = await newUser();
  const other = await signIn(user.email);
  const change = (currentPassword: string, password: string) =>
    call("me.changePassword", { as: user.accessToken, body: { currentPassword, password } });
  const wrong = await change("not this one at all", "seven loud trumpets sink");
  expect([wrong.status, wrong.json.errors[0].pointer]).toEqual([422, "/currentPassword"]);
  const own = await change(goodPassword, user.email);
  expect(own.json.errors).toContainEqual({
    pointer: "/password",
    detail: "contains your e-mail address, or a word of it",
  });
  expect((await change(goodPassword, "seven loud trumpets sink")).status).toBe(204);
  expect((await call("me.get", { as: user.accessToken })).status).toBe(200);
  expect((await call("me.get", { as: other.json.accessToken })).status).toBe(401);
});

test("a password that nobody could look up is looked up at each sign-in, and is nothing once it was breached", async () => {
  const away = envWith({ PWNED_PASSWORDS_URL: "https://away.example/range" });
  const flagOf = async ({ sessionId }: TestUser) => {
    const text =
      "select must_recheck as flag from passwords where user_id = (select user_id from sessions where id = ?)";
    return (await rowsOf<{ flag: number }>(testEnv().DIRECTORY, text, sessionId))[0]?.flag;
  };
  const [harmless, breached] = [await newUser(goodPassword, away), await newUser(breachedPassword, away)];
  expect(await flagOf(breached)).toBe(1);
  expect((await signIn(harmless.email, goodPassword, away)).status).toBe(201);
  expect(await flagOf(harmless)).toBe(1);
  expect((await signIn(harmless.email)).status).toBe(201);
  expect(await flagOf(harmless)).toBe(0);
  expect((await signIn(breached.email, breachedPassword, away)).status).toBe(201);
  const refused = await signIn(breached.email, breachedPassword);
  expect(problemOf(refused)).toEqual([403, "/problems/password-change-required"]);
  await call("password-resets.ask", { body: { email: breached.email } });
  const token = await tokenMailedTo(breached.email);
  const complete = (password: string) => call("password-resets.complete", { body: { token, password } });
  expect((await complete(breachedPassword)).json.errors[0].detail).toContain("published in a breach");
  expect((await complete("seven loud trumpets sink")).status).toBe(204);
  expect((await signIn(breached.email, "seven loud trumpets sink")).status).toBe(201);
});

test("each step is in the directory's audit with address and agent sealed, the failed ones too, and nothing of it in the open", async () => {
  const email = newEmail();
  const { DIRECTORY } = testEnv();
  const [last] = await rowsOf<{ seq: number }>(DIRECTORY, "select max(seq) as seq from audit_log");
  const headers = {
    "CF-Connecting-IP": "203.0.113.77",
    "User-Agent": "Mozilla/5.0 Firefox/140.0 (X11; Linux)",
  };
  const asked = { name: "Quibblethwaite Ottoline", email, password: goodPassword };
  await call("sign-ups.create", { body: asked, headers });
  const token = await tokenMailedTo(email);
  await call("sign-ups.verify", { body: { token, password: goodPassword }, headers });
  await call("sign-in.password", { body: { email, password: "not this one at all" }, headers });
  await call("sign-in.password", { body: { email, password: goodPassword }, headers });
  const rows = await rowsOf<{ operation: string; actor_kind: string; caller: string }>(
    DIRECTORY,
    "select * from audit_log where seq > ? order by seq",
    last?.seq ?? 0,
  );
  expect(new Set(rows.map(({ operation }) => operation))).toEqual(
    new Set(["sign-ups.create", "sign-ups.verify", "sign-in.password"]),
  );
  for (const { caller } of rows) expect(caller).toMatch(/^v1\.sky_/);
  const everything = await Promise.all(
    [
      "audit_log",
      "events",
      "users",
      "sessions",
      "sign_ups",
      "passwords",
      "outgoing_mails",
      "one_time_links",
    ].map((table) => rowsOf(DIRECTORY, `select * from ${table}`)),
  );
  const text = JSON.stringify(everything);
  for (const secret of [email, "Ottoline", "203.0.113.77", "Firefox", "$argon2id", goodPassword, token])
    expect(text).not.toContain(secret);
});

function problemOf({ status, json }: Answer): [number, string] {
  return [status, json.type];
}
