import { minuteMs, secondMs } from "#lib/time.ts";

/** What a browser keeps while its user is at another issuer. All of it is the browser's to change, and of no use then. */
export interface KeptFlow {
  /** "connect": for the account that is signed in. */
  readonly purpose: "sign-in" | "connect";
  readonly flow: string;
  readonly source: string;
  readonly destination: string;
}

export const flowCookieName = "__Host-keyline-flow";
const livesSeconds = (10 * minuteMs) / secondMs;
const grammar = /^(sign-in|connect)\.(klf_[0-9a-z_]{1,76})\.([a-z][a-z0-9_-]{0,99})\.([!-~]{1,8192})$/;

/**
 * The cookie's text with its attributes. Apple answers by a form from its own page, which brings no lax cookie along: then
 * it is a cookie of any site's requests. It lets nobody in by itself: the issuer's answer must fit it.
 */
export function flowCookie(kept: KeptFlow | null, isFormPost = false): string {
  const { purpose, flow, source, destination } = kept ?? emptyFlow;
  const value = kept ? [purpose, flow, source, encodeURIComponent(destination)].join(".") : "";
  const site = isFormPost ? "None" : "Lax";
  return `${flowCookieName}=${value}; Path=/; Max-Age=${kept ? livesSeconds : 0}; HttpOnly; Secure; SameSite=${site}`;
}

const emptyFlow = { purpose: "sign-in", flow: "", source: "", destination: "" } as const;

export function keptFlow(value: string | undefined): KeptFlow | null {
  const [, purpose, flow, source, destination] = grammar.exec(value ?? "") ?? [];
  if (!purpose || !flow || !source || !destination) return null;
  try {
    const isConnecting = purpose === "connect";
    return {
      purpose: isConnecting ? "connect" : "sign-in",
      flow,
      source,
      destination: decodeURIComponent(destination),
    };
  } catch {
    return null;
  }
}
