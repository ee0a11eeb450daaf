import fc from "fast-check";
import { expect, test } from "vitest";
import { type GcraLimit, takeGcra } from "#lib/gcra.ts";

const startMs = Date.UTC(2026, 10, 20);
const tiers = {
  free: { perMinute: 100, burst: 10 },
  pro: { perMinute: 1_000, burst: 100 },
  enterprise: { perMinute: 10_000, burst: 1_000 },
};

/** A token bucket in 60,000ths of a unit, filled by `perMinute` of them each ms: whole numbers, nothing rounded. */
function tokenBucket({ perMinute, burst }: GcraLimit) {
  const full = BigInt(burst) * 60_000n;
  let level = full;
  let filledAtMs = startMs;
  return {
    take(nowMs: number, cost: number): boolean {
      level += BigInt(perMinute) * BigInt(nowMs - filledAtMs);
      if (level > full) level = full;
      filledAtMs = nowMs;
      const wanted = BigInt(cost) * 60_000n;
      if (wanted > level) return false;
      level -= wanted;
      return true;
    },
    get remaining() {
      return Number(level / 60_000n);
    },
    get resetSeconds() {
      const perSecond = BigInt(perMinute) * 1000n;
      return Number((full - level + perSecond - 1n) / perSecond);
    },
  };
}

const exactRates = fc.oneof(
  fc.constantFrom(1, 7, 11, 100, 1_000, 1_999, 2_000, 3_000, 10_000),
  fc.integer({ min: 1, max: 2_048 }),
);
const anyRates = fc.oneof(exactRates, fc.integer({ min: 1, max: 1_000_000 }));
const bursts = fc.integer({ min: 1, max: 50 });
// Steps that idle, that dwell near one interval, and none at all.
const steps = fc.oneof(fc.constant(0), fc.nat(10), fc.nat(1_000), fc.nat(120_000));
const takes = (length: number) =>
  fc.array(fc.record({ stepMs: steps, cost: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 5 })) }), {
    minLength: 1,
    maxLength: length,
  });

test("it admits exactly what a token bucket in whole numbers admits", () => {
  fc.assert(
    fc.property(exactRates, bursts, takes(200), (perMinute, burst, list) => {
      const limit = { perMinute, burst };
      const model = tokenBucket(limit);
      let tatMs: number | null = null;
      let nowMs = startMs;
      for (const { stepMs, cost } of list) {
        nowMs += stepMs;
        const outcome = takeGcra(tatMs, nowMs, limit, cost);
        expect(outcome.admitted).toBe(model.take(nowMs, cost));
        expect(outcome.remaining).toBe(model.remaining);
        expect(outcome.resetSeconds).toBe(model.resetSeconds);
        tatMs = outcome.tatMs;
      }
    }),
    { numRuns: 500 },
  );
});

