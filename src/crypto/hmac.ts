import { utf8 } from "#lib/utf8.ts";

/** Sole importer of HMAC keys: never extractable, never for verify (comparison is constant-time.ts's work). */
export async function importHmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  // RFC 2104 section 3: a key shorter than the hash weakens the mac.
  if (bytes.length < 32) throw new RangeError("an HMAC key has at least 32 bytes");
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

export async function hmacSha256(
  key: CryptoKey,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
}

/** The JSON array keeps domain and text apart whatever they contain, so no two uses of one key ever hash the same bytes. */
export function hmacText(key: CryptoKey, domain: string, text: string): Promise<Uint8Array<ArrayBuffer>> {
  return hmacSha256(key, utf8(JSON.stringify([domain, text])));
}
