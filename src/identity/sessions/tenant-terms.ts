import type { sessions } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Membership } from "#gate/members-of-user.ts";
import { isElevated } from "#gate/roles.ts";
import { hasOwnFactor, methodsOf } from "#identity/factors/methods.ts";
import { asksForFactor } from "#identity/factors/policy-rules.ts";
import { countedFor, type Strength } from "#identity/factors/sms-strength.ts";
import { domainOf } from "#lib/email-address.ts";
import { parseSsoReference } from "#lib/sso-reference.ts";

/** What of a member their business asks by. */
export type Terms = Pick<
  Membership,
  "tenantId" | "role" | "secondFactor" | "secondFactorSince" | "allowsSms" | "sso"
>;

type Session = Strength & Pick<Row<typeof sessions>, "signedInAt" | "sso">;

/** How its user is signed in. */
export interface SignedInAs<S extends Session = Row<typeof sessions>> {
  readonly session: S;
  readonly email: string;
  readonly isPasswordWeak: boolean;
}

type Unmet =
  | "session-limited"
  | "sso-required"
  | "owner-sign-in-required"
  | "second-factor-enrolment-required"
  | "password-change-required";

/**
 * A session held to what a business asks of this member, before any token of it is minted, for whomever: what they have to
 * do first, or the session as it counts there, of which alone its tokens tell.
 */
export function heldTo<S extends Session>(
  member: Terms,
  { session, email, isPasswordWeak }: SignedInAs<S>,
): { readonly unmet: Unmet } | { readonly unmet: null; readonly session: S } {
  const counted = countedFor(member, session);
  const unmet =
    session.sso === null
      ? unmetByThemselves(member, counted, { email, isPasswordWeak })
      : unmetBySso(member, counted, session.sso);
  return unmet === null ? { unmet, session: counted } : { unmet };
}

function unmetByThemselves(
  member: Terms,
  session: Session,
  { email, isPasswordWeak }: { readonly email: string; readonly isPasswordWeak: boolean },
): Unmet | null {
  const isHeldToSso = member.sso.enforcedDomains.includes(domainOf(email));
  if (isHeldToSso && member.role !== "owner") return "sso-required";
  // Owners have a way in though their issuer should be away, by a second factor.
  if (session.strongAt === null && (isHeldToSso || asksForFactor(member, session.signedInAt)))
    return "second-factor-enrolment-required";
  // Who was promoted since chose it by other rules.
  return isPasswordWeak && isElevated(member.role) ? "password-change-required" : null;
}

/** The session was begun at a business's own sign-in. */
function unmetBySso(member: Terms, session: Session, reference: string): Unmet | null {
  const place = parseSsoReference(reference);
  if (place?.tenantId !== member.tenantId) return "session-limited";
  // Its connection lets nobody in any more, so neither does a session that it began.
  if (!member.sso.connections.includes(place.id)) return "sso-required";
  // Whoever may set a connection up could sign in as anybody by an issuer of their own, and would own the business.
  if (member.role === "owner" && !hasOwnFactor(methodsOf(session))) return "owner-sign-in-required";
  const isAsked = session.strongAt === null && asksForFactor(member, session.signedInAt);
  return isAsked ? "second-factor-enrolment-required" : null;
}
