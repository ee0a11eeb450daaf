import type { Membership } from "#gate/members-of-user.ts";
import { isElevated } from "#gate/roles.ts";
import type { Factors } from "#identity/factors/factors.ts";

/** What a user's businesses say of codes by SMS. */
export interface SmsTerms {
  /** Whose budget pays; null where none of them allows SMS. */
  readonly payer: string | null;
  /** An owner or admin anywhere: SMS is never their only factor. */
  readonly isPrivileged: boolean;
}

export function smsTermsOf(members: readonly Membership[]): SmsTerms {
  return {
    payer: members.find(({ allowsSms }) => allowsSms)?.tenantId ?? null,
    isPrivileged: members.some(({ role }) => isElevated(role)),
  };
}

/** What is none of a telephone company's to give to somebody else. */
export function hasStronger({ totp, passkeys }: Pick<Factors, "totp" | "passkeys">): boolean {
  return totp !== null || passkeys.length > 0;
}

/** SMS would be all that is left to prove oneself with. */
export function isSmsAlone(factors: Pick<Factors, "totp" | "passkeys" | "sms">): boolean {
  return factors.sms !== null && !hasStronger(factors);
}
