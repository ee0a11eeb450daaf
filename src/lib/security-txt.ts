import { dayMs } from "./time.ts";

/**
 * `mailto:…`, `https://…` or `tel:…`, as RFC 9116 section 2.5.3 asks; whatever else stands there is passed over. So are
 * names that nobody can own: they are fine on localhost alone.
 */
export function contactsOf(configured: string | undefined, origin: string): string[] {
  const isLocal = new URL(origin).hostname === "localhost";
  return (configured ?? "")
    .split(",")
    .map((contact) => contact.trim())
    .filter((contact) => /^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/[^\s]+|tel:\+[\d-]+)$/.test(contact))
    .filter((contact) => isLocal || !isNobodys(contact));
}

/** Whether an address or a URL is of a name that nobody can own (RFC 2606), as in what an operator has not changed yet. */
export function isNobodys(address: string): boolean {
  return /[@/.]example(?:\.(?:com|net|org))?(?:[/:?]|$)/i.test(address);
}

const keptDays = 90;

/** RFC 9116, expiring some 90 days from `now`, at a midnight so that a day's answers are the same. */
export function securityTxt(contacts: readonly string[], origin: string, now: number): string {
  const expires = new Date(Math.ceil(now / dayMs + keptDays) * dayMs).toISOString();
  return [
    ...contacts.map((contact) => `Contact: ${contact}`),
    `Expires: ${expires}`,
    `Canonical: ${origin}/.well-known/security.txt`,
    `Policy: ${origin}/security`,
    "Preferred-Languages: en",
    "",
  ].join("\n");
}
