import { isWithin } from "./cidr.ts";

export type UrlFault =
  | "malformed"
  | "not-https"
  | "has-credentials"
  | "has-fragment"
  | "port-not-allowed"
  | "is-an-address"
  | "not-a-public-name";

export type GuardedUrl =
  | { readonly ok: true; readonly url: URL; readonly isLocal: boolean }
  | { readonly ok: false; readonly fault: UrlFault };

/** Names that resolve inside a network or nowhere (RFC 6761, RFC 6762, RFC 8375, and what people use at home). */
const privateEndings = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "arpa",
  "onion",
  "invalid",
  "alt",
];

const mostCharacters = 2048;
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * May we send to this address, as far as its text tells: https, a public name with a dot, no address in any spelling
 * (the WHATWG parser folds hex, octal, short and full-width forms into dotted decimal first). Where the name points is
 * for a look-up to say. `allowLocalhost` admits http://localhost, for local development.
 */
export function guardUrl(text: string, { allowLocalhost }: { allowLocalhost: boolean }): GuardedUrl {
  // The parser would drop tabs and line feeds, read "\" as "/", and fold other scripts' letters: nobody needs these.
  if (text.length > mostCharacters || /[^\x21-\x7e]|\\/.test(text) || !URL.canParse(text))
    return refused("malformed");
  const url = new URL(text);
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined) return refused("malformed");
  if (authority.includes("@")) return refused("has-credentials");
  if (text.includes("#")) return refused("has-fragment");
  if (allowLocalhost && url.protocol === "http:" && url.hostname === "localhost")
    return { ok: true, url, isLocal: true };
  if (url.protocol !== "https:") return refused("not-https");
  if (isAddress(url.hostname)) return refused("is-an-address");
  if (!isPublicName(url.hostname)) return refused("not-a-public-name");
  return isAllowedPort(url.port) ? { ok: true, url, isLocal: false } : refused("port-not-allowed");
}

/** Every block that is no place of the public internet (IANA's special-purpose registries), IPv4. */
const specialIpv4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];

// IPv6 is public only within 2000::/3: so mapped, NAT64, unique local, link-local and multicast addresses are not.
const globalIpv6 = ["2000::/3"];
const specialIpv6 = [
  // IETF protocol assignments: Teredo, benchmarking, ORCHID and others.
  "2001::/23",
  "2001:db8::/32",
  // 6to4: an IPv4 address in disguise.
  "2002::/16",
  "2620:4f:8000::/48",
  "3fff::/20",
];

/** Is this a place of the public internet. What is no address is not. */
export function isPublicAddress(text: string): boolean {
  if (text.includes(":")) return isWithin(text, globalIpv6) && !isWithin(text, specialIpv6);
  return isWithin(text, ["0.0.0.0/0"]) && !isWithin(text, specialIpv4);
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+(?:\.\d+){3}$/.test(hostname);
}

function isPublicName(hostname: string): boolean {
  const labels = hostname.split(".");
  const last = labels.at(-1) ?? "";
  return (
    hostname.length <= 253 &&
    labels.length >= 2 &&
    labels.every((each) => label.test(each)) &&
    /^[a-z]/.test(last) &&
    !privateEndings.includes(last)
  );
}

// Below 1024 other services live (mail, remote shells) that could be made to read a request as their own commands.
function isAllowedPort(port: string): boolean {
  return port === "" || Number(port) >= 1024;
}

function refused(fault: UrlFault): GuardedUrl {
  return { ok: false, fault };
}
