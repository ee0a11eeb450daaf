import type { Row } from "#db/tenant-table.ts";
import { type CapabilityMask, isSubset, storedMask, union } from "./capabilities.ts";
import { capabilitiesOf, type Given, holdsElevated } from "./rights.ts";
import type { members, roles } from "./tables.ts";

/** As many roles as a business may have of its own. */
export const mostRoles = 100;
/** At how many locations one member, or key, may be. */
export const mostLocations = 50;
/** How many programs one member may have let in. */
export const mostConsents = 100;

/** What a member was given, and where; null: everywhere. */
export interface Held {
  readonly given: Given;
  readonly locations: readonly string[] | null;
}

/** Who gives something to a member, or takes it: a principal, as its gate knows it. */
export interface Giver {
  readonly capabilities: CapabilityMask;
  readonly locations: readonly string[] | null;
  readonly assigneeId: string | null;
  readonly ipAllowList: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly expiresAt: number | null;
}

/** Is this principal held to what no member could be held to: then it manages none. */
export function isHeld({ assigneeId, ipAllowList, allowedOrigins, expiresAt }: Giver): boolean {
  return assigneeId !== null || ipAllowList.length > 0 || allowedOrigins.length > 0 || expiresAt !== null;
}

/** May somebody do more than this principal, or elsewhere. What they are denied counts: it may be given back to them. */
export function isAbove({ given, locations }: Held, actor: Giver): boolean {
  const most = union(capabilitiesOf(given.role, given.ownRole), given.grants);
  return !isSubset(most, actor.capabilities) || !isWithin(locations, actor.locations);
}

/** The field by which somebody would be given more than this principal has, or what is given to nobody by itself. */
export function excessOf(
  { given, locations }: Held,
  actor: Giver,
): "/role" | "/roleId" | "/grants" | "/locationIds" | null {
  if (!isSubset(capabilitiesOf(given.role, given.ownRole), actor.capabilities))
    return given.ownRole ? "/roleId" : "/role";
  if (!isSubset(given.grants, actor.capabilities) || holdsElevated(given.grants)) return "/grants";
  // That each place is one of theirs is a guard's to say, as of a place that is none: it exists within their reach.
  return actor.locations === null || (locations !== null && locations.length > 0) ? null : "/locationIds";
}

function isWithin(inner: readonly string[] | null, outer: readonly string[] | null): boolean {
  if (outer === null) return true;
  return inner !== null && inner.length > 0 && inner.every((id) => outer.includes(id));
}

/** @throws Error where a mask in the cell is malformed */
export function givenTo(
  { role, roleId, grants, denials }: Pick<Row<typeof members>, "role" | "roleId" | "grants" | "denials">,
  ownRoles: readonly Row<typeof roles>[],
): Given {
  const found = ownRoles.find(({ id }) => id === roleId);
  return {
    role,
    ownRole: found ? { capabilities: storedMask(found.capabilities), scope: found.scope } : null,
    grants: storedMask(grants),
    denials: storedMask(denials),
  };
}
