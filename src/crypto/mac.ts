import { encodeBase64Url } from "#lib/base64url.ts";
import { timingSafeEqual } from "./constant-time.ts";
import { hmacText } from "./hmac.ts";

const macBytes = 16;

/**
 * For what leaves us and must come back unchanged, such as a bookmark. The domain keeps one use from vouching for
 * another under the same key.
 */
export async function macOf(key: CryptoKey, domain: string, text: string): Promise<string> {
  return encodeBase64Url((await hmacText(key, domain, text)).subarray(0, macBytes));
}

/** Under any of the keys: what left us before a rotation comes back after it. */
export async function verifyMac(
  keys: readonly CryptoKey[],
  domain: string,
  text: string,
  mac: string,
): Promise<boolean> {
  for (const key of keys) if (timingSafeEqual(mac, await macOf(key, domain, text))) return true;
  return false;
}
