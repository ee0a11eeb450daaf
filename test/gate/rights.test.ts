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
import {
  customRole,
  explain,
  type Given,
  holdsElevated,
  rightsOf,
  scopeOf,
  underSupport,
} from "#gate/rights.ts";
import { nameable, parseSupportRole, supportRoles } from "#gate/support-roles.ts";
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

/** By hand: what every grant lets support do, and what one must name; of all else no grant gives anything. */
const readBySupport: readonly Capability[] = [
  "customers:read",
  "quotes:read",
  "orders:read",
  "files:read",
  "proofs:read",
  "jobs:read",
  "bookings:read",
  "schedules:read",
  "escalations:read",
  "products:read",
  "invoices:read",
  "payments:read",
  "analytics:read",
  "tenant:read",
  "locations:read",
  "members:read",
  "settings:read",
  "api-calls:read",
];
const namedForSupport: readonly Capability[] = [
  "customers:write",
  "quotes:write",
  "quotes:accept",
  "orders:write",
  "files:write",
  "proofs:write",
  "proofs:approve",
  "jobs:write",
  "jobs:assign",
  "bookings:write",
  "schedules:write",
  "escalations:write",
  "products:write",
  "invoices:write",
  "payments:take",
  "payments:refund",
  "locations:write",
];

test("every role of support, role of a member and capability: held is what the member may, the grant gives and the role takes on", () => {
  expect(nameable.toSorted()).toEqual(namedForSupport.toSorted());
  for (const role of roles)
    for (const capability of everything)
      for (const isNamed of [true, false]) {
        const may = rightsOf({ ...plain, role });
        const named = isNamed ? maskOf([capability]) : noCapabilities;
        const isRead = readBySupport.includes(capability);
        const isNameable = isNamed && namedForSupport.includes(capability);
        const isOfMember = roleTable[role].includes(capability);
        const what = `${role} ${capability} ${isNamed}`;
        expect(holds(underSupport(may, named, "reader"), capability), what).toBe(isOfMember && isRead);
        expect(holds(underSupport(may, named, "helper"), capability), what).toBe(
          isOfMember && (isRead || isNameable),
        );
        expect(underSupport(may, named, null)).toBe(noCapabilities);
      }
});

test("support never adds a right, a grant that names less gives no more, and neither does a member who may less", () => {
  const random = seeded(20_261_124);
  for (let round = 0; round < 3000; round += 1) {
    const [may, named, less] = [anyMask(random), anyMask(random), anyMask(random)];
    for (const role of Object.keys(supportRoles).map(parseSupportRole)) {
      const held = underSupport(may, named, role);
      expect(isSubset(held, may)).toBe(true);
      expect(isSubset(underSupport(may, intersect(named, less), role), held)).toBe(true);
      expect(isSubset(underSupport(intersect(may, less), named, role), held)).toBe(true);
      expect(isSubset(underSupport(may, named, "reader"), underSupport(may, named, "helper"))).toBe(true);
    }
  }
});

test("a role of support that nobody knows may do nothing", () => {
  for (const text of ["", "Reader", "owner", "toString", "__proto__"])
    expect(parseSupportRole(text)).toBeNull();
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
