import { afterEach, expect, test, vi } from "vitest";
import { dayMs } from "#lib/time.ts";
import { isIntend, isSettle, killing } from "#test/deaths.ts";
import type { TestEnv } from "#test/env.ts";
import { envWith, newTenant } from "#test/world.ts";
import {
  draw,
  expectDoneOnce,
  failingPut,
  objectsOf,
  resumeAfterSeconds,
  stateOf,
  sweep,
  unreachable,
} from "./drawings.ts";
import { isReplay } from "./kit.ts";

afterEach(() => void vi.useRealTimers());

test("killed before the intent is committed, nothing has happened and the key is unused", async () => {
  const tenant = await newTenant();
  const killed = await draw(tenant, {}, killing({ before: isIntend }));
  expect(killed.status).toBe(500);
  expect(await stateOf(tenant)).toEqual({ intents: [], records: [], drawn: 0, events: 0, notes: 0 });
  expect(await objectsOf(tenant)).toEqual([]);
  const anew = await draw(tenant);
  expect(isReplay(anew)).toBe(false);
  await expectDoneOnce(tenant, anew);
});

const kills: [when: string, env: () => TestEnv, status: number][] = [
  ["after the intent was committed", () => killing({ after: isIntend }), 500],
  ["before the object was written", () => envWith({ FILES_US1: failingPut("before") }), 502],
  ["after the object was written", () => envWith({ FILES_US1: failingPut("after") }), 502],
  ["before the settlement was committed", () => killing({ before: isSettle }), 500],
];

for (const [when, env, status] of kills) {
  test(`killed ${when}, the sweeper ends it right, once`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const killed = await draw(tenant, {}, env());
    expect(killed.status).toBe(status);
    const written = await objectsOf(tenant);
    await sweep();
    const early = await draw(tenant);
    expect([early.status, early.json.type]).toEqual([409, "/problems/in-progress"]);
    expect(Number(early.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await stateOf(tenant)).toMatchObject({ intents: ["intended"], drawn: 0, events: 0 });

    vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
    await sweep();
    const replayed = await draw(tenant);
    expect(isReplay(replayed)).toBe(true);
    await expectDoneOnce(tenant, replayed);
    // What was written before is left as it was: performing twice is harmless.
    for (const object of written) expect(await objectsOf(tenant)).toEqual([object]);

    vi.setSystemTime(Date.now() + dayMs / 2);
    await sweep();
    await expectDoneOnce(tenant, replayed);
  });
}

test("killed after the settlement was committed, the retry is answered and the sweeper finds nothing to do", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  expect((await draw(tenant, {}, killing({ after: isSettle }))).status).toBe(500);
  const retried = await draw(tenant, {}, envWith({ FILES_US1: unreachable }));
  expect([retried.status, isReplay(retried)]).toEqual([201, true]);
  vi.setSystemTime(Date.now() + resumeAfterSeconds * 1000);
  await sweep(envWith({ FILES_US1: unreachable }));
  await expectDoneOnce(tenant, retried);
});

test("a connection lost around either commit is bridged and the effect happens once", async () => {
  for (const at of [isIntend, isSettle]) {
    for (const kill of [{ before: at }, { after: at }]) {
      const tenant = await newTenant();
      const answer = await draw(tenant, {}, killing(kill, "D1_ERROR: Network connection lost."));
      expect(isReplay(answer)).toBe(false);
      await expectDoneOnce(tenant, answer);
    }
  }
});
