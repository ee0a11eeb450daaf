import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { requestLimits } from "#identity/lockout/request-rules.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { minuteMs, secondMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newUser, signIn } from "#test/identity/kit.ts";
import { envWith, proxied } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();
const { session: ofSession, user: ofUser } = requestLimits;

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

afterEach(() => void vi.useRealTimers());

const begin = (as: string) => call("passkeys.begin", { as });
const inParallel = <T>(count: number, ask: () => Promise<T>) =>
  Promise.all(Array.from({ length: count }, ask));

function split(answers: readonly Answer[]): readonly [admitted: Answer[], limited: Answer[]] {
  const limited = answers.filter(({ status }) => status === 429);
  return [answers.filter((answer) => !limited.includes(answer)), limited];
}

test("of many changes at once a session makes as many as its limit says, exactly, and hears when to go on", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const [user, stranger] = [await newUser(), await newUser()];
  const { accessToken: elsewhere } = (await signIn(user.email)).json;
  const [admitted, limited] = split(await inParallel(ofSession.burst + 7, () => begin(user.accessToken)));
  expect([admitted.length, limited.length]).toEqual([ofSession.burst, 7]);
  expect(new Set(admitted.map(({ status }) => status))).toEqual(new Set([200]));
  expect(admitted.map(({ headers }) => headers.get("ratelimit"))).toContain('"session";r=0;t=60');
  const [refused] = limited;
  expect([refused?.json.type, refused?.headers.get("retry-after")]).toEqual(["/problems/rate-limited", "1"]);
  expect(refused?.headers.get("ratelimit-policy")).toBe('"session";q=60;w=60;keyline-burst=60');
  // Nobody else waits for it, in another session or at another account, and what is merely read is not counted.
  for (const as of [elsewhere, stranger.accessToken]) expect((await begin(as)).status).toBe(200);
  expect((await call("me.get", { as: user.accessToken })).status).toBe(200);
  const before = await written();
  expect((await call("sessions.signOut", { as: user.accessToken })).status).toBe(429);
  expect(grown(before, await written())).toEqual({});
  vi.setSystemTime(Date.now() + secondMs);
  expect((await begin(user.accessToken)).status).toBe(200);
  expect((await begin(user.accessToken)).status).toBe(429);
  vi.setSystemTime(Date.now() + minuteMs);
  expect((await begin(user.accessToken)).headers.get("ratelimit")).toBe('"session";r=59;t=1');
});

test("tokens are counted with it, whatever they are for, and a refusal takes no turn of the refresh token", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const user = await newUser();
  await inParallel(ofSession.burst - 2, () => begin(user.accessToken));
  const refresh = (refreshToken: string) => call("tokens.refresh", { body: { refreshToken } });
  const next = await refresh(user.refreshToken);
  expect([next.status, next.headers.get("ratelimit")]).toEqual([200, '"session";r=1;t=59']);
  const last = await refresh(next.json.refreshToken);
  expect(last.status).toBe(200);
  expect((await refresh(last.json.refreshToken)).status).toBe(429);
  expect((await begin(user.accessToken)).status).toBe(429);
  vi.setSystemTime(Date.now() + minuteMs);
  expect((await refresh(last.json.refreshToken)).status).toBe(200);
});

test("all sessions of a user together are held to the user's limit", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const counter = testEnv().LOCKOUTS.getByName(`requests-${newId("usr")}`);
  const take = (sessionId: string) => counter.take({ v: 1, sessionId });
  const taken: unknown[] = [];
  for (let at = 0; at < 4; at += 1)
    taken.push(...(await inParallel(ofSession.burst, () => take(`ses_${at}`))));
  const limited = taken.filter(
    (each) => (each as { rate: { retryAfterSeconds: number } }).rate.retryAfterSeconds > 0,
  );
  expect(taken.length - limited.length).toBe(ofUser.burst);
  expect(new Set(limited.map((each) => (each as { by: string }).by))).toEqual(new Set(["user"]));
  vi.setSystemTime(Date.now() + secondMs);
  expect(await take("ses_9")).toMatchObject({ by: "session", rate: { remaining: 59 } });
});

test("where nothing counts, nothing is changed", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  const { accessToken: as } = await newUser();
  const gone = { take: () => Promise.reject(new Error("The object is gone.")) };
  const getByName = (name: string) => proxied(testEnv().LOCKOUTS.getByName(name), gone);
  const env = envWith({ LOCKOUTS: proxied(testEnv().LOCKOUTS, { getByName }) });
  const before = await written();
  expect((await call("totp.begin", { as, env })).status).toBe(503);
  expect(grown(before, await written())).toEqual({});
  expect((await call("me.get", { as, env })).status).toBe(200);
});
