import { hmacText } from "#crypto/hmac.ts";
import { encodeBase32 } from "#lib/base32.ts";

const codes = 1_000_000;
const digits = 6;
// The largest number of draws that all codes are equally many of: what lies above is drawn again.
const fairDraws = 2 ** 32 - (2 ** 32 % codes);

/** Six digits, each code as likely as any other. */
export function newCode(): string {
  for (;;) {
    const [drawn = fairDraws] = crypto.getRandomValues(new Uint32Array(1));
    if (drawn < fairDraws) return String(drawn % codes).padStart(digits, "0");
  }
}

/** What a code is good for, and nothing else. */
export interface Binding {
  readonly userId: string;
  readonly purpose: string;
  /** The sign-in's challenge, the session, or the number's row that it was sent for. */
  readonly boundTo: string;
}

/**
 * What is stored. Six digits are soon tried out by whoever has hash and key; here tries are counted, and whoever has the
 * rows alone lacks the key, which never stands beside them unwrapped. `key` is an index key of the directory's ring.
 */
export async function hashSmsCode(
  key: CryptoKey,
  { userId, purpose, boundTo }: Binding,
  code: string,
): Promise<string> {
  return encodeBase32(await hmacText(key, `sms code of ${userId} for ${purpose} at ${boundTo}`, code));
}

/** Enough to tell one's own numbers apart: `•••• 47`. */
export function maskedNumber(number: string): string {
  return `•••• ${number.slice(-2)}`;
}
