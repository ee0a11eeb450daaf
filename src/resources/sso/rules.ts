import type { Patch, Row } from "#db/tenant-table.ts";
import { isElevated, parseRole, roles } from "#gate/roles.ts";
import type { Claim } from "#gate/sso-claims.ts";
import type { ssoDomains } from "#gate/sso-tables.ts";
import { dayMs, hourMs, timestamp } from "#lib/time.ts";

export const mostConnections = 5;
export const mostDomains = 20;

/** How long the record of a verified domain may be absent: nameservers are moved, and mistakes mended, within days. */
const patienceMs = 7 * dayMs;

/** What whoever comes by an issuer for the first time can be: nobody who could do the most harm. */
export const defaultRoles = Object.keys(roles).flatMap((name) => {
  const role = parseRole(name);
  return role === null || isElevated(role) ? [] : [role];
});

/** Why this is no issuer's identifier, beyond what is wrong with a URL (OpenID Connect Discovery, section 2). */
export function issuerFault(text: string): string | null {
  const { search, href } = new URL(text);
  if (search !== "" || text.includes("?")) return "has a query";
  // Tokens are compared with it by their text.
  return href === text || href === `${text}/` ? null : "is not a URL in its one spelling";
}

export interface DomainCheck {
  /** Null where nothing changes but when it was asked. */
  readonly patch: Patch<typeof ssoDomains> | null;
  readonly hasLapsed: boolean;
}

/** What becomes of a verified domain for which DNS was asked anew; `isProven` is null where DNS did not answer. */
export function afterCheck(
  { missingSince }: Pick<Row<typeof ssoDomains>, "missingSince">,
  isProven: boolean | null,
  now: number,
): DomainCheck {
  const checkedAt = timestamp(now);
  const unchanged = { patch: null, hasLapsed: false };
  if (isProven === null) return unchanged;
  if (isProven)
    return missingSince === null ? unchanged : { patch: { checkedAt, missingSince: null }, hasLapsed: false };
  if (missingSince === null) return { patch: { checkedAt, missingSince: checkedAt }, hasLapsed: false };
  if (Date.parse(missingSince) + patienceMs > now) return unchanged;
  // Nobody can sign in by it any more, so nobody must have to.
  return { patch: { checkedAt, state: "lapsed", isEnforced: 0 }, hasLapsed: true };
}

/** Longer than any verification is under way, which claims before its row says so. */
const claimedFirstMs = hourMs;

/** What a live claim should be, by its row in the cell; null where it is that. */
export function claimAfter(
  claim: Pick<Claim, "connectionId" | "updatedAt">,
  row: Pick<Row<typeof ssoDomains>, "state" | "connectionId"> | null,
  now: number,
): { readonly state: "ended" } | { readonly connectionId: string } | null {
  const isYoung = Date.parse(claim.updatedAt) + claimedFirstMs > now;
  if (row?.state !== "verified") return row !== null && isYoung ? null : { state: "ended" };
  return row.connectionId === claim.connectionId ? null : { connectionId: row.connectionId };
}
