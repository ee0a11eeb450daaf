import { z } from "zod";
import type { Row } from "#db/tenant-table.ts";
import type { passkeys, recoveryCodes, smsFactors, totpFactors } from "#identity/tables.ts";

/** All that somebody can prove themselves with besides a password. */
export interface Factors {
  readonly totp: Row<typeof totpFactors> | null;
  readonly pendingTotp: Row<typeof totpFactors> | null;
  readonly passkeys: readonly Row<typeof passkeys>[];
  readonly sms: Row<typeof smsFactors> | null;
  readonly pendingSms: Row<typeof smsFactors> | null;
  readonly recovery: Row<typeof recoveryCodes> | null;
}

export interface FoundFactors {
  readonly totps: readonly Row<typeof totpFactors>[];
  readonly passkeys: readonly Row<typeof passkeys>[];
  readonly smses: readonly Row<typeof smsFactors>[];
  readonly recovery: readonly Row<typeof recoveryCodes>[];
}

export function factorsOf({ totps, passkeys, smses, recovery }: FoundFactors): Factors {
  return {
    totp: totps.find(({ state }) => state === "active") ?? null,
    pendingTotp: totps.find(({ state }) => state === "pending") ?? null,
    passkeys,
    sms: smses.find(({ state }) => state === "active") ?? null,
    pendingSms: smses.find(({ state }) => state === "pending") ?? null,
    recovery: recovery[0] ?? null,
  };
}

/**
 * By what the second step can be taken; none where a password is all there is. SMS only where there is nothing better:
 * beside another factor it would be the door that somebody comes in by who has taken over the number.
 */
export function choicesOf({ totp, passkeys, sms, recovery }: Factors): string[] {
  const strong = [...(totp ? ["totp"] : []), ...(passkeys.length > 0 ? ["passkey"] : [])];
  const choices = strong.length === 0 && sms ? ["sms"] : strong;
  return choices.length === 0 ? [] : [...choices, ...(recovery ? ["recovery-code"] : [])];
}

/** As events tell it; recovery codes are used up all at once, so there are ten or none. */
export function stateOf({
  totp,
  passkeys,
  sms,
  recovery,
}: Pick<Factors, "totp" | "passkeys" | "sms" | "recovery">) {
  return {
    totp: totp ? 1 : 0,
    passkeys: passkeys.length,
    sms: sms ? 1 : 0,
    recoveryCodesLeft: recovery ? hashesOf(recovery).length : 0,
  };
}

export type FactorCounts = ReturnType<typeof stateOf>;

export const noFactors: FactorCounts = { totp: 0, passkeys: 0, sms: 0, recoveryCodesLeft: 0 };

const Hashes = z.array(z.string()).max(20);

export function hashesOf(set: Row<typeof recoveryCodes>): string[] {
  return Hashes.parse(JSON.parse(set.hashes));
}
