import fc from "fast-check";
import { expect, test } from "vitest";
import {
  allCapabilities,
  capabilities,
  holds,
  intersect,
  isCapability,
  isSubset,
  listOf,
  maskOf,
  noCapabilities,
  parseMask,
  union,
  without,
} from "#gate/capabilities.ts";

const names = Object.keys(capabilities).filter(isCapability);
const lists = fc.uniqueArray(fc.constantFrom(...names));

test("bits are never moved and never reused", () => {
  const hint =
    "masks are stored: a bit keeps its meaning for ever; add a line here for a new capability only";
  const bits = Object.fromEntries(names.map((name) => [capabilities[name].bit, name]));
  expect(bits, hint).toEqual({
    0: "customers:read",
    1: "customers:write",
    2: "customers:sensitive",
    3: "quotes:read",
    4: "quotes:write",
    5: "quotes:accept",
    6: "orders:read",
    7: "orders:write",
    8: "files:read",
    9: "files:write",
    10: "proofs:read",
    11: "proofs:write",
    12: "proofs:approve",
    13: "jobs:read",
    14: "jobs:write",
    15: "jobs:assign",
    16: "bookings:read",
    17: "bookings:write",
    18: "schedules:read",
    19: "schedules:write",
    20: "escalations:read",
    21: "escalations:write",
    22: "products:read",
    23: "products:write",
    24: "invoices:read",
    25: "invoices:write",
    26: "payments:read",
    27: "payments:take",
    28: "payments:refund",
    29: "analytics:read",
    30: "exports:create",
    31: "tenant:read",
    32: "tenant:delete",
    33: "locations:read",
    34: "locations:write",
    35: "members:read",
    36: "members:write",
    37: "roles:write",
    38: "settings:read",
    39: "settings:write",
    40: "security:read",
    41: "security:write",
    42: "api-keys:read",
    43: "api-keys:write",
    44: "integrations:manage",
    45: "audit:read",
    46: "events:read",
    47: "api-calls:read",
    48: "privacy:read",
    49: "privacy:write",
    50: "support:read",
    51: "support:grant",
    52: "billing:read",
    53: "billing:manage",
    54: "customers:consent",
  });
});

test("every bit is unique, whole and below 128, and every label is there and unique", () => {
  const entries = Object.values(capabilities);
  expect(new Set(entries.map(({ bit }) => bit)).size).toBe(entries.length);
  expect(entries.filter(({ bit }) => !(Number.isInteger(bit) && bit >= 0 && bit < 128))).toEqual([]);
  expect(new Set(entries.map(({ label }) => label)).size).toBe(entries.length);
  for (const { label } of entries) expect(label).toMatch(/^[A-Z].{3,}[^.]$/);
});

test("a name is a noun and a verb, fit for an OAuth scope", () => {
  for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*:[a-z]+$/);
});

test("a mask is 32 hex characters, with the bit of the table", () => {
  expect(noCapabilities).toBe("0".repeat(32));
  expect(maskOf(["customers:read"])).toBe("00000000000000000000000000000001");
  expect(maskOf(["tenant:read", "tenant:delete"])).toBe("00000000000000000000000180000000");
  expect(maskOf(["customers:read", "customers:read"])).toBe(maskOf(["customers:read"]));
  expect(listOf(allCapabilities)).toEqual(names);
});

test("masks behave as sets", () => {
  fc.assert(
    fc.property(lists, lists, (a, b) => {
      const [x, y] = [maskOf(a), maskOf(b)];
      expect(listOf(x)).toEqual(names.filter((name) => a.includes(name)));
      expect(listOf(union(x, y))).toEqual(names.filter((name) => a.includes(name) || b.includes(name)));
      expect(listOf(intersect(x, y))).toEqual(names.filter((name) => a.includes(name) && b.includes(name)));
      expect(listOf(without(x, y))).toEqual(names.filter((name) => a.includes(name) && !b.includes(name)));
      expect(isSubset(x, y)).toBe(a.every((name) => b.includes(name)));
      for (const name of names) expect(holds(x, name)).toBe(a.includes(name));
    }),
  );
});

test("an unknown capability in a list does not compile", () => {
  // @ts-expect-error: the type is what keeps it out; at run time isCapability does.
  expect(() => maskOf(["customers:burn"])).toThrow(TypeError);
});

test("restricting never adds: what is left of a mask is part of it", () => {
  fc.assert(
    fc.property(lists, lists, (a, b) => {
      const [x, y] = [maskOf(a), maskOf(b)];
      expect(isSubset(intersect(x, y), x)).toBe(true);
      expect(isSubset(without(x, y), x)).toBe(true);
      expect(intersect(without(x, y), y)).toBe(noCapabilities);
      expect(isSubset(x, union(x, y))).toBe(true);
      expect(isSubset(noCapabilities, x) && isSubset(x, allCapabilities)).toBe(true);
    }),
  );
});

test("a stored mask is read back as it was, bits of a newer version included", () => {
  const texts = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(texts, lists, (text, list) => {
      const mask = parseMask(text) ?? noCapabilities;
      expect(mask).toBe(text);
      expect(union(mask, noCapabilities)).toBe(text);
      expect(listOf(mask).every((name) => holds(mask, name))).toBe(true);
      expect(parseMask(maskOf(list))).toBe(maskOf(list));
    }),
  );
  const newer = parseMask(`8${"0".repeat(31)}`) ?? allCapabilities;
  expect(listOf(newer)).toEqual([]);
  expect(isSubset(newer, allCapabilities)).toBe(false);
});

test.each([
  ["nothing", ""],
  ["31 characters", "0".repeat(31)],
  ["33 characters", "0".repeat(33)],
  ["upper case", `${"0".repeat(31)}A`],
  ["a sign", `-${"0".repeat(31)}`],
  ["a prefix", `0x${"0".repeat(30)}`],
  ["a line break", `${"0".repeat(32)}\n`],
])("%s is no mask", (_, text) => {
  expect(parseMask(text)).toBeNull();
});

test.each(["", "customers", "customers:*", "Customers:read", "customers:read ", "toString", "__proto__"])(
  "%j is no capability",
  (text) => {
    expect(isCapability(text)).toBe(false);
  },
);
