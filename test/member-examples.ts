import { insert } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { memberships, users } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { type Capability, maskOf, noCapabilities } from "#gate/capabilities.ts";
import { memberLocations, members, roles } from "#gate/tables.ts";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser } from "#test/identity/kit.ts";
import type { Example } from "./examples.ts";
import { rowsOf, type TestTenant } from "./world.ts";

const run = (job = "test.members") => ({ job, requestId: newId("run"), now: Date.now() });

export interface MadeMember {
  readonly memberId: string;
  readonly userId: string;
}

/** A role of the business's own. */
export async function newRole(
  { cell, tenantId }: TestTenant,
  capabilities: readonly Capability[],
  scope: "tenant" | "assigned" = "tenant",
): Promise<string> {
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const id = newId("rol");
  const row = { id, name: `Role ${id.slice(-8)}`, capabilities: maskOf(capabilities), scope };
  await commitAsSystem(session, run(), [insert(roles, row, Date.now())]);
  return id;
}

/** Somebody new at these locations, or at all, with a user and the directory's pointer. */
export async function newMember(
  tenant: TestTenant,
  terms: { readonly role: string } | { readonly roleId: string },
  locationIds: readonly string[] | null = [tenant.locationIds[0]],
  job?: string,
): Promise<MadeMember> {
  const { cell, tenantId } = tenant;
  const now = Date.now();
  const [userId, memberId] = [newId("usr"), newId("mbr")];
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const placed = (locationIds ?? []).map((locationId) =>
    insert(memberLocations, { id: newId("mlo"), memberId, locationId }, now),
  );
  const made = await commitAsSystem(session, run(job), [
    insert(
      members,
      {
        id: memberId,
        userId,
        name: "Grace Hopper",
        email: `${userId.slice(4)}@people.example`,
        role: "custom",
        ...terms,
        grants: noCapabilities,
        denials: noCapabilities,
        state: "active",
        allLocations: locationIds === null ? 1 : 0,
      },
      now,
    ),
    ...placed,
  ]);
  const email = `${userId.slice(4)}@people.example`;
  const known = await commitAsSystem(await openDirectory(testEnv()), run(), [
    insert(
      users,
      {
        id: userId,
        name: "Grace Hopper",
        email,
        state: "active",
        emailVerifiedAt: timestamp(now),
        sessionEpoch: 0,
      },
      now,
    ),
    insert(memberships, { id: newId("mem"), userId, memberTenantId: tenantId }, now),
  ]);
  if (made.kind !== "committed" || known.kind !== "committed") throw new Error("Nobody was made.");
  return { memberId, userId };
}

/** At the first location, and able to do no more than whoever may do nothing but manage members. */
async function withMember(tenant: TestTenant) {
  const { memberId } = await newMember(tenant, { roleId: await smallRole(tenant) });
  return { params: { memberId } };
}

const smallRoles = new WeakMap<TestTenant, Promise<string>>();

// One for all examples of a tenant, which has a hundred at most.
export function smallRole(tenant: TestTenant): Promise<string> {
  const known = smallRoles.get(tenant) ?? newRole(tenant, ["members:write"]);
  smallRoles.set(tenant, known);
  return known;
}

async function withRole(tenant: TestTenant) {
  await rowsOf(
    tenant.cell.database,
    "delete from roles where tenant_id = ?1 and id not in (select role_id from members where tenant_id = ?1 and role_id is not null) and id not in (select id from roles where tenant_id = ?1 order by id desc limit 20)",
    tenant.tenantId,
  );
  return { params: { roleId: await newRole(tenant, ["orders:read"]) } };
}

const list = () => ({ query: { limit: "5" } });

/** Of members and roles: each has somebody, or a role, of its own. */
export const memberExamples: Readonly<Record<string, Example>> = {
  "me.leave": {
    needs: "the user",
    async make(tenant) {
      const user = await newUser();
      await join(user, tenant, "staff");
      return { as: user.accessToken, params: { tenantId: tenant.tenantId } };
    },
  },
  "members.list": { needs: "members:read", make: list },
  "members.get": { needs: "members:read", make: withMember },
  "members.access": {
    needs: "members:read",
    make: async (tenant) => ({ ...(await withMember(tenant)), query: { capability: "orders:read" } }),
  },
  "members.factorCoverage": { needs: "security:read", make: list },
  "members.update": {
    needs: "members:write",
    bodyIds: ["/roleId", "/locationIds/0"],
    make: async (tenant) => ({
      ...(await withMember(tenant)),
      body: {
        roleId: await smallRole(tenant),
        denials: ["orders:read"],
        locationIds: [tenant.locationIds[0]],
      },
    }),
  },
  "members.suspend": { needs: "members:write", make: withMember },
  "members.reinstate": {
    needs: "members:write",
    async make(tenant) {
      const input = await withMember(tenant);
      await rowsOf(
        tenant.cell.database,
        "update members set state = 'suspended', version = version + 1 where tenant_id = ? and id = ?",
        tenant.tenantId,
        input.params.memberId,
      );
      return input;
    },
  },
  "members.remove": { needs: "members:write", make: withMember },
  "members.transferOwnership": {
    needs: "tenant:delete",
    make: async (tenant) => ({ ...(await withMember(tenant)), body: { keepsOwn: true } }),
  },
  "principal.get": { needs: "any principal", make: () => ({}) },
  "roles.list": { needs: "members:read", make: () => ({}) },
  "roles.get": { needs: "members:read", make: withRole },
  "roles.create": {
    needs: "roles:write",
    async make(tenant) {
      await withRole(tenant);
      return { body: { name: `Role ${newId("x").slice(-8)}`, capabilities: ["orders:read"] } };
    },
  },
  "roles.update": {
    needs: "roles:write",
    make: async (tenant) => ({ ...(await withRole(tenant)), body: { capabilities: ["quotes:read"] } }),
  },
  "roles.remove": { needs: "roles:write", make: withRole },
};
