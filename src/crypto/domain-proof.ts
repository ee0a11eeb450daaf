import { encodeBase32 } from "#lib/base32.ts";

/** What only who may change a domain's DNS can put there: 160 random bits. */
export function newDomainProof(): string {
  return `keyline-domain-proof=${encodeBase32(crypto.getRandomValues(new Uint8Array(20)))}`;
}
