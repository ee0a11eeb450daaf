import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { firstIdAt, timeOfId, typeId } from "#lib/typeid.ts";
import { newId } from "#platform/ids.ts";

const instants = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test("an id holds the time at which it was made", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  for (const now of [0, 1, 1_700_000_000_123, Date.UTC(2100, 0, 1)]) {
    vi.setSystemTime(now);
    expect(timeOfId(newId("req"))).toBe(now);
  }
  vi.useRealTimers();
});

test("an id that the specification of TypeID gives holds the time of its UUID", () => {
  // 01890a5d-ac96-774b-bcce-b302099a8057
  expect(timeOfId("prefix_01h455vb4pex5vsknk084sn02q")).toBe(0x01890a5dac96);
});

test("what is first at a time is a bound: all ids of that time and later sort behind it, all others before", () => {
  fc.assert(
    fc.property(instants, instants, (made, bound) => {
      // Not by the clock: a generator of ids lets none of them go back by little.
      const id = firstIdAt("req", made).slice(0, 14) + newId("req").slice(14);
      expect(id >= firstIdAt("req", bound)).toBe(made >= bound);
    }),
  );
});

test("the first at a time is itself an id, and holds that time", () => {
  fc.assert(
    fc.property(instants, (ms) => {
      const id = firstIdAt("req", ms);
      expect(typeId("req").safeParse(id).success).toBe(true);
      expect(timeOfId(id)).toBe(ms);
    }),
  );
});

test("times before 1970 and after the last that fits are the first and the last", () => {
  expect(timeOfId(firstIdAt("req", -1))).toBe(0);
  expect(timeOfId(firstIdAt("req", 2 ** 60))).toBe(2 ** 48 - 1);
});

test.each(["", "req_", "req", "req_01h455", "req_UPPER00000", "ü", "req_01h455vb4il"])(
  "%j holds no time",
  (text) => {
    expect(() => timeOfId(text)).toThrow("no time");
  },
);
