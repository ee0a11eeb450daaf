// The hash tree of RFC 9162 section 2.1 (with SHA-256, that of RFC 6962): what a transparency log's proofs are made of.

const hashBytes = 32;
const leafPrefix = 0;
const nodePrefix = 1;

/** 32 bytes. */
export type Hash = Uint8Array<ArrayBuffer>;

/** The hash of the whole subtree over the leaves from `index * 2 ** level` on, `2 ** level` of them. */
export type ReadHash = (level: number, index: number) => Promise<Hash>;

export async function hashLeaf(entry: Uint8Array): Promise<Hash> {
  return await prefixed(leafPrefix, entry);
}

export async function hashNode(left: Hash, right: Hash): Promise<Hash> {
  return await prefixed(nodePrefix, left, right);
}

/** Section 2.1.1: the head of the tree over the first `size` leaves; that of none is the hash of nothing. */
export async function rootOf(size: number, read: ReadHash): Promise<Hash> {
  return size === 0 ? await sha256(new Uint8Array()) : await rangeHash(0, size, read);
}

/** Section 2.1.3.1, from the leaf's sibling upwards. @throws RangeError where there is no such leaf */
export async function inclusionProof(index: number, size: number, read: ReadHash): Promise<Hash[]> {
  if (!isIndex(index) || !isIndex(size) || index >= size) throw new RangeError("no leaf of this tree");
  const path: Promise<Hash>[] = [];
  let [start, length] = [0, size];
  while (length > 1) {
    const left = splitOf(length);
    const isLeft = index < start + left;
    path.push(isLeft ? rangeHash(start + left, length - left, read) : rangeHash(start, left, read));
    [start, length] = isLeft ? [start, left] : [start + left, length - left];
  }
  return await Promise.all(path.reverse());
}

/** Section 2.1.4.1. @throws RangeError unless 0 < `earlier` <= `size` */
export async function consistencyProof(earlier: number, size: number, read: ReadHash): Promise<Hash[]> {
  if (!isIndex(earlier) || !isIndex(size) || earlier < 1 || earlier > size)
    throw new RangeError("no earlier state of this tree");
  const path: Promise<Hash>[] = [];
  let [start, length, isWhole] = [0, size, true];
  while (start + length !== earlier) {
    const left = splitOf(length);
    const isLeft = earlier <= start + left;
    path.push(isLeft ? rangeHash(start + left, length - left, read) : rangeHash(start, left, read));
    if (!isLeft) isWhole = false;
    [start, length] = isLeft ? [start, left] : [start + left, length - left];
  }
  // Who asks has the earlier head itself, where it is the whole of a subtree.
  if (!isWhole) path.push(rangeHash(start, length, read));
  return await Promise.all(path.reverse());
}

export interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly leaf: Hash;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}

/** Section 2.1.3.2: is this the leaf at `index` of the tree of this size and head. */
export async function isIncluded({ index, size, leaf, root, proof }: Inclusion): Promise<boolean> {
  if (!isIndex(index) || !isIndex(size) || index >= size || !areHashes([leaf, root, ...proof])) return false;
  let [at, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      hash = await hashNode(sibling, hash);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else hash = await hashNode(hash, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && isSame(hash, root);
}

export interface Consistency {
  readonly earlier: number;
  readonly size: number;
  readonly earlierRoot: Hash;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}

/**
 * Section 2.1.4.2: is the later tree the earlier one with leaves added at its end. Of the empty tree there is nothing to
 * prove, as every tree continues it.
 */
export async function isConsistent({
  earlier,
  size,
  earlierRoot,
  root,
  proof,
}: Consistency): Promise<boolean> {
  if (
    !isIndex(earlier) ||
    !isIndex(size) ||
    earlier < 1 ||
    earlier > size ||
    !areHashes([earlierRoot, root, ...proof])
  )
    return false;
  if (earlier === size) return proof.length === 0 && isSame(earlierRoot, root);
  let [at, last] = [earlier - 1, size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  // The earlier head itself, where it is the whole of a subtree, is not in the proof.
  const [first, ...rest] = at === 0 ? [earlierRoot, ...proof] : proof;
  if (!first) return false;
  let [before, after] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      [before, after] = [await hashNode(sibling, before), await hashNode(sibling, after)];
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else after = await hashNode(after, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && isSame(before, earlierRoot) && isSame(after, root);
}

// The head over `length` leaves from `start` on; `start` is a multiple of the power of two that `length` reaches.
async function rangeHash(start: number, length: number, read: ReadHash): Promise<Hash> {
  const level = Math.log2(length);
  if (Number.isInteger(level)) return await read(level, start / length);
  const left = splitOf(length);
  const [one, other] = await Promise.all([
    rangeHash(start, left, read),
    rangeHash(start + left, length - left, read),
  ]);
  return await hashNode(one, other);
}

// The largest power of two below.
function splitOf(length: number): number {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}

// Sizes go beyond the 32 bits of JavaScript's own bit operators.
function half(value: number): number {
  return Math.floor(value / 2);
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every(({ length }) => length === hashBytes);
}

function isSame(one: Hash, other: Hash): boolean {
  return one.every((byte, at) => byte === other[at]);
}

async function prefixed(prefix: number, ...parts: readonly Uint8Array[]): Promise<Hash> {
  const bytes = new Uint8Array(1 + parts.reduce((sum, { length }) => sum + length, 0));
  bytes[0] = prefix;
  let at = 1;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return await sha256(bytes);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Hash> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
