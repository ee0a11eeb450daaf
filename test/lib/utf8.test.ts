import fc from "fast-check";
import { expect, test } from "vitest";
import { fromUtf8, utf8 } from "#lib/utf8.ts";

test("every text of whole characters survives the round trip", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(fromUtf8(utf8(text))).toBe(text);
    }),
  );
});

test("a byte order mark is kept", () => {
  expect(fromUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe("\ufeffa");
});

test("a lone surrogate becomes the replacement character", () => {
  expect(fromUtf8(utf8("a\ud800"))).toBe("a\ufffd");
});

test.each([
  ["a stray continuation", [0x80]],
  ["a truncated character", [0xe2, 0x82]],
  ["an overlong form", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
])("%s throws", (_, bytes) => {
  expect(() => fromUtf8(new Uint8Array(bytes))).toThrow(TypeError);
});
