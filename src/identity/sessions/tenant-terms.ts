import type { sessions } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Membership } from "#gate/members-of-user.ts";
import { isElevated } from "#gate/roles.ts";
import { asksForFactor } from "#identity/factors/policy-rules.ts";
import { countedFor, type Strength } from "#identity/factors/sms-strength.ts";

/** What of a member their business asks by. */
export type Terms = Pick<Membership, "role" | "secondFactor" | "secondFactorSince" | "allowsSms">;

type Unmet = "second-factor-enrolment-required" | "password-change-required";

/**
 * A session held to what a business asks of this member, before any token of it is minted, for whomever: what they have to
 * do first, or the session as it counts there, of which alone its tokens tell.
 */
export function heldTo<S extends Strength & Pick<Row<typeof sessions>, "signedInAt">>(
  member: Terms,
  session: S,
  isPasswordWeak: boolean,
): { readonly unmet: Unmet } | { readonly unmet: null; readonly session: S } {
  const counted = countedFor(member, session);
  if (counted.strongAt === null && asksForFactor(member, counted.signedInAt))
    return { unmet: "second-factor-enrolment-required" };
  // Who was promoted since chose it by other rules.
  if (isPasswordWeak && isElevated(member.role)) return { unmet: "password-change-required" };
  return { unmet: null, session: counted };
}
