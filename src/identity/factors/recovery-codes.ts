import { timingSafeEqual } from "#crypto/constant-time.ts";
import { hmacText } from "#crypto/hmac.ts";
import { encodeBase32 } from "#lib/base32.ts";

const codesInASet = 10;
const groupLength = 5;
// Ten digits of five bits: 50 bits of chance. Seven bytes are 56.
const codeLength = 2 * groupLength;
const chanceBytes = 7;
const longestTyped = 64;

/** A fresh set, as it is shown: `k7mpq-x2vwz`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: codesInASet }, () => {
    const digits = encodeBase32(crypto.getRandomValues(new Uint8Array(chanceBytes)));
    return `${digits.slice(0, groupLength)}-${digits.slice(groupLength, codeLength)}`;
  });
}

/**
 * A code as it was typed, in its one spelling; null where it cannot be one. Copied from paper, so capitals, dashes and
 * spaces are nothing, and what looks like a digit of Crockford's is that digit.
 */
export function normaliseRecoveryCode(typed: string): string | null {
  if (typed.length > longestTyped) return null;
  const digits = typed
    .replaceAll(/[-\s\u2010-\u2015]/g, "")
    .toLowerCase()
    .replaceAll("o", "0")
    .replaceAll(/[il]/g, "1");
  return /^[0-9a-hjkmnp-tv-z]{10}$/.test(digits) ? digits : null;
}

/**
 * What is stored. A fast hash is enough where a password needs Argon2id: 50 bits are evenly random, so there is no list
 * of likely ones to try first; here tries are limited (lockout), and whoever has the rows alone lacks the key, which
 * never stands beside them unwrapped. The user's id keeps a row from being of use to another. `key` is an index key of
 * the directory's ring.
 */
export async function hashRecoveryCode(key: CryptoKey, userId: string, normalised: string): Promise<string> {
  return encodeBase32(await hmacText(key, `recovery code of ${userId}`, normalised));
}

/** Which of a user's hashes this code has; null for none. All are compared, whichever it is. */
export async function findRecoveryCode(
  key: CryptoKey,
  userId: string,
  typed: string,
  hashes: readonly string[],
): Promise<string | null> {
  const normalised = normaliseRecoveryCode(typed);
  if (normalised === null) return null;
  const wanted = await hashRecoveryCode(key, userId, normalised);
  let found: string | null = null;
  for (const hash of hashes) if (timingSafeEqual(hash, wanted)) found = hash;
  return found;
}
