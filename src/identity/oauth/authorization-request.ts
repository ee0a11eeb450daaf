import { ProtocolAnswer } from "#http/protocol-answer.ts";
import { type ClientPlace, parseClientId } from "#lib/oauth-client-id.ts";
import { parametersOf } from "./form.ts";
import { wordsOf } from "./scope.ts";

/** RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6. */
export type AuthorizationError =
  | "invalid_request"
  | "unauthorized_client"
  | "access_denied"
  | "unsupported_response_type"
  | "invalid_scope"
  | "login_required"
  | "consent_required"
  | "request_not_supported"
  | "request_uri_not_supported";

/** As far as it must be right before anything may be sent to its redirect URI. */
export interface Addressed {
  readonly clientId: string;
  readonly place: ClientPlace;
  readonly redirectUri: string;
  readonly state: string | null;
  readonly parameters: ReadonlyMap<string, string>;
}

/** What a client asks a user for. */
export interface AuthorizationRequest {
  readonly words: readonly string[];
  readonly codeChallenge: string;
  readonly nonce: string | null;
  readonly prompt: readonly string[];
  /** Seconds since its user signed in; null where any time will do. */
  readonly maxAgeSeconds: number | null;
}

const mostCharacters = 8192;
const text = /^[\x20-\x7e]{1,1000}$/;

/** Of the query as it came. null: nobody can be told of what is wrong but who asks, in their browser. */
export function addressOf(query: string): Addressed | null {
  const parameters = query.length > mostCharacters ? null : parametersOf(new URLSearchParams(query));
  if (parameters === null || parameters instanceof ProtocolAnswer) return null;
  const clientId = parameters.get("client_id") ?? "";
  const place = parseClientId(clientId);
  const redirectUri = parameters.get("redirect_uri");
  if (!place || redirectUri === undefined) return null;
  const state = parameters.get("state") ?? null;
  return state !== null && !text.test(state) ? null : { clientId, place, redirectUri, state, parameters };
}

/** What of it the client is to be told of. */
export function requestOf(
  parameters: ReadonlyMap<string, string>,
): AuthorizationRequest | AuthorizationError {
  if (parameters.has("request")) return "request_not_supported";
  if (parameters.has("request_uri")) return "request_uri_not_supported";
  const responseType = parameters.get("response_type");
  if (responseType === undefined) return "invalid_request";
  if (responseType !== "code") return "unsupported_response_type";
  if ((parameters.get("response_mode") ?? "query") !== "query") return "invalid_request";
  // RFC 7636: a verifier is 256 bits, of which this is the SHA-256; the plain method is none in OAuth 2.1.
  const codeChallenge = parameters.get("code_challenge") ?? "";
  if (parameters.get("code_challenge_method") !== "S256") return "invalid_request";
  if (!/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(codeChallenge)) return "invalid_request";
  const words = wordsOf(parameters.get("scope") ?? "");
  if (!words) return "invalid_scope";
  const nonce = parameters.get("nonce") ?? null;
  if (nonce !== null && !text.test(nonce)) return "invalid_request";
  const prompt = parameters.get("prompt")?.split(" ") ?? [];
  if (prompt.includes("none") && prompt.length > 1) return "invalid_request";
  const maxAge = parameters.get("max_age");
  if (maxAge !== undefined && !/^[0-9]{1,9}$/.test(maxAge)) return "invalid_request";
  return { words, codeChallenge, nonce, prompt, maxAgeSeconds: maxAge === undefined ? null : Number(maxAge) };
}

/** Where the user's browser goes next; `iss` says who answers (RFC 9207). */
export function locationOf(
  { redirectUri, state }: Addressed,
  issuer: string,
  answer: { readonly code: string } | { readonly error: AuthorizationError },
): string {
  const query = new URLSearchParams({ ...answer, ...(state === null ? {} : { state }), iss: issuer });
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`;
}

// Whoever is asked to sign in again has that long to come back.
const freshSeconds = 120;

/** Is this sign-in recent enough for what is asked. */
export function isRecent({ prompt, maxAgeSeconds }: AuthorizationRequest, ageSeconds: number): boolean {
  const most = prompt.includes("login") ? freshSeconds : Number.POSITIVE_INFINITY;
  return ageSeconds <= Math.min(most, maxAgeSeconds ?? Number.POSITIVE_INFINITY);
}
