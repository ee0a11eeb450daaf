import { type Change, insert } from "#db/changes.ts";
import { outsideIdentities, outsideMemberIndex, outsideOrganizationClaims } from "#db/directory-tables.ts";
import { outsideMembers, outsideOrganizations } from "#gate/outside-tables.ts";
import { newId } from "#platform/ids.ts";

// Nobody's: a deployment that does not name this issuer takes no token of it.
const issuer = "https://clerk.demo.example";

/** The tenant's link to an organization of an outside issuer, and its owner as that issuer knows them. */
export function outsideLink(
  { slug, tenantId, memberId }: { slug: string; tenantId: string; memberId: string },
  now: number,
): { cell: Change[]; directory: Change[] } {
  const organization = { id: newId("oor"), issuer, organization: `org_${slug}`, state: "linked" as const };
  const identity = { id: newId("usr"), issuer, subject: `user_${slug}`, state: "active" as const };
  const index = {
    id: newId("omb"),
    organizationId: organization.id,
    identityId: identity.id,
    memberId,
  };
  const member = {
    ...index,
    state: "active" as const,
    membership: `orgmem_${slug}`,
    role: "org:admin",
    joinedMs: now,
    changedMs: now,
    followsIssuer: 0,
    suspendsMember: 0,
  };
  return {
    cell: [insert(outsideOrganizations, organization, now), insert(outsideMembers, member, now)],
    directory: [
      insert(outsideOrganizationClaims, { ...organization, ownerId: tenantId }, now),
      insert(outsideIdentities, identity, now),
      insert(outsideMemberIndex, index, now),
    ],
  };
}
