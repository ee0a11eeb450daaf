import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, type Json } from "#lib/canonical-json.ts";
import { hasVectors, loadFolder } from "#test/vectors.ts";

test.skipIf(!hasVectors)("jcs: all 6 of RFC 8785's examples, to the byte", async () => {
  const outputs = new Map((await loadFolder("jcs/output", 6)).map(({ name, text }) => [name, text]));
  for (const { name, text } of await loadFolder("jcs/input", 6))
    expect(canonicalJson(JSON.parse(text)), name).toBe(outputs.get(name));
});

// RFC 8785 appendix B, by their IEEE 754 bits.
test.each([
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555554", "333333333.33333325"],
])("the number of the bits %s is %s", (bits, expected) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  expect(canonicalJson(view.getFloat64(0))).toBe(expected);
});

test("a value has one spelling, whatever order its members came in, and it reads back the same", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }).filter(isSaid), (value) => {
      const said = canonicalJson(value as Json);
      expect(canonicalJson(JSON.parse(said))).toBe(said);
      expect(canonicalJson(reversed(value as Json))).toBe(said);
      expect(JSON.parse(said)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test.each([
  ["a lone surrogate", "\ud800"],
  ["a lone surrogate in a name", { "\udfff": 1 }],
  ["no number", Number.NaN],
  ["no end", [Number.POSITIVE_INFINITY]],
  ["undefined", { a: undefined }],
  ["a function", [() => 1]],
  ["a bigint", 1n],
])("%s has no spelling", (_, value) => {
  expect(() => canonicalJson(value as unknown as Json)).toThrow(TypeError);
});

function isSaid(value: unknown): boolean {
  return JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/i.test(JSON.stringify(value));
}

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).reverse();
  return Object.fromEntries(members.map(([name, member]) => [name, reversed(member)]));
}
