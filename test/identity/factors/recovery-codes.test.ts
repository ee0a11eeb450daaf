import fc from "fast-check";
import { expect, test } from "vitest";
import { importHmacKey } from "#crypto/hmac.ts";
import {
  findRecoveryCode,
  hashRecoveryCode,
  newRecoveryCodes,
  normaliseRecoveryCode,
} from "#identity/factors/recovery-codes.ts";
import { decodeBase32 } from "#lib/base32.ts";
import { newId } from "#platform/ids.ts";

const key = await importHmacKey(crypto.getRandomValues(new Uint8Array(32)));

test("a set is ten different codes of ten digits, and every bit of them is chance", () => {
  const seen = new Set<string>();
  const [ones, zeros] = [new Uint8Array(50), new Uint8Array(50)];
  for (let i = 0; i < 100; i += 1) {
    const codes = newRecoveryCodes();
    expect(codes).toHaveLength(10);
    for (const code of codes) {
      expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$/);
      seen.add(code);
      // Six more zero bits make it whole bytes: 50 bits are ten digits, and 80 are sixteen.
      const bytes = decodeBase32(`${code.replace("-", "")}000000`) ?? new Uint8Array();
      for (let bit = 0; bit < 50; bit += 1) {
        const isOne = (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
        (isOne ? ones : zeros)[bit] = 1;
      }
    }
  }
  expect(seen.size).toBe(1000);
  expect([ones.every((each) => each === 1), zeros.every((each) => each === 1)]).toEqual([true, true]);
});

test("a code is read however it was copied: capitals, dashes, spaces and look-alikes", () => {
  const spellings: Readonly<Record<string, string>> = {
    "k7mpq-x2vwz": "k7mpqx2vwz",
    K7MPQX2VWZ: "k7mpqx2vwz",
    " k7mpq x2vwz\n": "k7mpqx2vwz",
    "k7-mp-q–x2—vw‑z": "k7mpqx2vwz",
    "oOiIl-L0119": "0011110119",
  };
  for (const [typed, normalised] of Object.entries(spellings))
    expect(normaliseRecoveryCode(typed), typed).toBe(normalised);
});

test("what is no code is none", () => {
  for (const typed of [
    "",
    "-",
    "k7mpq-x2vw",
    "k7mpq-x2vwzz",
    "u7mpq-x2vwz",
    "k7mpq_x2vwz",
    "k7mpq-x2vwé",
    "ｋ7mpq-x2vwz",
    `k7mpq-x2vwz${"-".repeat(100_000)}`,
  ])
    expect(normaliseRecoveryCode(typed), typed.slice(0, 20)).toBeNull();
});

test("reading never throws, and what was read reads as itself", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[0-9A-Za-z -]{8,14}$/)),
      (typed) => {
        const normalised = normaliseRecoveryCode(typed);
        if (normalised !== null) expect(normaliseRecoveryCode(normalised)).toBe(normalised);
      },
    ),
  );
});

test("each code of a set finds its own hash, as another would type it, and no other code does", async () => {
  const userId = newId("usr");
  const codes = newRecoveryCodes();
  const hashes = await hashesOf(userId, codes);
  expect(new Set(hashes).size).toBe(10);
  for (const [at, code] of codes.entries()) {
    const typed = code.replace("-", " ").toUpperCase().replaceAll("0", "O").replaceAll("1", "l");
    expect(await findRecoveryCode(key, userId, typed, hashes)).toBe(hashes[at]);
    // One that was used is no longer among them.
    expect(await findRecoveryCode(key, userId, code, hashes.toSpliced(at, 1))).toBeNull();
  }
  for (const code of [...newRecoveryCodes(), "", "not a code", ...hashes])
    expect(await findRecoveryCode(key, userId, code, hashes)).toBeNull();
  expect(await findRecoveryCode(key, userId, codes[0] ?? "", [])).toBeNull();
});

test("a hash is of one user and one key, and the code does not stand in it", async () => {
  const [userId, otherId] = [newId("usr"), newId("usr")];
  const codes = newRecoveryCodes();
  const hashes = await hashesOf(userId, codes);
  const otherKey = await importHmacKey(crypto.getRandomValues(new Uint8Array(32)));
  for (const code of codes) {
    expect(await findRecoveryCode(key, otherId, code, hashes)).toBeNull();
    expect(await findRecoveryCode(otherKey, userId, code, hashes)).toBeNull();
    for (const hash of hashes) expect(hash).not.toContain(code.slice(0, 5));
  }
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-z]{52}$/);
});

function hashesOf(userId: string, codes: readonly string[]): Promise<string[]> {
  return Promise.all(codes.map((code) => hashRecoveryCode(key, userId, normaliseRecoveryCode(code) ?? "")));
}
