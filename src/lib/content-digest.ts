import { encodeHex } from "./hex.ts";

/**
 * The SHA-256 of a `Content-Digest` field (RFC 9530) in hex; null where it names only other algorithms, which may be
 * passed over, undefined where it is malformed.
 */
export function sha256Of(field: string): string | null | undefined {
  const members = field
    .split(",")
    .map((member) => /^\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):\s*$/.exec(member));
  if (members.some((member) => member === null)) return undefined;
  const value = members.findLast((member) => member?.[1] === "sha-256")?.[2];
  if (value === undefined) return null;
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(value)
    ? encodeHex(Uint8Array.from(atob(value), (character) => character.charCodeAt(0)))
    : undefined;
}
