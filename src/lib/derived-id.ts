import { encodeBase32 } from "./base32.ts";
import { utf8 } from "./utf8.ts";

/**
 * An id that this name has and no other.
 * @param start the prefix, its underscore, and the ten digits of the time
 * @returns the start and 80 bits of a hash of the name, in base32
 */
export async function derivedId(start: string, name: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", utf8(name));
  return `${start}${encodeBase32(new Uint8Array(hash, 0, 10))}`;
}
