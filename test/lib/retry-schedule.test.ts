import { expect, test } from "vitest";
import { askedWaitMs, mostTries, nextTryAt } from "#lib/retry-schedule.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#lib/time.ts";

const now = Date.parse("2026-05-06T07:08:09.000Z");

/** By hand, from what was promised: after this many failures, the next try comes after this long, a tenth more or less. */
const waits: readonly [failures: number, waitMs: number | null][] = [
  [1, 5 * secondMs],
  [2, 5 * minuteMs],
  [3, 30 * minuteMs],
  [4, 2 * hourMs],
  [5, 5 * hourMs],
  [6, 10 * hourMs],
  [7, 14 * hourMs],
  [8, 20 * hourMs],
  [9, 24 * hourMs],
  [10, null],
  [11, null],
];

for (const [failures, wait] of waits) {
  test(`after ${failures} failures the next try is ${wait === null ? "none" : `after about ${wait / secondMs} s`}`, () => {
    const at = (chance: number) => nextTryAt({ failures, nowMs: now, askedMs: null, chance });
    if (wait === null) return expect([at(0), at(0.5), at(1)]).toEqual([null, null, null]);
    expect([at(0), at(0.5), at(1)]).toEqual([now + 0.9 * wait, now + wait, now + 1.1 * wait]);
  });
}

test("a delivery is tried ten times, over a little more than three days", () => {
  expect(mostTries).toBe(10);
  const total = waits.reduce((sum, [, wait]) => sum + (wait ?? 0), 0);
  expect(total / dayMs).toBeCloseTo(3.15, 1);
});

test("a receiver may ask for longer, not for sooner, up to a day, and for no more tries", () => {
  const at = (failures: number, askedMs: number) => nextTryAt({ failures, nowMs: now, askedMs, chance: 0.5 });
  expect(at(1, minuteMs)).toBe(now + minuteMs);
  expect(at(2, minuteMs)).toBe(now + 5 * minuteMs);
  expect(at(1, 40 * dayMs)).toBe(now + dayMs);
  expect(at(10, minuteMs)).toBeNull();
});

const headers: readonly [header: string | null, waitMs: number | null][] = [
  ["0", 0],
  ["120", 120 * secondMs],
  [" 7 ", 7 * secondMs],
  ["999999999", dayMs],
  ["Wed, 06 May 2026 07:09:09 GMT", minuteMs],
  ["Wed, 06 May 2026 07:00:00 GMT", 0],
  ["Fri, 31 Dec 9999 23:59:59 GMT", dayMs],
  [null, null],
  ["", null],
  ["-1", null],
  ["1.5", null],
  ["1e3", null],
  ["soon", null],
  ["9999999999999999999", null],
  ["2026-05-06T07:09:09Z", null],
  ["Wed, 99 May 2026 07:09:09 GMT", null],
];

test.each(headers)("Retry-After %j asks for a wait of %j ms", (header, wait) => {
  expect(askedWaitMs(header, now)).toBe(wait);
});
