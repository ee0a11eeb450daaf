import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { kernelKinds } from "#db/retention.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { dayMs } from "#lib/time.ts";
import { type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { codeOf, goodPassword, newAddress, newEnrolled, newUser, signIn } from "#test/identity/kit.ts";
import { rowsOf } from "#test/world.ts";
import { isReplay, keyed } from "./kit.ts";

const { call } = clientOf();
const { DIRECTORY } = testEnv();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

afterEach(() => void vi.useRealTimers());

const renew = (as: string, key: string) => call("recovery-codes.renew", { as, headers: keyed(key) });

async function recordsOf(as: string) {
  const { id } = (await call("me.get", { as })).json;
  return await rowsOf<{ answer: string; subject_id: string; fingerprint: string }>(
    DIRECTORY,
    "select * from idempotency where principal_id = ?",
    id,
  );
}

test("of ten at once with one key one makes codes and shows them, and nine are told that it was done", async () => {
  const { accessToken: as } = await newEnrolled();
  const answers = await Promise.all(Array.from({ length: 10 }, () => renew(as, "one")));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201));
  const [made, ...others] = answers.filter((answer) => !isReplay(answer));
  expect([made?.json.recoveryCodes.length, others]).toEqual([10, []]);
  for (const again of answers.filter(isReplay)) expect(again.json).toEqual({ recoveryCodes: null });
  const renewals =
    "select id from audit_log where operation = 'recovery-codes.renew' and entity = 'recovery-codes' and actor_id = ?";
  const { id } = (await call("me.get", { as })).json;
  expect(await rowsOf(DIRECTORY, renewals, id)).toHaveLength(1);
});

test("what is kept lies under the user's own key, holds nothing that is shown once, and goes after a day", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { accessToken: as } = await newUser();
  const begin = () => call("totp.begin", { as, headers: keyed("k") });
  const { json } = await begin();
  const [record] = await recordsOf(as);
  const { id } = (await call("me.get", { as })).json;
  expect([record?.subject_id, record?.answer.slice(0, 3)]).toEqual([id, "v1."]);
  expect(JSON.stringify(record)).not.toContain(json.id);
  expect((await begin()).json).toEqual({ id: json.id, secret: null, uri: null, qrSvg: null });
  await deleteExpired(DIRECTORY, Date.now() + dayMs - 1000, kernelKinds);
  expect(await recordsOf(as)).toHaveLength(1);
  await deleteExpired(DIRECTORY, Date.now() + dayMs + 1000, kernelKinds);
  expect(await recordsOf(as)).toEqual([]);
});

test("a key is its user's, in whichever session, and its operation's", async () => {
  const [user, stranger] = [await newUser(), await newUser()];
  const begin = (as: string) => call("totp.begin", { as, headers: keyed("k") });
  const first = await begin(user.accessToken);
  const { accessToken: elsewhere } = (await signIn(user.email)).json;
  expect([isReplay(await begin(elsewhere)), isReplay(await begin(stranger.accessToken))]).toEqual([
    true,
    false,
  ]);
  const options = await call("passkeys.begin", { as: user.accessToken, headers: keyed("k") });
  expect([options.status, isReplay(options)]).toEqual([200, false]);
  expect((await call("sessions.signOut", { as: user.accessToken })).status).toBe(204);
  expect((await begin(user.accessToken)).status).toBe(401);
  expect(isReplay(await begin(elsewhere))).toBe(true);
  expect(first.status).toBe(201);
});

test("what was refused is not kept, and what was done is told again though by now it would be refused", async () => {
  const user = await newUser();
  const next = "seven loud trumpets sink";
  const change = (changes: object = {}, key = "k") =>
    call("me.changePassword", {
      as: user.accessToken,
      body: { currentPassword: goodPassword, password: next, ...changes },
      headers: { ...keyed(key), ...address },
    } satisfies Call);
  const address = newAddress();
  expect((await change({ currentPassword: "not this one at all" })).status).toBe(422);
  expect((await change()).status).toBe(204);
  // A replay proves nothing anew, and counts against nobody.
  for (let at = 0; at < 12; at += 1) expect(isReplay(await change())).toBe(true);
  expect((await change({ currentPassword: next, password: "eight slow rivers meet" }, "other")).status).toBe(
    204,
  );
  for (const body of [{ password: "nine tall towers lean" }, { currentPassword: "short" }])
    expect((await change(body)).json.type).toBe("/problems/idempotency-key-reused");
});

test("a code that was spent is spent, and its key says so", async () => {
  const { accessToken: as, secret } = await newEnrolled();
  const body = { code: codeOf(secret) };
  const prove = (key: string) =>
    call("step-up.prove", { as, body, headers: { ...keyed(key), ...newAddress() } });
  const first = await prove("a");
  expect(first.status).toBe(200);
  expect((await prove("b")).status).toBe(422);
  expect((await prove("a")).json).toEqual(first.json);
});

test("no password is known again by what is kept of its request", async () => {
  const password = "seven loud trumpets sink";
  const fingerprints = [];
  for (let count = 0; count < 2; count += 1) {
    const { accessToken: as } = await newUser();
    const body = { currentPassword: goodPassword, password };
    const headers = { ...keyed("same"), ...newAddress() };
    expect((await call("me.changePassword", { as, body, headers })).status).toBe(204);
    fingerprints.push((await recordsOf(as))[0]?.fingerprint);
  }
  expect(fingerprints[0]).toBeDefined();
  expect(fingerprints[0]).not.toBe(fingerprints[1]);
});

test("a malformed key is refused before anything is done", async () => {
  const { accessToken: as } = await newUser();
  for (const key of ["", "two words", "x".repeat(256)]) {
    const { status, json } = await call("totp.begin", { as, headers: { "Idempotency-Key": key } });
    expect([status, json.errors?.[0]?.parameter], key).toEqual([400, "Idempotency-Key"]);
  }
  expect((await call("factors.list", { as })).json.totp).toBeNull();
  expect(await recordsOf(as)).toEqual([]);
});
