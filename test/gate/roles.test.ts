import { expect, test } from "vitest";
import { capabilities, isSubset, maskOf } from "#gate/capabilities.ts";
import { parseRole, type Role, roles } from "#gate/roles.ts";
import { roleTable } from "#test/gate/role-table.ts";

type TableRole = keyof typeof roleTable;
const allRoles = Object.keys(roleTable).filter((name): name is TableRole => Object.hasOwn(roleTable, name));

test("the roles are those of the hand-written table", () => {
  expect(Object.keys(roles)).toEqual(allRoles);
});

test.each(allRoles)("%s holds exactly what the hand-written table says", (role) => {
  const hint = `${role}: decide in test/gate/role-table.ts who may do what, then make src/gate/roles.ts agree`;
  expect(roles[role].capabilities.toSorted(), hint).toEqual(roleTable[role].toSorted());
});

test("every capability is in the owner's row", () => {
  const hint =
    "a new capability goes into the owner's row of test/gate/role-table.ts, and into who else may hold it";
  expect(roleTable.owner.toSorted(), hint).toEqual(Object.keys(capabilities).toSorted());
});

test("no row names a capability twice", () => {
  for (const role of allRoles) expect(new Set(roleTable[role]).size).toBe(roleTable[role].length);
});

test("an admin lacks billing, letting support in and deleting the tenant, and nothing else", () => {
  const lacking = roleTable.owner.filter((capability) => !roleTable.admin.includes(capability));
  expect(lacking).toEqual(["tenant:delete", "support:grant", "billing:read", "billing:manage"]);
});

test("an admin holds all of every role but the owner's, so may give them", () => {
  const admin = maskOf(roles.admin.capabilities);
  for (const role of allRoles.filter((name) => name !== "owner")) {
    expect(isSubset(maskOf(roles[role].capabilities), admin)).toBe(true);
  }
});

test("a manager can do the work of everyone at a location", () => {
  const manager = maskOf(roles.manager.capabilities);
  for (const role of ["sales", "designer", "installer", "staff"] satisfies Role[]) {
    expect(isSubset(maskOf(roles[role].capabilities), manager)).toBe(true);
  }
});

// Over members of their own locations alone: test/resources/members/rights.test.ts.
test("a manager has no settings, keys, integrations, billing, or power over roles", () => {
  const refused = /^(settings|security|api-keys|integrations|billing|roles|privacy|support):|^tenant:delete$/;
  expect(roles.manager.capabilities.filter((capability) => refused.test(capability))).toEqual([]);
});

test("a viewer only reads, and what is sensitive is for owner, admin, manager and staff", () => {
  expect(roles.viewer.capabilities.filter((capability) => !capability.endsWith(":read"))).toEqual([]);
  const holders = allRoles.filter((role) => roles[role].capabilities.includes("customers:sensitive"));
  expect(holders).toEqual(["owner", "admin", "manager", "staff"]);
});

test("manager and staff reach their locations, an installer what is assigned, the others the tenant", () => {
  expect(Object.fromEntries(allRoles.map((role) => [role, roles[role].scope]))).toEqual({
    owner: "tenant",
    admin: "tenant",
    manager: "locations",
    sales: "tenant",
    designer: "tenant",
    installer: "assigned",
    accountant: "tenant",
    staff: "locations",
    viewer: "tenant",
  });
});

test("a role is read by its name, and employee is staff", () => {
  for (const role of allRoles) expect(parseRole(role)).toBe(role);
  expect(parseRole("employee")).toBe("staff");
});

test.each(["", "Owner", "owner ", "root", "toString", "__proto__", "constructor"])(
  "%j is no role",
  (text) => {
    expect(parseRole(text)).toBeNull();
  },
);
