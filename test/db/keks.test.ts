import { afterEach, expect, test, vi } from "vitest";
import { keksOf } from "#db/keks.ts";
import { secondMs } from "#lib/time.ts";
import { KmsUnavailable } from "#platform/kms.ts";
import { envWith } from "#test/world.ts";

const first = `1:${"B".repeat(42)}A`;
const second = `2:${"C".repeat(42)}A`;

afterEach(() => void vi.useRealTimers());

test("while a Secrets Store is away its text of before serves everybody, whoever asked for the next", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  let answer = async () => first;
  const env = envWith({ KEYLINE_KEKS: { get: async () => await answer() } });
  const versions = async () =>
    await Promise.all([1, 2, 3].map(async () => (await keksOf(env)).currentVersion));
  expect(await versions()).toEqual([1, 1, 1]);
  answer = async () => Promise.reject(new Error("The store is away."));
  for (let refreshes = 0; refreshes < 3; refreshes += 1) {
    vi.setSystemTime(Date.now() + 16 * secondMs);
    expect(await versions()).toEqual([1, 1, 1]);
  }
  answer = async () => second;
  vi.setSystemTime(Date.now() + 16 * secondMs);
  expect(await versions()).toEqual([2, 2, 2]);
});

test("a Secrets Store that never answered is unavailable to all who wait, and asked again by the next", async () => {
  let answer = async () => Promise.reject<string>(new Error("The store is away."));
  const env = envWith({ KEYLINE_KEKS: { get: async () => await answer() } });
  const outcomes = await Promise.allSettled([keksOf(env), keksOf(env)]);
  for (const outcome of outcomes) {
    expect(outcome.status === "rejected" && outcome.reason).toBeInstanceOf(KmsUnavailable);
  }
  answer = async () => first;
  expect((await keksOf(env)).currentVersion).toBe(1);
});
