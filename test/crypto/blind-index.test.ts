import fc from "fast-check";
import { expect, test } from "vitest";
import { exactToken, nameTokens, queryTokens } from "#crypto/blind-index.ts";
import { importHmacKey } from "#crypto/hmac.ts";

const key = () => importHmacKey(new Uint8Array(32).fill(1));

test("a token is 26 characters of [0-9a-z], the same each time", async () => {
  const token = await exactToken(await key(), "email", "ada@example.org");
  expect(token).toMatch(/^[0-9a-z]{26}$/);
  expect(await exactToken(await key(), "email", "ada@example.org")).toBe(token);
});

test("another field, value or key gives another token", async () => {
  const tokens = await Promise.all([
    exactToken(await key(), "email", "ada"),
    exactToken(await key(), "phone", "ada"),
    exactToken(await key(), "email", "adb"),
    exactToken(await key(), "ema", "ilada"),
    exactToken(await importHmacKey(new Uint8Array(32).fill(2)), "email", "ada"),
  ]);
  expect(new Set(tokens).size).toBe(tokens.length);
});

test("a name is found by the beginnings of its words, in any case and without its accents", async () => {
  for (const query of ["jo", "JOSÉ", "jose onei", "o’ne", "neill", "neill jose"]) {
    expect(await finds("José O’Neill-Onei", query), query).toBe(true);
  }
});

test("a name is not found by the middle of a word, by another word, or by nothing of it", async () => {
  for (const query of ["ose", "josef", "jose smith", "n"]) {
    expect(await finds("José O’Neill", query), query).toBe(false);
  }
});

test("a word longer than the longest prefix is found half typed and whole", async () => {
  for (const query of ["donaudampf", "donaudampfschiff", "Donaudampfschifffahrt"]) {
    expect(await finds("Donaudampfschifffahrt GmbH", query), query).toBe(true);
  }
});

test("twelve means code points: astral letters are not cut in half", async () => {
  const word = "𐐨".repeat(14);
  expect(await finds(word, "𐐨".repeat(13))).toBe(true);
  expect(await finds(word, "𐐨".repeat(11))).toBe(true);
});

test("whatever a name is, it is found by each of its own words", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 40 }), async (name) => {
      const [indexed, asked] = [await nameTokens(await key(), name), await queryTokens(await key(), name)];
      expect(asked.filter((token) => !indexed.includes(token))).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

test("no token stands twice, and a text without words asks for nothing", async () => {
  const tokens = await nameTokens(await key(), "Ada Ada Adam");
  expect(new Set(tokens).size).toBe(tokens.length);
  expect(await queryTokens(await key(), " -- ")).toEqual([]);
  expect(await nameTokens(await key(), "")).toEqual([]);
});

async function finds(name: string, query: string): Promise<boolean> {
  const [indexed, asked] = [await nameTokens(await key(), name), await queryTokens(await key(), query)];
  return asked.length > 0 && asked.every((token) => indexed.includes(token));
}
