import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64Url, encodeBase64Url } from "#lib/base64url.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// RFC 4648 section 10, without padding, and the two characters in which the alphabets differ.
test.each([
  ["", ""],
  ["f", "Zg"],
  ["fo", "Zm8"],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg"],
  ["fooba", "Zm9vYmE"],
  ["foobar", "Zm9vYmFy"],
  ["\u00fb\u00ff\u00fe", "-__-"],
])("the bytes of %j are %j", (binary, text) => {
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  expect(encodeBase64Url(bytes)).toBe(text);
  expect(decodeBase64Url(text)).toEqual(bytes);
});

test("what was encoded decodes to the same bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(decodeBase64Url(encodeBase64Url(bytes))).toEqual(bytes);
    }),
  );
});

test("a megabyte survives the round trip", () => {
  const bytes = Uint8Array.from({ length: 1_000_001 }, (_, index) => (index * 7) & 0xff);
  const decoded = decodeBase64Url(encodeBase64Url(bytes));
  expect(decoded?.length).toBe(bytes.length);
  expect(decoded?.every((byte, index) => byte === bytes[index])).toBe(true);
});

test("a text decodes only if it is the one that encoding gives", () => {
  for (const last of alphabet) {
    for (const text of [`A${last}`, `AA${last}`, `AAA${last}`, `AAAA${last}`]) {
      const bytes = decodeBase64Url(text);
      if (bytes) expect(encodeBase64Url(bytes)).toBe(text);
    }
  }
  const canonical = (length: number) =>
    [...alphabet].filter((last) => decodeBase64Url("A".repeat(length - 1) + last)).length;
  expect([1, 2, 3, 4].map(canonical)).toEqual([0, 4, 16, 64]);
});

test.each([
  ["padding", "Zg=="],
  ["plus", "+A"],
  ["slash", "/A"],
  ["one symbol", "Z"],
  ["five symbols", "Zm9vY"],
  ["unused bits that are not zero", "Zh"],
  ["a space", "Zm 9v"],
  ["a line break at the end", "Zg\n"],
  ["a line break among four", "Zm9\n"],
  ["a character beyond ASCII", "Zm9é"],
  ["a NUL", "Zm9\0"],
])("%s is refused", (_, text) => {
  expect(decodeBase64Url(text)).toBeNull();
});
