import { getCookie } from "hono/cookie";
import { formToken, isFormToken, pageToken, readPageToken } from "#crypto/page-token.ts";
import type { SignedIn } from "#http/account-operation.ts";
import type { RequestContext } from "#http/request-state.ts";
import { sessionLifeMs } from "#identity/sessions/refresh-rules.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { hourMs, secondMs } from "#lib/time.ts";
import { flowCookieName, type KeptFlow, keptFlow } from "./flow-cookie.ts";

const sessionName = "__Host-keyline";
const visitName = "__Host-keyline-visit";
const visitSeconds = hourMs / secondMs;

/** Who is at this browser: somebody who has signed in, or a visitor with nothing but a number. */
export interface Browser {
  readonly user: SignedIn | null;
  /** Of every form that is made for it. */
  readonly formToken: string;
  /** The visitor's cookie, new or for another while. */
  readonly visit: string | null;
  /** What it took along to another issuer. */
  readonly kept: KeptFlow | null;
  sent(form: URLSearchParams): Promise<boolean>;
}

export async function browserOf(c: RequestContext, key: CryptoKey): Promise<Browser> {
  const session = getCookie(c, sessionName) ?? "";
  const user = await readPageToken(key, session);
  const known = getCookie(c, visitName) ?? "";
  const visit = /^[A-Za-z0-9_-]{22}$/.test(known) ? known : newVisit();
  const bound = user ? session : visit;
  return {
    user,
    visit: user ? null : cookie(visitName, visit, visitSeconds),
    kept: keptFlow(getCookie(c, flowCookieName)),
    formToken: await formToken(key, bound),
    // A visitor without a cookie has just been given a number, which no form can know.
    sent: async (form) => await isFormToken(key, bound, form.get("form") ?? ""),
  };
}

/** The cookie of a session, or the end of it. */
export async function sessionCookie(key: CryptoKey, session: SignedIn | null): Promise<string> {
  if (session === null) return cookie(sessionName, "", 0);
  return cookie(sessionName, await pageToken(key, session), sessionLifeMs / secondMs);
}

/** Did a page of ours send this. A page that sends no referrer sends `null` for its origin. */
export function isSameOrigin(c: RequestContext): boolean {
  const { origin: own } = new URL(c.req.url);
  const origin = c.req.header("origin");
  const site = c.req.header("sec-fetch-site");
  if (origin !== undefined && origin !== "null" && origin !== own) return false;
  return site === undefined ? origin === own : site === "same-origin";
}

function newVisit(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(16)));
}

function cookie(name: string, value: string, maxAgeSeconds: number): string {
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; Secure; SameSite=Lax`;
}
