import { z } from "zod";
import type { sessions } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Membership } from "#gate/members-of-user.ts";
import { isElevated } from "#gate/roles.ts";
import { asksForFactor } from "#identity/factors/policy-rules.ts";
import { domainOf } from "#identity/federation/claims.ts";
import { parseSsoReference } from "#lib/sso-reference.ts";

/** What of a member their business asks by. */
export type Terms = Pick<Membership, "tenantId" | "role" | "secondFactor" | "secondFactorSince" | "sso">;

/** How its user is signed in. */
export interface SignedInAs {
  readonly session: Pick<Row<typeof sessions>, "strongAt" | "signedInAt" | "methods" | "sso">;
  readonly email: string;
  readonly isPasswordWeak: boolean;
}

export type UnmetTerm =
  | "session-limited"
  | "sso-required"
  | "owner-sign-in-required"
  | "second-factor-enrolment-required"
  | "password-change-required";

/** What a member has to do before any token of this business is minted in this session, for whomever; null for nothing. */
export function unmetTerm(member: Terms, { session, email, isPasswordWeak }: SignedInAs): UnmetTerm | null {
  const place = session.sso === null ? null : parseSsoReference(session.sso);
  if (session.sso !== null && place?.tenantId !== member.tenantId) return "session-limited";
  // Its connection lets nobody in any more, so neither does a session that it began.
  if (place && !member.sso.connections.includes(place.id)) return "sso-required";
  // Whoever may set a connection up could sign in as anybody by an issuer of their own, and would own the business.
  if (place && member.role === "owner" && !hasOwnFactor(session.methods)) return "owner-sign-in-required";
  const isHeldToSso = !place && member.sso.enforcedDomains.includes(domainOf(email));
  if (isHeldToSso && member.role !== "owner") return "sso-required";
  // Owners have a way in though their issuer should be away, by a second factor.
  if (session.strongAt === null && (isHeldToSso || asksForFactor(member, session.signedInAt)))
    return "second-factor-enrolment-required";
  // Who was promoted since chose it by other rules.
  const isByPassword = !place && isPasswordWeak;
  return isByPassword && isElevated(member.role) ? "password-change-required" : null;
}

const ofIssuers = ["fed", "mfa"];

// Proved here, and not by an issuer's word.
function hasOwnFactor(methods: string): boolean {
  return Methods.parse(JSON.parse(methods)).some((method) => !ofIssuers.includes(method));
}

const Methods = z.array(z.string());
