import { type Change, insert, update } from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { recoveryCodes } from "#identity/tables.ts";
import { newRecoveryCodes, normaliseRecoveryCode } from "./recovery-codes.ts";

/** A fresh set in the place of the one before, which is dead with it. The codes are told once and stand nowhere. */
export async function freshRecoveryCodes(
  { accounts, newId, now }: DirectoryContext,
  userId: string,
  before: Row<typeof recoveryCodes> | null,
): Promise<{ readonly codes: readonly string[]; readonly change: Change }> {
  const codes = newRecoveryCodes();
  const hashes = JSON.stringify(
    await Promise.all(
      codes.map((code) => accounts.hashRecoveryCode(userId, normaliseRecoveryCode(code) ?? "")),
    ),
  );
  const change = before
    ? update(recoveryCodes, before, { hashes }, now)
    : insert(recoveryCodes, { id: newId("rcs"), userId, hashes }, now);
  return { codes, change };
}
