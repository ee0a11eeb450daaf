/** RFC 4648 section 5, without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Null unless the text is the one spelling `encodeBase64Url` gives: a second spelling of the same bytes (unused
 * bits set, RFC 4648 section 3.5) would make two different tokens of one signature.
 */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  if (/[^A-Za-z0-9_-]/.test(text) || !hasCanonicalEnd(text)) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function hasCanonicalEnd(text: string): boolean {
  switch (text.length % 4) {
    case 0:
      return true;
    case 2:
      return /[AQgw]$/.test(text);
    case 3:
      return /[AEIMQUYcgkosw048]$/.test(text);
    default:
      return false;
  }
}
