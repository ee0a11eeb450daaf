import fc from "fast-check";
import { expect, test } from "vitest";
import { inTurn } from "#lib/in-turn.ts";

const first = (item: string) => item.slice(0, 1);

test("groups take turns, and within a group the order stays", () => {
  const items = ["a1", "a2", "a3", "b1", "a4", "c1", "b2"];
  expect(inTurn(items, first, 100)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
  expect(inTurn(items, first, 2)).toEqual(["a1", "b1"]);
  expect(inTurn([], first, 2)).toEqual([]);
});

test("whoever waits is served before anybody is served twice", () => {
  const groups = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 60 });
  fc.assert(
    fc.property(groups, fc.nat(60), (letters, most) => {
      const items = letters.map((letter, index) => `${letter}${index}`);
      const taken = inTurn(items, first, most);
      expect(taken).toHaveLength(Math.min(most, items.length));
      expect(items).toEqual(expect.arrayContaining(taken));
      const counts = new Map<string, number>(letters.map((letter) => [letter, 0]));
      for (const item of taken) counts.set(first(item), (counts.get(first(item)) ?? 0) + 1);
      for (const [letter, count] of counts) {
        const hasMore = letters.filter((each) => each === letter).length > count;
        if (hasMore) expect(count).toBeGreaterThanOrEqual(Math.max(...counts.values()) - 1);
      }
    }),
  );
});
