import { eq } from "drizzle-orm";
import { invitedPlaceCount } from "#db/member-rows.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { listOf, storedMask } from "#gate/capabilities.ts";
import { givenTo, type Held, isAbove, isHeld, mostLocations, mostRoles } from "#gate/giving.ts";
import { invitationLocations, invitations } from "#gate/invitation-tables.ts";
import { customRole } from "#gate/rights.ts";
import { parseRole } from "#gate/roles.ts";
import { roles } from "#gate/tables.ts";
import type { TenantContext } from "#http/operation.ts";
import { type Refusal, refuse } from "#http/outcome.ts";
import { timestamp } from "#lib/time.ts";

export type InvitationRow = Row<typeof invitations>;

/** An invitation, with all that says what it would give. */
export interface Standing extends Held {
  readonly row: InvitationRow;
  readonly places: readonly Row<typeof invitationLocations>[];
}

/** One round trip. null: there is none, or not within the reach of who asks. */
export async function standingOf(
  { tenant }: Pick<TenantContext, "tenant">,
  id: string,
): Promise<Standing | null> {
  const { row, places, count, ownRoles } = await tenant.read({
    row: one(invitations, id),
    places: many(invitationLocations, {
      ...uniqueIndexOf(invitationLocations),
      where: eq(invitationLocations.invitationId, id),
      limit: mostLocations,
    }),
    count: invitedPlaceCount(id),
    ownRoles: many(roles, { limit: mostRoles }),
  });
  if (!row) return null;
  const isElsewhere = row.allLocations === 1 || count > places.length;
  const locations = isElsewhere ? null : places.map(({ locationId }) => locationId);
  return { row, places, given: givenTo(row, ownRoles), locations };
}

/** One that this principal may take back or send again: nobody does with what gives more than they could. */
export async function managed(
  context: Pick<TenantContext, "tenant" | "principal">,
  id: string,
): Promise<Standing | Refusal> {
  const standing = await standingOf(context, id);
  if (standing === null) return refuse("not-found");
  if (isHeld(context.principal)) return refuse("forbidden");
  return isAbove(standing, context.principal) ? refuse("rights-exceed-yours") : standing;
}

export function presentInvitation(
  row: InvitationRow,
  places: readonly Pick<Row<typeof invitationLocations>, "invitationId" | "locationId">[],
  now: number,
) {
  const { emailToken: _emailToken, turn, grants, denials, role, ...rest } = row;
  return {
    ...rest,
    role: row.roleId === null ? (parseRole(role) ?? customRole) : customRole,
    grants: listOf(storedMask(grants)),
    denials: listOf(storedMask(denials)),
    allLocations: row.allLocations === 1,
    locationIds: places
      .filter(({ invitationId }) => invitationId === row.id)
      .map(({ locationId }) => locationId),
    state: row.expiresAt > timestamp(now) ? ("open" as const) : ("expired" as const),
    timesSent: turn,
  };
}
