import { normaliseEmail } from "./normalise.ts";

/**
 * What an account may have for an address, in the one spelling that it is looked up by; null for all else. Without the
 * characters that mean something in a mail's header (RFC 5322, section 3.2.3: "specials"), as mails are sent to it.
 */
export function accountEmail(text: string): string | null {
  const email = normaliseEmail(text);
  return email === null || /[<>()[\]\\,;:"]/.test(email) ? null : email;
}

/** What stands before the @ of an address in its one spelling. */
export function localPartOf(email: string): string {
  return email.slice(0, email.lastIndexOf("@"));
}

/** What stands behind it. */
export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1);
}
