import { isSubset, maskOf } from "#gate/capabilities.ts";
import { roles } from "#gate/roles.ts";
import { isLimited } from "#http/limited.ts";
import type { Principal, TenantContext } from "#http/operation.ts";
import { type Refusal, refuse, refuseField } from "#http/outcome.ts";
import { describeFault } from "#platform/destinations.ts";
import { issuerFault } from "./rules.ts";

/** Who decides by whom people sign in decides for everywhere and for good: they are held to no place, address or date. */
export function heldRefusal(principal: Principal): Refusal | null {
  return isLimited(principal) ? refuse("forbidden") : null;
}

/** By an issuer of their own they could come in as anybody but an owner, so besides they may do what an admin may. */
export function reachRefusal(principal: Principal): Refusal | null {
  const held = heldRefusal(principal);
  if (held) return held;
  if (isSubset(maskOf(roles.admin.capabilities), principal.capabilities)) return null;
  return refuseField("/issuer", "lets in people who may do more than you", "scopes-exceed-creator");
}

/** An issuer is asked for its keys, and sent the client's secret. */
export async function issuerRefusal(
  { destinationFault }: Pick<TenantContext, "destinationFault">,
  issuer: string,
): Promise<Refusal | null> {
  const fault = await destinationFault(issuer);
  if (fault) return refuseField("/issuer", describeFault(fault));
  const detail = issuerFault(issuer);
  return detail === null ? null : refuseField("/issuer", detail);
}
