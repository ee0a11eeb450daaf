/** 4 or 16 bytes. IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) is always held as its IPv4 form. */
type Address = readonly number[];

export type Cidr = { readonly bytes: Address; readonly prefixLength: number };

/** A block, or a bare address as a block of one. Null when malformed or when bits beyond the prefix are set. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf("/");
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!bytes) return null;
  if (slash < 0) return { bytes, prefixLength: bytes.length * 8 };

  const suffix = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(suffix)) return null;
  const isMapped = bytes.length === 4 && text.includes(":");
  const prefixLength = Number(suffix) - (isMapped ? 96 : 0);
  if (prefixLength < 0 || prefixLength > bytes.length * 8) return null;
  return hasHostBits(bytes, prefixLength) ? null : { bytes, prefixLength };
}

/**
 * Whether one of the blocks holds the address. The families do not mix: an IPv4 address, mapped or not, is in no
 * IPv6 block, not even `::/0`. What cannot be parsed is within nothing and holds nothing.
 */
export function isWithin(address: string, cidrs: readonly string[]): boolean {
  const bytes = parseAddress(address);
  if (!bytes) return false;
  return cidrs.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== null && cidr.bytes.length === bytes.length && sharePrefix(bytes, cidr);
  });
}

/** Whether one of the blocks holds all of another. What cannot be parsed is within nothing and holds nothing. */
export function isBlockWithin(block: string, cidrs: readonly string[]): boolean {
  const inner = parseCidr(block);
  if (!inner) return false;
  return cidrs.some((text) => {
    const outer = parseCidr(text);
    if (outer === null || outer.bytes.length !== inner.bytes.length) return false;
    return outer.prefixLength <= inner.prefixLength && sharePrefix(inner.bytes, outer);
  });
}

/**
 * What one customer of a network holds, as a block in its one spelling: an IPv4 address, or the /64 of an IPv6 one, of
 * which whoever has any address has all 2^64 (RFC 6177). Null when malformed.
 */
export function networkOf(address: string): string | null {
  const bytes = parseAddress(address);
  if (!bytes) return null;
  if (bytes.length === 4) return `${bytes.join(".")}/32`;
  const groups = [0, 2, 4, 6].map((at) => (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  return `${groups.join(":")}::/64`;
}

function parseAddress(text: string): Address | null {
  if (!text.includes(":")) return parseIpv4(text);
  const bytes = parseIpv6(text);
  return bytes && isIpv4Mapped(bytes) ? bytes.slice(12) : bytes;
}

function parseIpv4(text: string): Address | null {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet))) return null;
  const bytes = octets.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

function parseIpv6(text: string): Address | null {
  const halves = withoutDottedTail(text)?.split("::");
  if (!halves || halves.length > 2) return null;
  const [head = "", tail] = halves;
  const before = parseGroups(head);
  const after = parseGroups(tail ?? "");
  if (!before || !after) return null;
  const missing = 8 - before.length - after.length;
  // "::" stands for at least one group of zeros (RFC 4291 section 2.2).
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...before, ...new Array<number>(missing).fill(0), ...after];
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

/** Rewrites a final `a.b.c.d` as two groups; a dotted part anywhere else is left to fail as a group. */
function withoutDottedTail(text: string): string | null {
  if (!text.includes(".")) return text;
  const start = text.lastIndexOf(":") + 1;
  const bytes = parseIpv4(text.slice(start));
  if (!bytes) return null;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${text.slice(0, start)}${hex.slice(0, 4)}:${hex.slice(4)}`;
}

function parseGroups(text: string): number[] | null {
  if (text === "") return [];
  const groups = text.split(":");
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : null;
}

function isIpv4Mapped(bytes: Address): boolean {
  return bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

function sharePrefix(bytes: Address, cidr: Cidr): boolean {
  return bytes.every((byte, index) => {
    const difference = byte ^ (cidr.bytes[index] ?? 0);
    return (difference & networkMask(index, cidr.prefixLength)) === 0;
  });
}

function hasHostBits(bytes: Address, prefixLength: number): boolean {
  return bytes.some((byte, index) => (byte & ~networkMask(index, prefixLength)) !== 0);
}

function networkMask(index: number, prefixLength: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
  return (0xff00 >> bits) & 0xff;
}
