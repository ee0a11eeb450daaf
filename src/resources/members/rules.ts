import { isSubset, union } from "#gate/capabilities.ts";
import { capabilitiesOf, type Given, holdsElevated } from "#gate/rights.ts";
import type { Principal } from "#http/operation.ts";

/** What a member was given, and where; null: everywhere. */
export interface Held {
  readonly given: Given;
  readonly locations: readonly string[] | null;
}

type Actor = Pick<
  Principal,
  "capabilities" | "locations" | "assigneeId" | "ipAllowList" | "allowedOrigins" | "expiresAt"
>;

/** Is this principal held to what no member could be held to: then it manages none. */
export function isHeld({ assigneeId, ipAllowList, allowedOrigins, expiresAt }: Actor): boolean {
  return assigneeId !== null || ipAllowList.length > 0 || allowedOrigins.length > 0 || expiresAt !== null;
}

/** May somebody do more than this principal, or elsewhere. What they are denied counts: it may be given back to them. */
export function isAbove({ given, locations }: Held, actor: Actor): boolean {
  const most = union(capabilitiesOf(given.role, given.ownRole), given.grants);
  return !isSubset(most, actor.capabilities) || !isWithin(locations, actor.locations);
}

/** The field by which somebody would be given more than this principal has, or what is given to nobody by itself. */
export function excessOf(
  { given, locations }: Held,
  actor: Actor,
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
