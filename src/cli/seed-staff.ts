import { type Change, insert, insertAll } from "#db/changes.ts";
import { maskOf, noCapabilities } from "#gate/capabilities.ts";
import { invitationLocations, invitations } from "#gate/invitation-tables.ts";
import { roles as fixedRoles, type Role } from "#gate/roles.ts";
import { memberLocations, members, roles } from "#gate/tables.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";

interface Colleague {
  readonly role: Role;
  readonly userId: string;
  readonly memberId: string;
}

/** Who works there, a role of the business's own, and somebody who was invited and has not come yet. */
export function staffRows(
  slug: string,
  staff: readonly Colleague[],
  locationId: string,
  now: number,
): Change[] {
  const invitationId = newId("inv");
  return [
    insert(
      roles,
      {
        id: newId("rol"),
        name: "Weekend help",
        capabilities: maskOf(["orders:read"]),
        scope: "tenant" as const,
      },
      now,
    ),
    insertAll(
      members,
      staff.map(({ role, userId, memberId }) => ({
        id: memberId,
        userId,
        role,
        grants: noCapabilities,
        denials: noCapabilities,
        state: "active" as const,
        allLocations: fixedRoles[role].scope === "tenant" ? 1 : 0,
      })),
      now,
    ),
    insertAll(
      memberLocations,
      staff
        .filter(({ role }) => fixedRoles[role].scope !== "tenant")
        .map(({ memberId }) => ({ id: newId("mlo"), memberId, locationId })),
      now,
    ),
    insert(
      invitations,
      {
        id: invitationId,
        email: `new.colleague@${slug}.example`,
        role: "staff",
        grants: noCapabilities,
        denials: noCapabilities,
        allLocations: 0,
        inviterId: staff.find(({ role }) => role === "owner")?.memberId ?? "",
        turn: 1,
        expiresAt: timestamp(now + 7 * dayMs),
      },
      now,
    ),
    insert(invitationLocations, { id: newId("ilo"), invitationId, locationId }, now),
  ];
}
