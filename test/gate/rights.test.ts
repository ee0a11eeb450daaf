import { expect, test } from "vitest";
import {
  allCapabilities,
  type Capability,
  holds,
  intersect,
  isSubset,
  listOf,
  maskOf,
  noCapabilities,
  union,
} from "#gate/capabilities.ts";
import { customRole, explain, type Given, holdsElevated, rightsOf, scopeOf } from "#gate/rights.ts";
import { roleTable } from "#test/gate/role-table.ts";

const everything = listOf(allCapabilities);
const roles = Object.keys(roleTable) as (keyof typeof roleTable)[];
const plain = { ownRole: null, grants: noCapabilities, denials: noCapabilities };

test("every role, flag and capability: held is what role or grant gives and no denial takes", () => {
  for (const role of roles)
    for (const capability of everything) {
      const one = maskOf([capability]);
      const isOfRole = roleTable[role].includes(capability);
      for (const [isGranted, isDenied] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        const given = {
          ...plain,
          role,
          ...(isGranted ? { grants: one } : {}),
          ...(isDenied ? { denials: one } : {}),
        };
        const held = rightsOf(given);
        const expected = (isOfRole || isGranted) && !isDenied;
        expect(holds(held, capability), `${role} ${capability} ${isGranted} ${isDenied}`).toBe(expected);
        // Of nothing else does a flag of one say anything.
        const others = everything.filter((each) => each !== capability && roleTable[role].includes(each));
        expect(listOf(held).filter((each) => each !== capability)).toEqual(others);
      }
    }
});

test("adding a restriction never adds a right: a denial, fewer grants, a narrower scope", () => {
  const random = seeded(20_261_123);
  for (let round = 0; round < 3000; round += 1) {
    const ownRole = random() < 0.5 ? null : { capabilities: anyMask(random), scope: "tenant" as const };
    const role = ownRole ? customRole : (roles[Math.floor(random() * roles.length)] ?? "viewer");
    const given: Given = { role, ownRole, grants: anyMask(random), denials: anyMask(random) };
    const before = rightsOf(given);
    const more = anyMask(random);
    expect(isSubset(rightsOf({ ...given, denials: union(given.denials, more) }), before)).toBe(true);
    expect(isSubset(rightsOf({ ...given, grants: intersect(given.grants, more) }), before)).toBe(true);
    expect(isSubset(intersect(before, more), before)).toBe(true);
    if (ownRole) {
      const narrower = { ...ownRole, capabilities: intersect(ownRole.capabilities, more) };
      expect(isSubset(rightsOf({ ...given, ownRole: narrower }), before)).toBe(true);
    }
    expect(intersect(before, given.denials)).toBe(noCapabilities);
  }
});

test("the steps of an explanation end where the algebra does, and a suspended member holds nothing", () => {
  const random = seeded(7);
  for (let round = 0; round < 300; round += 1) {
    const role = roles[Math.floor(random() * roles.length)] ?? "viewer";
    const given: Given = { role, ownRole: null, grants: anyMask(random), denials: anyMask(random) };
    for (const capability of everything) {
      expect(explain(capability, given, true).at(-1)?.isHeld).toBe(holds(rightsOf(given), capability));
      expect(explain(capability, given, false).at(-1)?.isHeld).toBe(false);
    }
  }
});

test("a role that nobody knows may do nothing and reaches nothing but what is assigned", () => {
  const given = { ...plain, role: "wizard" };
  expect([rightsOf(given), scopeOf(given)]).toEqual([noCapabilities, "assigned"]);
  expect(scopeOf({ role: customRole, ownRole: { capabilities: noCapabilities, scope: "assigned" } })).toBe(
    "assigned",
  );
  expect(scopeOf({ role: "installer", ownRole: null })).toBe("assigned");
  expect(scopeOf({ role: "manager", ownRole: null })).toBe("locations");
});

/** By hand: what owners and admins alone may, by their role and by nothing else. */
test("what changes who may do what is in no role but an owner's and an admin's", () => {
  const elevated: readonly Capability[] = [
    "roles:write",
    "security:write",
    "api-keys:write",
    "integrations:manage",
    "support:grant",
    "billing:manage",
    "tenant:delete",
  ];
  expect(everything.filter((each) => holdsElevated(maskOf([each])))).toEqual(
    everything.filter((each) => elevated.includes(each)),
  );
  expect([holdsElevated(maskOf(["orders:read", "roles:write"])), holdsElevated(noCapabilities)]).toEqual([
    true,
    false,
  ]);
  for (const role of roles.filter((each) => each !== "owner" && each !== "admin"))
    expect(
      elevated.filter((each) => roleTable[role].includes(each)),
      role,
    ).toEqual([]);
});

function anyMask(random: () => number) {
  return maskOf(everything.filter(() => random() < 0.3));
}

/** Mulberry32: the same numbers each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
