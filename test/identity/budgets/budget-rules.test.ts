import fc from "fast-check";
import { expect, test } from "vitest";
import { giveBack, nextForgotten, remembered, type Spent, take } from "#identity/budgets/budget-rules.ts";

const windows = [
  { most: 3, perMs: 100 },
  { most: 5, perMs: 1000 },
];

/** Takes at each of these times. @returns what was answered: null for admitted, else until when it is refused */
function answersAt(...times: number[]): (number | null)[] {
  let spent: Spent = [];
  return times.map((now, index) => {
    const taken = take(spent, windows, `txt_${index}`, now);
    spent = taken.spent;
    return taken.refusedUntil;
  });
}

test("so many are admitted in a window, and the next once the first of them has left it", () => {
  expect(answersAt(0, 10, 20, 30, 99, 100, 101)).toEqual([null, null, null, 100, 100, null, 110]);
});

test("of two windows that are full the later one tells until when", () => {
  expect(answersAt(0, 1, 200, 300, 400, 401, 999, 1000)).toEqual([
    ...[null, null, null, null, null],
    1000,
    1000,
    null,
  ]);
});

test("what was asked twice is spent once, also where there is no room for another", () => {
  const first = take([], windows, "txt_1", 0);
  const again = take(first.spent, windows, "txt_1", 5);
  expect([again.refusedUntil, again.spent]).toEqual([null, first.spent]);
  const full = [first.spent, "txt_2", "txt_3"].reduce<Spent>(
    (spent, id) => (typeof id === "string" ? take(spent, windows, id, 6).spent : id),
    [],
  );
  expect(take(full, windows, "txt_1", 7).refusedUntil).toBeNull();
  expect(take(full, windows, "txt_4", 7).refusedUntil).toBe(100);
});

test("what was given back was never spent", () => {
  const full = ["a", "b", "c"].reduce<Spent>((spent, id) => take(spent, windows, id, 0).spent, []);
  expect(take(giveBack(full, "b"), windows, "d", 1).refusedUntil).toBeNull();
  expect(giveBack(full, "z")).toEqual(full);
});

test("what no window sees is forgotten, and when is known", () => {
  const spent = [
    { id: "a", at: 0 },
    { id: "b", at: 50 },
  ];
  expect(nextForgotten(spent, windows)).toBe(1000);
  expect(remembered(spent, windows, 999)).toEqual(spent);
  expect(remembered(spent, windows, 1000)).toEqual(spent.slice(1));
  expect(nextForgotten([], windows)).toBeNull();
});

test("whatever the times, no stretch of a window holds more than it may", () => {
  const times = fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 60 });
  fc.assert(
    fc.property(times, (unsorted) => {
      const sorted = unsorted.toSorted((a, b) => a - b);
      const answers = answersAt(...sorted);
      const admitted = sorted.filter((_, index) => answers[index] === null);
      for (const { most, perMs } of windows)
        for (const from of admitted)
          expect(admitted.filter((at) => at >= from && at < from + perMs).length).toBeLessThanOrEqual(most);
      // Whoever comes back when they were told finds room, unless somebody else was there before them.
      for (const [index, until] of answers.entries())
        if (until !== null) expect(until).toBeGreaterThan(sorted[index] ?? 0);
    }),
  );
});
