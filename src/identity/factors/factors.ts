import { z } from "zod";
import type { Row } from "#db/tenant-table.ts";
import type { passkeys, recoveryCodes, totpFactors } from "#identity/tables.ts";

/** All that somebody can prove themselves with besides a password. */
export interface Factors {
  readonly totp: Row<typeof totpFactors> | null;
  readonly pendingTotp: Row<typeof totpFactors> | null;
  readonly passkeys: readonly Row<typeof passkeys>[];
  readonly recovery: Row<typeof recoveryCodes> | null;
}

export interface FoundFactors {
  readonly totps: readonly Row<typeof totpFactors>[];
  readonly passkeys: readonly Row<typeof passkeys>[];
  readonly recovery: readonly Row<typeof recoveryCodes>[];
}

export function factorsOf({ totps, passkeys, recovery }: FoundFactors): Factors {
  return {
    totp: totps.find(({ state }) => state === "active") ?? null,
    pendingTotp: totps.find(({ state }) => state === "pending") ?? null,
    passkeys,
    recovery: recovery[0] ?? null,
  };
}

/** By what the second step can be taken; none where a password is all there is. */
export function choicesOf({ totp, passkeys, recovery }: Factors): string[] {
  if (!totp && passkeys.length === 0) return [];
  return [
    ...(totp ? ["totp"] : []),
    ...(passkeys.length > 0 ? ["passkey"] : []),
    ...(recovery ? ["recovery-code"] : []),
  ];
}

/** As events tell it; recovery codes are used up all at once, so there are ten or none. */
export function stateOf({ totp, passkeys, recovery }: Pick<Factors, "totp" | "passkeys" | "recovery">) {
  return {
    totp: totp ? 1 : 0,
    passkeys: passkeys.length,
    sms: 0,
    recoveryCodesLeft: recovery ? hashesOf(recovery).length : 0,
  };
}

export type FactorCounts = ReturnType<typeof stateOf>;

export const noFactors: FactorCounts = { totp: 0, passkeys: 0, sms: 0, recoveryCodesLeft: 0 };

const Hashes = z.array(z.string()).max(20);

export function hashesOf(set: Row<typeof recoveryCodes>): string[] {
  return Hashes.parse(JSON.parse(set.hashes));
}
