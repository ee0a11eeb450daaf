import { timingSafeEqual } from "#crypto/constant-time.ts";
import { type Change, remove } from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { sixDigitsOf } from "#identity/factors/six-digits.ts";
import { smsCodes } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";

/**
 * What takes the code, once, where this is the one that was sent for it; else null. A try is counted before anything is
 * compared, five to a code: of many at once no more are, and where nobody counts none is. Of many that have the right one
 * one finds the row as it read it.
 */
export async function takeCode(
  { accounts, now, visitor }: DirectoryContext,
  sent: Row<typeof smsCodes> | undefined,
  boundTo: string,
  typed: string,
): Promise<Change | null> {
  const code = sixDigitsOf(typed);
  if (!sent || sent.expiresAt <= timestamp(now) || code === null) return null;
  const { id, userId, purpose } = sent;
  const reservation = await accounts.reserveTry({
    purpose: "sms-code",
    identifier: id,
    address: visitor.address,
  });
  if (reservation.outcome !== "admitted") return null;
  const isMatch = timingSafeEqual(sent.hash, await accounts.hashSmsCode({ userId, purpose, boundTo }, code));
  await reservation.settle(isMatch ? "success" : "failure");
  return isMatch ? remove(smsCodes, sent) : null;
}
