import { encodeBase32 } from "#lib/base32.ts";
import { timingSafeEqual } from "./constant-time.ts";
import { hmacText } from "./hmac.ts";

/** Whose cookie it is, and of which of their sessions. */
export interface PageSession {
  readonly userId: string;
  readonly sessionId: string;
}

const macBytes = 20;
const suffix = "[0-7][0-9a-hjkmnp-tv-z]{25}";
const grammar = new RegExp(`^klp_(${suffix})_(${suffix})_([0-9a-hjkmnp-tv-z]{32})$`);

/**
 * What our own pages keep in their cookie, `klp_<session>_<user>_<mac>`. It names the user as well, so that a page is
 * read in one round trip, which also finds whether the session still stands. Its prefix, its form and its mac's domain
 * are its own: it never passes for a refresh token, nor one for it.
 */
export async function pageToken(key: CryptoKey, { userId, sessionId }: PageSession): Promise<string> {
  const named = `${suffixOf(sessionId)}_${suffixOf(userId)}`;
  return `klp_${named}_${await macOf(key, "token page", named)}`;
}

/** Null for any text that is not genuine. */
export async function readPageToken(key: CryptoKey, text: string): Promise<PageSession | null> {
  const [, session, user, mac] = grammar.exec(text) ?? [];
  if (!session || !user || !mac) return null;
  if (!timingSafeEqual(mac, await macOf(key, "token page", `${session}_${user}`))) return null;
  return { sessionId: `ses_${session}`, userId: `usr_${user}` };
}

/** What a form bears to prove that it was made for the browser with this cookie. */
export async function formToken(key: CryptoKey, cookie: string): Promise<string> {
  return await macOf(key, "form of a page", cookie);
}

export async function isFormToken(key: CryptoKey, cookie: string, text: string): Promise<boolean> {
  return timingSafeEqual(text, await formToken(key, cookie));
}

function suffixOf(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}

async function macOf(key: CryptoKey, domain: string, text: string): Promise<string> {
  return encodeBase32((await hmacText(key, domain, text)).subarray(0, macBytes));
}
