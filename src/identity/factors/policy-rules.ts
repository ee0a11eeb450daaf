import type { Membership } from "#gate/members-of-user.ts";
import { isElevated } from "#gate/roles.ts";

/**
 * Does this business ask this member for a second factor in a session that began then: whoever signed in before it asked
 * is asked at the next sign-in.
 */
export function asksForFactor(
  { role, secondFactor, secondFactorSince }: Pick<Membership, "role" | "secondFactor" | "secondFactorSince">,
  signedInAt: string,
): boolean {
  if (secondFactor === "off" || (secondFactorSince !== null && signedInAt < secondFactorSince)) return false;
  return secondFactor === "everyone" || isElevated(role);
}
