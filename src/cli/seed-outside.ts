import { type Change, insert } from "#db/changes.ts";
import { outsideIdentities, outsideMemberIndex, outsideOrganizationClaims } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import { outsideMembers, outsideOrganizations } from "#gate/outside-tables.ts";
import { newId } from "#platform/ids.ts";

// Nobody's: a deployment that does not name this issuer takes no token of it.
const issuer = "https://clerk.demo.example";

/** A tenant's link to an organization of an outside issuer, and its owner as that issuer knows them. */
export function outsideRows(slug: string, memberId: string, now: number): Change[] {
  const organization = { id: newId("oor"), issuer, organization: `org_${slug}`, state: "linked" as const };
  const member = {
    id: newId("omb"),
    organizationId: organization.id,
    identityId: newId("usr"),
    memberId,
    state: "active" as const,
    membership: `orgmem_${slug}`,
    role: "org:admin",
    joinedMs: now,
    changedMs: now,
    followsIssuer: 0,
    suspendsMember: 0,
  };
  return [insert(outsideOrganizations, organization, now), insert(outsideMembers, member, now)];
}

/** What the directory has to know of it. */
export function outsideIndex(
  slug: string,
  ownerId: string,
  found: {
    readonly organizations: readonly Row<typeof outsideOrganizations>[];
    readonly outsiders: readonly Row<typeof outsideMembers>[];
  },
  now: number,
): Change[] {
  return [
    ...found.organizations.map(({ id, issuer, organization, state }) =>
      insert(outsideOrganizationClaims, { id, issuer, organization, state, ownerId }, now),
    ),
    ...found.outsiders.flatMap(({ id, organizationId, identityId, memberId }) =>
      memberId === null
        ? []
        : [
            insert(
              outsideIdentities,
              { id: identityId, issuer, subject: `user_${slug}`, state: "active" },
              now,
            ),
            insert(outsideMemberIndex, { id, organizationId, identityId, memberId }, now),
          ],
    ),
  ];
}
