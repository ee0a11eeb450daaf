import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase32, decodeBase32Number, encodeBase32, encodeBase32Number } from "#lib/base32.ts";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

test("known bytes have their known text", () => {
  expect(encodeBase32(new Uint8Array([]))).toBe("");
  expect(encodeBase32(new Uint8Array([0]))).toBe("00");
  expect(encodeBase32(new Uint8Array([0xff]))).toBe("zw");
  expect(encodeBase32(new TextEncoder().encode("foobar"))).toBe("csqpyrk1e8");
});

test("the text of bytes is their big-endian number in base 32", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      const padBits = BigInt((5 - ((bytes.length * 8) % 5)) % 5);
      let number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) << padBits;
      let text = "";
      for (let left = Math.ceil((bytes.length * 8) / 5); left > 0; left--) {
        text = alphabet.charAt(Number(number & 31n)) + text;
        number >>= 5n;
      }
      expect(encodeBase32(bytes)).toBe(text);
    }),
  );
});

test("what was encoded decodes to the same bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(decodeBase32(encodeBase32(bytes))).toEqual(bytes);
    }),
  );
});

test("a text decodes only if it is the one that encoding gives", () => {
  const texts = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 20 });
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = decodeBase32(text);
      if (bytes) expect(encodeBase32(bytes)).toBe(text);
      else expect([1, 3, 6].includes(text.length % 8) || !text.endsWith("0")).toBe(true);
    }),
  );
});

test.each([
  ["a single symbol", "0"],
  ["a symbol too many", "000"],
  ["six symbols", "000000"],
  ["unused bits that are not zero", "zz"],
  ["upper case", "ZW"],
  ["a lenient i", "0i"],
  ["a lenient l", "0l"],
  ["a lenient o", "0o"],
  ["u, which is in no spelling", "0u"],
  ["padding", "zw======"],
  ["a hyphen", "zw-"],
  ["a space", " zw"],
  ["a line break", "zw\n"],
  ["a character beyond ASCII", "zẇ"],
  ["a character of two code units", "😀"],
])("%s is refused", (_, text) => {
  expect(decodeBase32(text)).toBeNull();
});

test("a whole number has so many digits, which sort as the numbers do, and is read back from them", () => {
  const numbers = fc.integer({ min: 0, max: 2 ** 48 });
  fc.assert(
    fc.property(numbers, numbers, (one, other) => {
      const [a, b] = [encodeBase32Number(one, 10), encodeBase32Number(other, 10)];
      expect([a.length, decodeBase32Number(a)]).toEqual([10, one]);
      expect(a < b).toBe(one < other);
    }),
  );
  expect(encodeBase32Number(33, 4)).toBe("0011");
});

test("foreign characters, and what JavaScript cannot hold, are no number", () => {
  for (const text of ["o", "A", "1-", "zzzzzzzzzzz"]) expect(decodeBase32Number(text)).toBeNull();
});
