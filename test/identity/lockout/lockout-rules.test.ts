import fc from "fast-check";
import { expect, test } from "vitest";
import {
  aged,
  cleared,
  type LockoutLimit,
  type LockoutState,
  nextChange,
  noFailures,
  reserve,
  settle,
  type TryOutcome,
} from "#identity/lockout/lockout-rules.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#lib/time.ts";

const start = Date.UTC(2026, 0, 1);
const limit: LockoutLimit = {
  free: 5,
  again: 1,
  firstLockMs: minuteMs,
  longestLockMs: dayMs,
  quietMs: dayMs,
  forgetsOnSuccess: true,
};
const ofAddress: LockoutLimit = { ...limit, free: 20, again: 3, forgetsOnSuccess: false };

test("five wrong tries are free, the sixth waits a minute, and each wait is twice the one before up to a day", () => {
  const counter = counterOf(limit);
  for (let i = 0; i < 5; i += 1) expect(counter.tryOnce("failure")).toBe(true);
  const waits: number[] = [];
  for (let i = 0; i < 13; i += 1) {
    expect(counter.tryOnce("failure")).toBe(false);
    waits.push((counter.state.lockedUntil - counter.now) / minuteMs);
    counter.now = counter.state.lockedUntil - 1;
    expect(counter.tryOnce("success")).toBe(false);
    counter.now += 1;
    expect(counter.tryOnce("failure")).toBe(true);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440]);
});

test("tries under way count: as many are admitted at once as one after another", () => {
  const counter = counterOf(limit);
  const ids = Array.from({ length: 50 }, () => counter.reserve()).filter((id) => id !== null);
  expect(ids).toHaveLength(5);
  for (const id of ids) counter.settle(id, "failure");
  expect(counter.state).toMatchObject({ locks: 1, lockedUntil: start + minuteMs, pending: [] });
});

test("a refusal for tries under way says when the oldest of them counts by itself", () => {
  const counter = counterOf(limit);
  counter.reserve();
  counter.now += 10 * secondMs;
  for (let i = 0; i < 4; i += 1) counter.reserve();
  expect(reserve(counter.state, limit, "late", counter.now).refusedUntil).toBe(start + minuteMs);
});

test("the same reservation asked for twice takes one place, even the last one", () => {
  let state = noFailures;
  for (const id of ["a", "b", "c", "d", "e", "e", "a"]) {
    const reserved = reserve(state, limit, id, start);
    expect(reserved.refusedUntil, id).toBeNull();
    state = reserved.state;
  }
  expect(state.pending).toHaveLength(5);
  expect(reserve(state, limit, "f", start).refusedUntil).not.toBeNull();
});

test("a try that never settles is a failure a minute later, and settling it then changes nothing", () => {
  const counter = counterOf(limit);
  const ids = Array.from({ length: 5 }, () => counter.reserve());
  counter.now = start + minuteMs - 1;
  expect(counter.tryOnce("failure")).toBe(false);
  counter.now = start + minuteMs;
  expect(counter.tryOnce("failure")).toBe(false);
  expect(counter.state).toMatchObject({ locks: 1, lockedUntil: start + 2 * minuteMs, pending: [] });
  const before = counter.state;
  for (const outcome of ["failure", "released"] as const) counter.settle(ids[0] ?? "", outcome);
  expect(counter.state).toEqual(before);
});

test("a try that was released was never made", () => {
  const counter = counterOf(limit);
  for (let i = 0; i < 40; i += 1) expect(counter.tryOnce("released")).toBe(true);
  expect(counter.state).toEqual(noFailures);
});

test("a success forgives an identifier all, and an address nothing", () => {
  const person = counterOf(limit);
  const office = counterOf(ofAddress);
  for (const counter of [person, office]) {
    for (let i = 0; i < 4; i += 1) counter.tryOnce("failure");
    counter.now += hourMs;
    expect(counter.tryOnce("success")).toBe(true);
  }
  expect(person.state).toEqual(noFailures);
  expect(office.state).toEqual({ ...noFailures, failures: 4, failedAt: start });
});

test("an address may fail some times after each lock, and colleagues who succeed lock nobody", () => {
  const office = counterOf(ofAddress);
  for (let i = 0; i < 20; i += 1) expect(office.tryOnce("failure")).toBe(true);
  expect(office.tryOnce("success")).toBe(false);
  office.now += minuteMs;
  for (let i = 0; i < 100; i += 1) expect(office.tryOnce("success")).toBe(true);
  for (let i = 0; i < 3; i += 1) expect(office.tryOnce("failure")).toBe(true);
  expect(office.tryOnce("success")).toBe(false);
  expect(office.state.lockedUntil).toBe(office.now + 2 * minuteMs);
});

