import { type Capability, isSubset, maskOf } from "#gate/capabilities.ts";
import type { Principal } from "#http/operation.ts";

export interface KeyTerms {
  readonly scopes: readonly Capability[];
  /** null: every location. */
  readonly locationIds: readonly string[] | null;
  readonly expiresAt: string | null;
  /** Empty: every address. */
  readonly ipAllowList: readonly string[];
}

/** A key never does more, elsewhere, from elsewhere or for longer than who creates it. Names the field that asks for too much. */
export function excessOf(
  terms: KeyTerms,
  creator: Principal,
): "/scopes" | "/locationIds" | "/ipAllowList" | "/expiresAt" | null {
  if (!isSubset(maskOf(terms.scopes), creator.capabilities)) return "/scopes";
  const { locationIds } = terms;
  if (creator.locations !== null && !locationIds?.every((id) => creator.locations?.includes(id)))
    return "/locationIds";
  if (creator.locations !== null && locationIds === null) return "/locationIds";
  const isFreer =
    terms.ipAllowList.length === 0 || terms.ipAllowList.some((cidr) => !creator.ipAllowList.includes(cidr));
  if (creator.ipAllowList.length > 0 && isFreer) return "/ipAllowList";
  const expires = terms.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(terms.expiresAt);
  return creator.expiresAt !== null && expires > creator.expiresAt ? "/expiresAt" : null;
}
