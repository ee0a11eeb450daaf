import { hashPassword } from "#crypto/argon2id.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { Refusal } from "#http/outcome.ts";
import {
  afterBreachCheck,
  faultsOf,
  type PasswordFault,
  type PasswordOwner,
  passwordFaults,
} from "./password-rules.ts";

/** What is kept of a password. */
export interface ChosenPassword {
  readonly hash: string;
  readonly mustRecheck: number;
  readonly isStrong: number;
}

/**
 * Holds a new password to the rules, asks whether it was breached, and hashes it: nothing is hashed or sent that the
 * rules refuse. @throws HashersBusy
 */
export async function choosePassword(
  { accounts, now }: DirectoryContext,
  password: string,
  owner: PasswordOwner,
): Promise<ChosenPassword | Refusal> {
  const faults = faultsOf(password, owner);
  if (faults.length > 0) return refusalOf(faults);
  const { fault, mustRecheck } = afterBreachCheck(await accounts.breachAnswer(password), owner);
  if (fault !== null) return refusalOf([fault]);
  const isStrong = faultsOf(password, { ...owner, isPrivileged: true }).length === 0;
  return {
    hash: await hashPassword(password, now),
    mustRecheck: mustRecheck ? 1 : 0,
    isStrong: isStrong ? 1 : 0,
  };
}

function refusalOf(faults: readonly PasswordFault[]): Refusal {
  const errors = faults.map((fault) => ({ pointer: "/password", detail: passwordFaults[fault] }));
  return new Refusal("invalid", { errors }, []);
}
