import type { sessions } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Membership } from "#gate/members-of-user.ts";
import { isElevated } from "#gate/roles.ts";
import { asksForFactor } from "#identity/factors/policy-rules.ts";

/** What of a member their business asks by. */
export type Terms = Pick<Membership, "role" | "secondFactor" | "secondFactorSince">;

/** What a member has to do before any token of this business is minted in this session, for whomever; null for nothing. */
export function unmetTerm(
  member: Terms,
  session: Pick<Row<typeof sessions>, "strongAt" | "signedInAt">,
  isPasswordWeak: boolean,
): "second-factor-enrolment-required" | "password-change-required" | null {
  if (session.strongAt === null && asksForFactor(member, session.signedInAt))
    return "second-factor-enrolment-required";
  // Who was promoted since chose it by other rules.
  return isPasswordWeak && isElevated(member.role) ? "password-change-required" : null;
}