test("all is forgotten after a quiet day, which begins when the lock ends", () => {
  for (const [failures, quietFrom] of [
    [4, start],
    [5, start + minuteMs],
  ] as const) {
    const counter = counterOf(limit);
    for (let i = 0; i < failures; i += 1) counter.tryOnce("failure");
    expect(nextChange(counter.state, limit)).toBe(quietFrom + dayMs);
    expect(aged(counter.state, limit, quietFrom + dayMs - 1)).toBe(counter.state);
    expect(aged(counter.state, limit, quietFrom + dayMs)).toEqual(noFailures);
  }
  expect(nextChange(noFailures, limit)).toBeNull();
});

test("clearing forgives all but what is being tried at that moment", () => {
  const counter = counterOf(limit);
  for (let i = 0; i < 5; i += 1) counter.tryOnce("failure");
  counter.now += minuteMs;
  const id = counter.reserve() ?? "";
  counter.state = cleared(counter.state);
  expect(counter.state).toEqual({ ...noFailures, pending: [{ id, at: counter.now }] });
  for (let i = 0; i < 4; i += 1) expect(counter.tryOnce("failure")).toBe(true);
  expect(counter.tryOnce("failure")).toBe(false);
});

test("a limit that a deploy lowered below what has failed still leaves a try, and then locks", () => {
  const counter = counterOf({ ...limit, free: 2 });
  counter.state = { ...noFailures, failures: 4, failedAt: start };
  expect(counter.tryOnce("failure")).toBe(true);
  expect(counter.state.locks).toBe(1);
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("reserve" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which: fc.nat(10),
      outcome: fc.constantFrom<TryOutcome[]>("failure", "failure", "failure", "released"),
    }),
  },
  // Who means to guess comes back as soon as a lock ends.
  { weight: 2, arbitrary: fc.record({ do: fc.constant("outlast" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(2 * hourMs) }) },
);

test("whatever is tried and when, a day has few failures, no lock is longer than a day, and all ends by itself", () => {
  let mostInADay = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 150 }), (steps) => {
      const counter = counterOf(limit);
      const admitted: { id: string; at: number }[] = [];
      const released = new Set<string>();
      for (const each of steps) {
        if (each.do === "wait") counter.now += each.ms;
        if (each.do === "outlast") counter.now = Math.max(counter.now, counter.state.lockedUntil);
        if (each.do === "reserve") {
          const id = counter.reserve();
          if (id !== null) admitted.push({ id, at: counter.now });
        }
        const pending = counter.state.pending.filter(({ at }) => at + minuteMs > counter.now);
        const chosen = each.do === "settle" ? pending[each.which % Math.max(1, pending.length)] : undefined;
        if (each.do === "settle" && chosen) {
          counter.settle(chosen.id, each.outcome);
          if (each.outcome === "released") released.add(chosen.id);
        }
        expect(counter.state.lockedUntil).toBeLessThanOrEqual(counter.now + dayMs);
      }
      const tried = admitted.filter(({ id }) => !released.has(id)).map(({ at }) => at);
      for (const at of tried)
        mostInADay = Math.max(mostInADay, tried.filter((other) => other >= at && other < at + dayMs).length);
      // By itself, one change after another, with nobody asking.
      let changes = 0;
      for (let next = nextChange(counter.state, limit); next !== null; changes += 1) {
        expect(next).toBeGreaterThan(0);
        counter.state = aged(counter.state, limit, next);
        next = nextChange(counter.state, limit);
      }
      expect(counter.state).toEqual(noFailures);
      expect(changes).toBeLessThanOrEqual(6);
    }),
  );
  // Five, and one after each of the locks of 1, 2, 4, … 512 minutes, which fill 17 hours; the next is 1,024.
  expect(mostInADay).toBeGreaterThan(10);
  expect(mostInADay).toBeLessThanOrEqual(16);
});

/** One counter whose time a test sets. */
function counterOf(held: LockoutLimit) {
  let made = 0;
  const counter = {
    state: noFailures as LockoutState,
    now: start,
    reserve(): string | null {
      const id = `try_${made++}`;
      const { state, refusedUntil } = reserve(counter.state, held, id, counter.now);
      counter.state = state;
      return refusedUntil === null ? id : null;
    },
    settle(id: string, outcome: TryOutcome): void {
      counter.state = settle(counter.state, held, { id, outcome }, counter.now);
    },
    tryOnce(outcome: TryOutcome): boolean {
      const id = counter.reserve();
      if (id !== null) counter.settle(id, outcome);
      return id !== null;
    },
  };
  return counter;
}
