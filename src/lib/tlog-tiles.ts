// https://c2sp.org/tlog-tiles: the tree's hashes in files of 256, eight levels of the tree to a level of files.

/** Hashes in a whole tile. */
export const tileWidth = 256;
const levelsPerTile = 8;

/** A file of hashes, or of entries where its level is that of no hashes. */
export interface Tile {
  /** 0 to 63; null for the entries themselves. */
  readonly level: number | null;
  readonly index: number;
  /** 1 to 256: how much of it is there. */
  readonly width: number;
}

/** `tile/0/x001/x234/067`, with `.p/<width>` behind where it is not full; entries lie below `tile/entries/`. */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`${groups.length > 0 ? "x" : ""}${String(rest % 1000).padStart(3, "0")}`);
  const partial = width === tileWidth ? "" : `.p/${width}`;
  return `tile/${level ?? "entries"}/${groups.join("/")}${partial}`;
}

const pathGrammar =
  /^tile\/(entries|[0-9]|[1-5][0-9]|6[0-3])\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** Null for what `tilePath` would not say. */
export function parseTilePath(path: string): Tile | null {
  const [, level, groups, partial] = pathGrammar.exec(path) ?? [];
  if (!level || !groups) return null;
  const index = Number(groups.replaceAll(/[x/]/g, ""));
  const width = partial === undefined ? tileWidth : Number(partial);
  if (!Number.isSafeInteger(index)) return null;
  const tile = { level: level === "entries" ? null : Number(level), index, width };
  return tilePath(tile) === path ? tile : null;
}

/** The tile that holds, or from whose hashes follows, the hash of a subtree; and which of them, from and how many. */
export function tileOf(
  level: number,
  index: number,
): { level: number; index: number; from: number; count: number } {
  const tileLevel = Math.floor(level / levelsPerTile);
  const count = 2 ** (level % levelsPerTile);
  const first = index * count;
  return { level: tileLevel, index: Math.floor(first / tileWidth), from: first % tileWidth, count };
}

/** The tiles that a tree of this size has not filled: at most one of each level. */
export function* partialTilesOf(size: number): Generator<Tile & { level: number }> {
  for (let level = 0, hashes = size; hashes > 0; level += 1, hashes = Math.floor(hashes / tileWidth)) {
    const width = hashes % tileWidth;
    if (width > 0) yield { level, index: Math.floor(hashes / tileWidth), width };
  }
}

/**
 * The files that a log of this size has beyond those of an earlier one (0: none): entries, hashes of full tiles, and
 * what of each level is not full. A level to which nothing came has no others than before, and neither have those above.
 */
export function* tilesBetween(earlier: number, size: number): Generator<Tile> {
  const grown = (count: number) => Math.floor(count / tileWidth);
  for (let level = 0, from = earlier, to = size; to > from; level += 1, from = grown(from), to = grown(to)) {
    for (let index = grown(from); index * tileWidth < to; index += 1) {
      const tile = { index, width: Math.min(tileWidth, to - index * tileWidth) };
      if (level === 0) yield { level: null, ...tile };
      yield { level, ...tile };
    }
  }
}

/** All tiles that a tree of this size has, full ones and the last of each level. */
export function* tilesOf(size: number): Generator<Tile & { level: number }> {
  for (let level = 0, hashes = size; hashes > 0; level += 1, hashes = Math.floor(hashes / tileWidth)) {
    for (let index = 0; index * tileWidth < hashes; index += 1)
      yield { level, index, width: Math.min(tileWidth, hashes - index * tileWidth) };
  }
}
