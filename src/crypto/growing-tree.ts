import { tileOf, tileWidth } from "#lib/tlog-tiles.ts";
import { type Hash, hashNode, type ReadHash } from "./merkle.ts";

/** One hash of a tile: of a leaf at level 0, of a whole tile below at each other. */
export interface TileHash {
  readonly level: number;
  readonly index: number;
  readonly hash: Hash;
}

/** `count` hashes of a level of tiles from `from` on, all of one tile. */
export type ReadTile = (level: number, from: number, count: number) => Promise<Hash[]>;

/** All hashes that these leaves add to the tiles of a tree of this size: their own, and those of each tile they fill. */
export async function grow(size: number, leaves: readonly Hash[], read: ReadTile): Promise<TileHash[]> {
  const grown: TileHash[] = [];
  let [from, hashes] = [size, leaves];
  for (let level = 0; hashes.length > 0; level += 1) {
    grown.push(...hashes.map((hash, at) => ({ level, index: from + at, hash })));
    const [firstTile, tilesAfter] = [tileAt(from), tileAt(from + hashes.length)];
    const heads: Hash[] = [];
    for (let tile = firstTile; tile < tilesAfter; tile += 1) {
      const start = tile * tileWidth;
      const before = start < from ? await read(level, start, from - start) : [];
      heads.push(
        await headOf([...before, ...hashes.slice(Math.max(start - from, 0), start + tileWidth - from)]),
      );
    }
    [from, hashes] = [firstTile, heads];
  }
  return grown;
}

/** The same tiles with hashes that are added to them. */
export function withNew(read: ReadTile, added: readonly TileHash[]): ReadTile {
  const byPlace = new Map(added.map(({ level, index, hash }) => [`${level} ${index}`, hash]));
  return async (level, from, count) => {
    const places = Array.from({ length: count }, (_, at) => byPlace.get(`${level} ${from + at}`));
    const fresh = places.filter((hash) => hash !== undefined);
    const older = count - fresh.length;
    return older > 0 ? [...(await read(level, from, older)), ...fresh] : fresh;
  };
}

/** Any hash of the tree, from its tiles. */
export function hashesFrom(read: ReadTile): ReadHash {
  return async (level, index) => {
    const { level: tileLevel, index: tile, from, count } = tileOf(level, index);
    return await headOf(await read(tileLevel, tile * tileWidth + from, count));
  };
}

// Of a power of two of them.
async function headOf(hashes: readonly Hash[]): Promise<Hash> {
  let row = hashes;
  while (row.length > 1) {
    const above: Promise<Hash>[] = [];
    for (let at = 0; at < row.length; at += 2) {
      const [left, right] = [row[at], row[at + 1]];
      if (!left || !right) throw new RangeError("no power of two of hashes");
      above.push(hashNode(left, right));
    }
    row = await Promise.all(above);
  }
  const [head] = row;
  if (!head) throw new RangeError("no hashes");
  return head;
}

function tileAt(index: number): number {
  return Math.floor(index / tileWidth);
}
