import { beforeAll, expect, test } from "vitest";
import type { Capability } from "#gate/capabilities.ts";
import { maskOf } from "#gate/capabilities.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { changeMember } from "#test/gate/kit.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { newMember, newRole } from "#test/member-examples.ts";
import { memberToken, newTenant, type TestTenant } from "#test/world.ts";
import { asksForMore } from "./asks-for-more.ts";
import { expectForbidden, expectSuccess, type Principal, tryOut } from "./trial.ts";

let tenant: TestTenant;
const principals = new Map<string, Principal>();

/** By hand: members who are given more, less or other than a fixed role, and what they may do then. */
const given: readonly {
  readonly who: string;
  readonly ownRole?: readonly Capability[];
  readonly role?: keyof typeof roleTable;
  readonly grants?: readonly Capability[];
  readonly denials?: readonly Capability[];
  readonly may: (needs: string) => boolean;
  /** Of what asks for more than its capability: they have that as well. */
  readonly hasEnoughFor?: readonly string[];
}[] = [
  {
    who: "a casual whose own role is the orders queue",
    ownRole: ["orders:read"],
    may: (needs) => needs === "orders:read",
  },
  {
    who: "staff who see invoices besides, and no customers",
    role: "staff",
    grants: ["invoices:read", "settings:read"],
    denials: ["customers:read", "customers:write"],
    may: (needs) =>
      (roleTable.staff.includes(needs) && !["customers:read", "customers:write"].includes(needs)) ||
      ["invoices:read", "settings:read"].includes(needs),
  },
  {
    who: "an admin who is denied the keys of the business",
    role: "admin",
    denials: ["api-keys:read", "api-keys:write"],
    may: (needs) => roleTable.admin.includes(needs) && !needs.startsWith("api-keys:"),
    hasEnoughFor: ["roles.create", "roles.update", "roles.remove"],
  },
  {
    who: "somebody who is granted what they are denied",
    role: "viewer",
    grants: ["orders:write"],
    denials: ["orders:write"],
    may: (needs) => roleTable.viewer.includes(needs),
  },
];

beforeAll(async () => {
  tenant = await newTenant();
  for (const { who, ownRole, role, grants = [], denials = [] } of given) {
    const terms = ownRole ? { roleId: await newRole(tenant, ownRole) } : { role: role ?? "viewer" };
    const locationIds = role === "staff" ? [tenant.locationIds[0]] : null;
    const { memberId } = await newMember(tenant, terms, locationIds);
    await changeMember(tenant, memberId, { grants: maskOf([...grants]), denials: maskOf([...denials]) });
    principals.set(who, { id: memberId, as: await memberToken(tenant, "viewer", { member: memberId }) });
  }
});

for (const { who, may, hasEnoughFor = [] } of given)
  for (const { name } of tenantOperations) {
    const { needs } = exampleOf(name);
    const isAllowed = needs === "any principal" || may(needs);

    test(`${who}: ${isAllowed ? "may" : "may not"} ${name}`, async () => {
      const principal = principals.get(who);
      if (!principal) throw new Error("Nobody was made.");
      if (!isAllowed) return await expectForbidden(tenant, name, principal);
      const answer = await tryOut(tenant, name, principal);
      const more = asksForMore[name];
      if (!more || hasEnoughFor.includes(name)) expectSuccess(name, answer);
      else expect([answer.status, answer.json.type]).toEqual(more.alone);
    });
  }
