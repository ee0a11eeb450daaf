import { insert } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import { invitationLocations, invitations } from "#gate/invitation-tables.ts";
import { invitationsOf } from "#gate/invitations.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { testEnv } from "#test/env.ts";
import { newEmail, newUser, tokenMailedTo } from "#test/identity/kit.ts";
import type { Example } from "./examples.ts";
import { smallRole } from "./member-examples.ts";
import { rowsOf, type TestTenant } from "./world.ts";

const run = () => ({ job: "test.invitations", requestId: newId("run"), now: Date.now() });

export interface Terms {
  readonly email?: string;
  readonly role?: string;
  readonly roleId?: string | null;
  readonly inviterId?: string;
  readonly locationIds?: readonly string[] | null;
  readonly grants?: string;
}

/** Somebody invited at the first location, by the tenant's own key unless told; nothing was mailed. */
export async function newInvitation(tenant: TestTenant, terms: Terms = {}): Promise<string> {
  const { cell, tenantId } = tenant;
  const now = Date.now();
  await makeRoom(tenant);
  const { locationIds = [tenant.locationIds[0]] } = terms;
  const id = newId("inv");
  const row = {
    id,
    email: terms.email ?? newEmail(),
    role: terms.role ?? "viewer",
    roleId: terms.roleId ?? null,
    grants: terms.grants ?? noCapabilities,
    denials: noCapabilities,
    allLocations: locationIds === null ? 1 : 0,
    inviterId: terms.inviterId ?? tenant.keyId,
    turn: 1,
    expiresAt: timestamp(now + dayMs),
  };
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const made = await commitAsSystem(session, run(), [
    insert(invitations, row, now),
    ...(locationIds ?? []).map((locationId) =>
      insert(invitationLocations, { id: newId("ilo"), invitationId: id, locationId }, now),
    ),
  ]);
  if (made.kind !== "committed") throw new Error("Nobody was invited.");
  return id;
}

/** The token of the link that is mailed for an invitation. */
export async function mailedToken(
  { cell, tenantId }: TestTenant,
  id: string,
  email: string,
): Promise<string> {
  const { keys } = await systemSession(testEnv(), cell.database, tenantId);
  await invitationsOf(testEnv(), cell, keys, run()).mail(id);
  return await tokenMailedTo(email);
}

// A business sends a hundred a day, and examples more.
async function makeRoom({ cell, tenantId }: TestTenant): Promise<void> {
  for (const text of [
    "delete from intents where tenant_id = ? and operation like 'invitations.%' and state <> 'intended'",
    "delete from invitation_locations where tenant_id = ?1 and invitation_id not in (select id from invitations where tenant_id = ?1 order by id desc limit 20)",
    "delete from invitations where tenant_id = ?1 and id not in (select id from invitations where tenant_id = ?1 order by id desc limit 20)",
  ])
    await rowsOf(cell.database, text, tenantId);
}

const withInvitation = async (tenant: TestTenant) => ({
  params: {
    invitationId: await newInvitation(tenant, { role: "custom", roleId: await smallRole(tenant) }),
  },
});

// Who may invite viewers everywhere, as the tenant's own key may.
async function invited(tenant: TestTenant) {
  const user = await newUser();
  const id = await newInvitation(tenant, { email: user.email });
  const token = await mailedToken(tenant, id, user.email);
  return { as: user.accessToken, body: { token, tenantId: tenant.tenantId } };
}

/** Of invitations, from both sides. */
export const invitationExamples: Readonly<Record<string, Example>> = {
  "invitations.list": { needs: "members:read", make: () => ({ query: { limit: "5" } }) },
  "invitations.get": { needs: "members:read", make: withInvitation },
  "invitations.create": {
    needs: "members:write",
    bodyIds: ["/roleId", "/locationIds/0"],
    async make(tenant) {
      await makeRoom(tenant);
      const body = {
        email: newEmail(),
        roleId: await smallRole(tenant),
        denials: ["orders:read"],
        locationIds: [tenant.locationIds[0]],
      };
      return { body };
    },
  },
  "invitations.resend": { needs: "members:write", make: withInvitation },
  "invitations.revoke": { needs: "members:write", make: withInvitation },
  "me.lookAtInvitation": { needs: "the user", bodyIds: ["/tenantId"], make: invited },
  "me.acceptInvitation": { needs: "the user", bodyIds: ["/tenantId"], make: invited },
};
