import { eq } from "drizzle-orm";
import { placeCount } from "#db/member-rows.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { listOf, storedMask } from "#gate/capabilities.ts";
import { givenTo, type Held, isAbove, isHeld, mostConsents, mostLocations, mostRoles } from "#gate/giving.ts";
import { customRole } from "#gate/rights.ts";
import { parseRole } from "#gate/roles.ts";
import { memberLocations, members, oauthConsents, roles } from "#gate/tables.ts";
import type { TenantContext } from "#http/operation.ts";
import { type Refusal, refuse } from "#http/outcome.ts";

export type MemberRow = Row<typeof members>;

/** A member as they stand, with all that says what they may do. */
export interface Standing extends Held {
  readonly row: MemberRow;
  readonly places: readonly Row<typeof memberLocations>[];
  readonly consents: readonly Row<typeof oauthConsents>[];
  /** Of the business: all that a member could be given. */
  readonly ownRoles: readonly Row<typeof roles>[];
}

/** One round trip. null: there is no such member, or not within the reach of who asks. */
export async function standingOf(
  { tenant }: Pick<TenantContext, "tenant">,
  id: string,
): Promise<Standing | null> {
  const { row, places, count, consents, ownRoles } = await tenant.read({
    row: one(members, id),
    places: many(memberLocations, {
      ...uniqueIndexOf(memberLocations),
      where: eq(memberLocations.memberId, id),
      limit: mostLocations,
    }),
    count: placeCount(id),
    consents: many(oauthConsents, {
      ...uniqueIndexOf(oauthConsents),
      where: eq(oauthConsents.memberId, id),
      limit: mostConsents,
    }),
    ownRoles: many(roles, { limit: mostRoles }),
  });
  if (!row) return null;
  // Where they are besides is nobody's business who is not there; that they are makes them somebody of all places.
  const isElsewhere = count > places.length;
  const locations = row.allLocations === 1 || isElsewhere ? null : places.map(({ locationId }) => locationId);
  return { row, places, consents, ownRoles, given: givenTo(row, ownRoles), locations };
}

/** Somebody whom this principal may act on, or why not. Nobody changes what they may do themselves: they can leave. */
export async function managed(
  context: Pick<TenantContext, "tenant" | "principal">,
  id: string,
): Promise<Standing | Refusal> {
  const { principal } = context;
  const standing = await standingOf(context, id);
  if (standing === null || standing.row.removedAt !== null) return refuse("not-found");
  if (isHeld(principal) || standing.row.id === principal.id) return refuse("forbidden");
  return isAbove(standing, principal) ? refuse("member-above-you") : standing;
}

export function presentMember(
  row: MemberRow,
  places: readonly Pick<Row<typeof memberLocations>, "memberId" | "locationId">[],
) {
  const { userId: _userId, grants, denials, role, ...rest } = row;
  return {
    ...rest,
    role: row.roleId === null ? (parseRole(role) ?? customRole) : customRole,
    grants: listOf(storedMask(grants)),
    denials: listOf(storedMask(denials)),
    allLocations: row.allLocations === 1,
    locationIds: places.filter(({ memberId }) => memberId === row.id).map(({ locationId }) => locationId),
  };
}