test("at any rate, what is admitted never exceeds the burst and what flowed in since", () => {
  fc.assert(
    fc.property(anyRates, bursts, takes(200), (perMinute, burst, list) => {
      let tatMs: number | null = null;
      let nowMs = startMs;
      let admitted = 0;
      for (const { stepMs, cost } of list) {
        nowMs += stepMs;
        const outcome = takeGcra(tatMs, nowMs, { perMinute, burst }, cost);
        tatMs = outcome.tatMs;
        if (outcome.admitted) admitted += cost;
        const flowedIn = (BigInt(nowMs - startMs) * BigInt(perMinute)) / 60_000n;
        expect(BigInt(admitted) <= BigInt(burst) + flowedIn).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test("200 takes at one instant on a burst of 10 admit exactly 10", () => {
  let tatMs: number | null = null;
  let admitted = 0;
  for (let take = 0; take < 200; take++) {
    const outcome = takeGcra(tatMs, startMs, tiers.free);
    tatMs = outcome.tatMs;
    if (outcome.admitted) admitted++;
  }
  expect(admitted).toBe(10);
});

test.each([
  ["free", tiers.free],
  ["pro", tiers.pro],
  ["enterprise", tiers.enterprise],
  ["7 a minute", { perMinute: 7, burst: 3 }],
  ["1,999 a minute", { perMinute: 1_999, burst: 5 }],
])("%s: a client that asks every ms gets the whole rate for ten minutes, each unit at its ms", (_, limit) => {
  const model = tokenBucket(limit);
  let tatMs: number | null = null;
  let admitted = 0;
  let disagreements = 0;
  for (let nowMs = startMs; nowMs <= startMs + 600_000; nowMs++) {
    const outcome = takeGcra(tatMs, nowMs, limit);
    tatMs = outcome.tatMs;
    if (outcome.admitted) admitted++;
    if (outcome.admitted !== model.take(nowMs, 1)) disagreements++;
  }
  expect(disagreements).toBe(0);
  expect(admitted).toBe(limit.burst + limit.perMinute * 10);
});

test("a rate too odd to be exact loses less than one in 10,000, and gains nothing", () => {
  // A prime: there is no whole number of ticks between two units.
  const limit = { perMinute: 9_973, burst: 100 };
  let tatMs: number | null = null;
  let admitted = 0;
  for (let nowMs = startMs; nowMs <= startMs + 600_000; nowMs++) {
    const outcome = takeGcra(tatMs, nowMs, limit);
    tatMs = outcome.tatMs;
    if (outcome.admitted) admitted++;
  }
  const whole = limit.burst + limit.perMinute * 10;
  expect(admitted).toBeLessThanOrEqual(whole);
  expect(admitted).toBeGreaterThan(whole * 0.9999);
});

test("after Retry-After the same cost is admitted, and a second earlier it is not", () => {
  fc.assert(
    fc.property(anyRates, bursts, takes(60), (perMinute, burst, list) => {
      const limit = { perMinute, burst };
      let tatMs: number | null = null;
      let nowMs = startMs;
      for (const { stepMs, cost } of list) {
        nowMs += stepMs;
        const { admitted, retryAfterSeconds, ...outcome } = takeGcra(tatMs, nowMs, limit, cost);
        tatMs = outcome.tatMs;
        if (admitted) {
          expect(retryAfterSeconds).toBe(0);
        } else if (cost <= burst) {
          expect(Number.isInteger(retryAfterSeconds) && retryAfterSeconds >= 1).toBe(true);
          expect(takeGcra(tatMs, nowMs + retryAfterSeconds * 1000, limit, cost).admitted).toBe(true);
          expect(takeGcra(tatMs, nowMs + (retryAfterSeconds - 1) * 1000, limit, cost).admitted).toBe(false);
        }
      }
    }),
  );
});

test("after the reset the whole burst is there, and a second earlier it is not", () => {
  fc.assert(
    fc.property(anyRates, bursts, takes(60), (perMinute, burst, list) => {
      const limit = { perMinute, burst };
      let tatMs: number | null = null;
      let nowMs = startMs;
      for (const { stepMs, cost } of list) {
        nowMs += stepMs;
        const outcome = takeGcra(tatMs, nowMs, limit, cost);
        tatMs = outcome.tatMs;
        const all = (seconds: number) => takeGcra(tatMs, nowMs + seconds * 1000, limit, burst).admitted;
        expect(all(outcome.resetSeconds)).toBe(true);
        if (outcome.resetSeconds > 0) expect(all(outcome.resetSeconds - 1)).toBe(false);
      }
    }),
  );
});

test("what remains can be taken at that instant, and not one more", () => {
  fc.assert(
    fc.property(anyRates, bursts, takes(30), (perMinute, burst, list) => {
      const limit = { perMinute, burst };
      let tatMs: number | null = null;
      let nowMs = startMs;
      for (const { stepMs, cost } of list) {
        nowMs += stepMs;
        const outcome = takeGcra(tatMs, nowMs, limit, cost);
        tatMs = outcome.tatMs;
        expect(takeGcra(tatMs, nowMs, limit, outcome.remaining).admitted).toBe(true);
        expect(takeGcra(tatMs, nowMs, limit, outcome.remaining + 1).admitted).toBe(false);
      }
    }),
  );
});

test("a refusal changes nothing", () => {
  const limit = { perMinute: 60, burst: 1 };
  const first = takeGcra(null, startMs, limit);
  const refused = takeGcra(first.tatMs, startMs + 10, limit);
  expect(refused.admitted).toBe(false);
  expect(refused.tatMs).toBe(first.tatMs);
  expect(takeGcra(refused.tatMs, startMs + 999, limit).admitted).toBe(false);
  expect(takeGcra(refused.tatMs, startMs + 1_000, limit).admitted).toBe(true);
});

test("a clock that steps back grants nothing beyond a clock that stood still", () => {
  const jumps = fc.array(fc.integer({ min: -20_000, max: 20_000 }), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(exactRates, bursts, jumps, (perMinute, burst, list) => {
      const limit = { perMinute, burst };
      const standing = tokenBucket(limit);
      let tatMs: number | null = null;
      let nowMs = startMs;
      let latestMs = startMs;
      let admitted = 0;
      let granted = 0;
      for (const jumpMs of [0, ...list]) {
        nowMs += jumpMs;
        latestMs = Math.max(latestMs, nowMs);
        const outcome = takeGcra(tatMs, nowMs, limit);
        tatMs = outcome.tatMs;
        if (outcome.admitted) admitted++;
        if (standing.take(latestMs, 1)) granted++;
        expect(admitted).toBeLessThanOrEqual(granted);
      }
    }),
  );
});

test("when the clock has caught up, nothing was lost", () => {
  const limit = tiers.free;
  let outcome = takeGcra(null, startMs, limit, 10);
  for (let behindMs = 1; behindMs < 100_000; behindMs += 997) {
    outcome = takeGcra(outcome.tatMs, startMs - behindMs, limit);
    expect(outcome.admitted).toBe(false);
  }
  expect(takeGcra(outcome.tatMs, startMs, limit).admitted).toBe(false);
  expect(takeGcra(outcome.tatMs, startMs + 600, limit).admitted).toBe(true);
  expect(takeGcra(outcome.tatMs, startMs + 6_000, limit, 10).admitted).toBe(true);
});

test("a cost above the burst is never admitted and takes nothing", () => {
  const outcome = takeGcra(null, startMs, tiers.free, 11);
  expect(outcome.admitted).toBe(false);
  expect(outcome.remaining).toBe(10);
  expect(takeGcra(outcome.tatMs, startMs, tiers.free, 10).admitted).toBe(true);
});
