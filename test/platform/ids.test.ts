import { TypeID } from "typeid-js";
import { afterEach, expect, test, vi } from "vitest";
import { newId } from "#platform/ids.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("an id is a TypeID of a UUIDv7, as a library of others reads it", () => {
  for (let made = 0; made < 1_000; made += 1) {
    const before = Date.now();
    const id = TypeID.fromString(newId("cus"));
    expect(id.getType()).toBe("cus");
    const uuid = id.toUUID();
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const ms = Number.parseInt(uuid.replace("-", "").slice(0, 12), 16);
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(Date.now());
  }
});

test("ids sort by their turn within a millisecond, and while the clock goes back by little", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const start = Date.now();
  const ids: string[] = [];
  for (const ms of [start, start, start + 1, start - 5_000, start + 2]) {
    vi.setSystemTime(ms);
    for (let made = 0; made < 1_000; made += 1) ids.push(newId("ord"));
  }
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test("nothing of an id but its time and its turn says what the next one is", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const ends = Array.from({ length: 1_000 }, () => newId("ord").slice(-9));
  expect(new Set(ends).size).toBe(ends.length);
  // Each of the last digits takes all its values: no bit of chance stands still.
  for (let place = 0; place < 9; place += 1) expect(new Set(ends.map((end) => end.at(place))).size).toBe(32);
});

test("a clock that was set back by much is believed", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const later = newId("ord");
  vi.setSystemTime(Date.now() - 60_000);
  expect(newId("ord") < later).toBe(true);
});
