import { guardUrl } from "./url-guard.ts";

// With "_keyline." before it, it is still a name (RFC 1035, section 2.3.4).
const mostCharacters = 253 - "_keyline.".length;

/**
 * A public domain name in its one spelling: lower case, other scripts as punycode (UTS 46, as URLs have them), no dot at
 * the end. Null for what is no such name: one label, an address, a name that means something inside a network alone.
 */
export function normaliseDomain(text: string): string | null {
  // What a URL would read as something else than a host, or decode.
  if (/[\s\p{Cc}/\\?#@:%[\]]/u.test(text)) return null;
  const host = `https://${text.replace(/[.\u3002\uff0e\uff61]$/, "")}/`;
  if (!URL.canParse(host)) return null;
  const { hostname } = new URL(host);
  const isSound = hostname.length <= mostCharacters && !hostname.includes("_");
  return isSound && guardUrl(`https://${hostname}/`, { allowLocalhost: false }).ok ? hostname : null;
}

/** Is it this name, or one below it. */
export function isOfDomain(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
