import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTilePath, partialTilesOf, tileOf, tilePath, tilesBetween, tilesOf } from "#lib/tlog-tiles.ts";

// The paths that the specification names, and its rule at their edges.
test.each([
  [{ level: 0, index: 1_234_067, width: 256 }, "tile/0/x001/x234/067"],
  [{ level: 0, index: 0, width: 256 }, "tile/0/000"],
  [{ level: 63, index: 999, width: 1 }, "tile/63/999.p/1"],
  [{ level: 1, index: 1000, width: 255 }, "tile/1/x001/000.p/255"],
  [{ level: null, index: 5, width: 256 }, "tile/entries/005"],
  [{ level: null, index: 70_000, width: 112 }, "tile/entries/x070/000.p/112"],
])("%j is %s", (tile, path) => {
  expect(tilePath(tile)).toBe(path);
  expect(parseTilePath(path)).toEqual(tile);
});

test.each([
  "tile/64/000",
  "tile/00/000",
  "tile/-1/000",
  "tile/0/0",
  "tile/0/0000",
  "tile/0/x000/001",
  "tile/0/x001/x234/67",
  "tile/0/000.p/0",
  "tile/0/000.p/256",
  "tile/0/000.p/01",
  "tile/0/000.p",
  "tile/data/000",
  "/tile/0/000",
  "tile/0/000/",
  `tile/0/${"x999/".repeat(6)}999`,
])("no path: %s", (path) => {
  expect(parseTilePath(path)).toBeNull();
});

test("a tree's tiles hold each hash of their level once, and no more of the last than there is", () => {
  expect([...tilesOf(0)]).toEqual([]);
  expect([...tilesOf(70_000)].length).toBe(274 + 2 + 1);
  // The specification's own example.
  const partial = [...tilesOf(70_000)].filter(({ width }) => width < 256).map(tilePath);
  expect(partial).toEqual(["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
});

test("the tiles that are not full are those of all tiles that are not full", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200_000 }), (size) => {
      expect([...partialTilesOf(size)]).toEqual([...tilesOf(size)].filter(({ width }) => width < 256));
    }),
  );
});

test("what comes between two sizes is nothing that was there, and with it all of the later one is there", () => {
  const size = fc.integer({ min: 0, max: 200_000 });
  fc.assert(
    fc.property(size, size, (one, other) => {
      const [earlier, later] = one < other ? [one, other] : [other, one];
      const pathsOf = (from: number, to: number) => [...tilesBetween(from, to)].map(tilePath);
      const before = new Set(pathsOf(0, earlier));
      const between = pathsOf(earlier, later);
      expect(between.filter((path) => before.has(path))).toEqual([]);
      const there = new Set([...before, ...between]);
      const needed = [...tilesOf(later)].flatMap((tile) =>
        tile.level === 0 ? [tile, { ...tile, level: null }] : [tile],
      );
      expect(needed.map(tilePath).filter((path) => !there.has(path))).toEqual([]);
      expect(pathsOf(0, later).toSorted()).toEqual(needed.map(tilePath).toSorted());
    }),
    { numRuns: 30 },
  );
});

test("every whole subtree of a tree lies in tiles that the tree has", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200_000 }), fc.nat(), fc.nat(17), (size, place, level) => {
      const subtrees = Math.floor(size / 2 ** level);
      if (subtrees === 0) return;
      const { level: tileLevel, index, from, count } = tileOf(level, place % subtrees);
      const tile = [...tilesOf(size)].find((each) => each.level === tileLevel && each.index === index);
      expect(from + count).toBeLessThanOrEqual(tile?.width ?? 0);
    }),
  );
});
