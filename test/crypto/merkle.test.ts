import fc from "fast-check";
import { expect, test } from "vitest";
import {
  consistencyProof,
  type Hash,
  hashLeaf,
  hashNode,
  inclusionProof,
  isConsistent,
  isIncluded,
  type ReadHash,
  rootOf,
} from "#crypto/merkle.ts";
import { utf8 } from "#lib/utf8.ts";
import { hasVectors, loadFolder, toHex } from "#test/vectors.ts";

function bytesOf(base64: string): Hash {
  return Uint8Array.fromBase64(base64);
}

test.skipIf(!hasVectors)("merkle/inclusion: 98 vectors", async () => {
  const seen = { right: 0, wrong: 0 };
  for (const { name, text } of await loadFolder("merkle/inclusion", 98)) {
    const { leafIdx, treeSize, root, leafHash, proof, wantErr } = JSON.parse(text);
    const included = await isIncluded({
      index: leafIdx,
      size: treeSize,
      leaf: bytesOf(leafHash),
      root: bytesOf(root),
      proof: (proof ?? []).map(bytesOf),
    });
    expect(included, name).toBe(!wantErr);
    seen[wantErr ? "wrong" : "right"] += 1;
  }
  expect(seen).toEqual({ right: 6, wrong: 92 });
});

// The one right vector that we refuse: its heads are 12 bytes of text, which are no hashes.
const noHashes = "additional/sizes-are-equal-one-and-proof-is-empty.json";

test.skipIf(!hasVectors)("merkle/consistency: 98 vectors", async () => {
  const seen = { right: 0, wrong: 0 };
  for (const { name, text } of await loadFolder("merkle/consistency", 98)) {
    const { size1, size2, root1, root2, proof, wantErr } = JSON.parse(text);
    const consistent = await isConsistent({
      earlier: size1,
      size: size2,
      earlierRoot: bytesOf(root1),
      root: bytesOf(root2),
      proof: (proof ?? []).map(bytesOf),
    });
    expect(consistent, name).toBe(!wantErr && name !== noHashes);
    seen[wantErr ? "wrong" : "right"] += 1;
  }
  expect(seen).toEqual({ right: 6, wrong: 92 });
});

// Section 2.1.1 word by word, over all leaves at once.
async function naiveRoot(leaves: readonly Hash[]): Promise<Hash> {
  const [only] = leaves;
  if (leaves.length === 1 && only) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return await hashNode(await naiveRoot(leaves.slice(0, split)), await naiveRoot(leaves.slice(split)));
}

const leaves = await Promise.all(Array.from({ length: 70 }, (_, index) => hashLeaf(utf8(`entry ${index}`))));
const read: ReadHash = (level, index) =>
  naiveRoot(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));

test("the tree of nothing is the hash of nothing (RFC 9162, section 2.1.1)", async () => {
  const root = await rootOf(0, read);
  expect(toHex(root)).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test("every leaf of every size is proven, in as many hashes as the tree is high, and at no other place", async () => {
  for (const size of [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 64, 70]) {
    const root = await rootOf(size, read);
    expect(toHex(root)).toBe(toHex(await naiveRoot(leaves.slice(0, size))));
    for (let index = 0; index < size; index += 1) {
      const proof = await inclusionProof(index, size, read);
      const leaf = leaves[index] as Hash;
      expect(proof.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
      expect(await isIncluded({ index, size, leaf, root, proof })).toBe(true);
      const elsewhere = (index + 1) % size;
      if (size > 1) expect(await isIncluded({ index: elsewhere, size, leaf, root, proof })).toBe(false);
    }
  }
});

test("every state continues every earlier one", async () => {
  for (const size of [1, 2, 3, 6, 8, 13, 32, 70]) {
    const root = await rootOf(size, read);
    for (let earlier = 1; earlier <= size; earlier += 1) {
      const earlierRoot = await rootOf(earlier, read);
      const proof = await consistencyProof(earlier, size, read);
      expect(await isConsistent({ earlier, size, earlierRoot, root, proof })).toBe(true);
    }
  }
});

test("a proof that was changed in any bit proves nothing", async () => {
  const sizes = fc.tuple(fc.integer({ min: 2, max: 70 }), fc.nat(1_000_000), fc.nat(1_000_000));
  await fc.assert(
    fc.asyncProperty(sizes, async ([size, place, bit]) => {
      const root = await rootOf(size, read);
      const index = place % size;
      const leaf = leaves[index] as Hash;
      const included = await inclusionProof(index, size, read);
      expect(await isIncluded({ index, size, leaf, root, proof: flipped(included, bit) })).toBe(false);
      const earlier = 1 + (place % (size - 1));
      const earlierRoot = await rootOf(earlier, read);
      const continued = await consistencyProof(earlier, size, read);
      const proof = flipped(continued, bit);
      expect(await isConsistent({ earlier, size, earlierRoot, root, proof })).toBe(false);
    }),
  );
});

test("sizes that are none have no proofs", async () => {
  for (const [index, size] of [
    [0, 0],
    [3, 3],
    [-1, 3],
    [0.5, 3],
    [0, Number.NaN],
  ] as const)
    await expect(inclusionProof(index, size, read)).rejects.toThrow(RangeError);
  for (const [earlier, size] of [
    [0, 3],
    [4, 3],
    [-1, 3],
    [1.5, 3],
  ] as const)
    await expect(consistencyProof(earlier, size, read)).rejects.toThrow(RangeError);
});

function flipped(proof: readonly Hash[], bit: number): Hash[] {
  const at = bit % (proof.length * 256);
  return proof.map((hash, place) =>
    hash.map((byte, position) =>
      place * 32 + position === Math.floor(at / 8) ? byte ^ (1 << (at % 8)) : byte,
    ),
  );
}
