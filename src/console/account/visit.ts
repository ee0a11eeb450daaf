import type { Child } from "hono/jsx";
import { z } from "zod";
import { parseCompactJws } from "#crypto/jws.ts";
import type { SignedIn } from "#http/account-operation.ts";
import type { RequestContext } from "#http/request-state.ts";
import { Tokens } from "#identity/sessions/schema.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import type { Method, Told } from "./ask.ts";
import type { KeptFlow } from "./flow-cookie.ts";

/** One request for a page. */
export interface Visit {
  readonly c: RequestContext;
  /** By the cookie; whether the session still stands is found by what the page asks. */
  readonly user: SignedIn | null;
  /** Of the address, or of the form that was sent. */
  readonly fields: URLSearchParams;
  /** What a form of this page must bear. */
  readonly formToken: string;
  /** Asks an operation of the API, as its user where somebody has signed in. */
  readonly ask: (method: Method, path: string, body?: object) => Promise<Told>;
  readonly siteName: string;
  /** What this browser took along to another issuer. */
  readonly kept: KeptFlow | null;
}

export interface Reply {
  readonly page?: { readonly title: string; readonly content: Child };
  /** A path of ours, instead of a page. */
  readonly to?: string;
  /** Where a client has registered to be answered, as the operation that checked it says. */
  readonly away?: string;
  /** The same of a page whose form leads there: browsers hold a form's redirects to the page's policy. */
  readonly formTo?: string;
  readonly status?: number;
  /** It asks for passkeys, by the only script that a page of these has. */
  readonly hasScript?: true;
  /** Who is signed in from now on; null for nobody. */
  readonly session?: SignedIn | null;
  /** What the browser takes along to another issuer; null: it is back. */
  readonly flow?: KeptFlow | null;
  /** It comes back by a form from that issuer's page. */
  readonly isFormPost?: boolean;
}

export type Handler = (visit: Visit) => Promise<Reply>;

export interface AccountPage {
  /** Nothing but a page for whoever has signed in; everybody else signs in first. */
  readonly isOwn: boolean;
  /** Forms come from other sites' pages, and are held to what the browser took along there. */
  readonly isFromElsewhere?: true;
  readonly get: Handler;
  readonly post?: Handler;
}

/** A page; of what was refused, with the status of that, and none that would ask for other credentials. */
export function shown(title: string, content: Child, told: Told | null = null): Reply {
  const status = told === null || told.problem === null ? 200 : told.status === 401 ? 422 : told.status;
  return { page: { title, content }, status };
}

const destinations = ["/home", "/account", "/sessions", "/password", "/programs", "/second-factor"];

// Its query is the client's to write, and leads nowhere but to our own page.
const authorization = /^\/oauth\/authorize\?[!-~]{1,8192}$/;

/** The link of an invitation. */
const invitation = /^\/join\?tenant=ten_[0-9a-z]{26}&token=klv_[0-9a-z_]{1,76}$/;

/** Where to go on: one of these, and nothing else that was made of what somebody sent. */
export function destinationOf(fields: URLSearchParams): string {
  const asked = fields.get("continue");
  if (asked !== null && (authorization.test(asked) || invitation.test(asked))) return asked;
  return destinations.find((path) => path === asked) ?? "/home";
}

const Payload = z.object({ sub: z.string(), sid: z.string() });

/** Whose session a sign-in has begun, from the token that this process has just made. */
export function begunBy({ json }: Told): SignedIn {
  const token = parseCompactJws(Tokens.parse(json).accessToken);
  const { sub, sid } = Payload.parse(JSON.parse(token ? fromUtf8(token.payload) : "null"));
  return { userId: sub, sessionId: sid };
}
