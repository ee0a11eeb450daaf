import { type Capability, isSubset, maskOf } from "#gate/capabilities.ts";
import type { Principal } from "#http/operation.ts";

export interface KeyTerms {
  readonly scopes: readonly Capability[];
  /** null: every location. */
  readonly locationIds: readonly string[] | null;
  readonly expiresAt: string | null;
  /** Empty: every address. */
  readonly ipAllowList: readonly string[];
  /** Empty: pages of every origin that the tenant lists. */
  readonly allowedOrigins: readonly string[];
}

/** A key never does more, elsewhere, from elsewhere or for longer than who creates it. Names the field that asks for too much. */
export function excessOf(
  terms: KeyTerms,
  creator: Principal,
): "/scopes" | "/locationIds" | "/ipAllowList" | "/allowedOrigins" | "/expiresAt" | null {
  if (!isSubset(maskOf(terms.scopes), creator.capabilities)) return "/scopes";
  const { locationIds } = terms;
  if (creator.locations !== null && !locationIds?.every((id) => creator.locations?.includes(id)))
    return "/locationIds";
  if (creator.locations !== null && locationIds === null) return "/locationIds";
  if (isFreer(terms.ipAllowList, creator.ipAllowList)) return "/ipAllowList";
  if (isFreer(terms.allowedOrigins, creator.allowedOrigins)) return "/allowedOrigins";
  const expires = terms.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(terms.expiresAt);
  return creator.expiresAt !== null && expires > creator.expiresAt ? "/expiresAt" : null;
}

// Of lists that are empty where everything is on them.
function isFreer(asked: readonly string[], own: readonly string[]): boolean {
  return own.length > 0 && (asked.length === 0 || asked.some((each) => !own.includes(each)));
}
