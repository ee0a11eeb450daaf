import { encodeBase64Url } from "#lib/base64url.ts";
import { utf8 } from "#lib/utf8.ts";
import type { JsonAnswer } from "./answer.ts";
import { ifNoneMatchHits } from "./conditional.ts";
import type { Media } from "./media.ts";
import { type ProblemDetails, type ProblemName, problemBody, problems } from "./problem.ts";
import type { ProtocolAnswer } from "./protocol-answer.ts";
import type { AnyProtocol } from "./registry.ts";
import type { RequestContext } from "./request-state.ts";
import { respond } from "./respond.ts";
import type { TextAnswer } from "./text-answer.ts";

/** A problem document (RFC 9457). */
export function problemAnswer(c: RequestContext, name: ProblemName, details: ProblemDetails = {}): Response {
  const state = c.get("state");
  state.problem = name;
  if (problems[name].status === 401) state.headers.set("WWW-Authenticate", askedFor(details));
  if (details.retryAfterSeconds !== undefined)
    state.headers.set("Retry-After", String(details.retryAfterSeconds));
  const body = JSON.stringify(problemBody(name, state.requestId, details));
  return respond(c, problems[name].status, body, { "Content-Type": "application/problem+json" });
}

// RFC 9470 section 3, where the credentials are good and their proof is too old.
function askedFor({ maxAgeSeconds }: ProblemDetails): string {
  if (maxAgeSeconds === undefined) return "Bearer";
  return `Bearer error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age=${maxAgeSeconds}`;
}

/** A page or a text as it is, with a tag of its content. */
export async function textAnswer(
  c: RequestContext,
  media: Media | null,
  { text, headers }: TextAnswer,
): Promise<Response> {
  const digest = await crypto.subtle.digest("SHA-256", utf8(text));
  const tag = `"${encodeBase64Url(new Uint8Array(digest)).slice(0, 22)}"`;
  const kept = c.get("state").headers;
  for (const [name, value] of Object.entries({ "Cache-Control": "no-cache", ...headers, ETag: tag }))
    kept.set(name, value);
  const held = c.req.header("if-none-match");
  if (held !== undefined && ifNoneMatchHits(held, tag)) return respond(c, 304, null);
  return respond(c, 200, text, { "Content-Type": media?.type ?? "text/plain; charset=utf-8" });
}

/** As the protocol has it. What it was refused by, of those that are declared, is parsed on its way out as well. */
export function protocolAnswer(
  c: RequestContext,
  { returns, refuses }: AnyProtocol,
  { status, body, headers }: ProtocolAnswer,
): Response {
  const shape = status < 300 ? returns : refuses?.shape;
  if (!shape) throw new Error(`A protocol operation answered ${status}, which it does not declare.`);
  const parsed = shape.parse(body);
  return respond(c, status, parsed === null ? null : JSON.stringify(parsed), {
    ...(parsed === null ? {} : { "Content-Type": "application/json" }),
    ...headers,
  });
}

/** A success: JSON with its entity tag, or 304 where the client holds it already. */
export function dataAnswer(c: RequestContext, status: 200 | 201 | 204, { json, tag }: JsonAnswer): Response {
  if (tag !== null) {
    c.get("state").headers.set("ETag", tag);
    const held = c.req.header("if-none-match");
    if (held !== undefined && c.req.method === "GET" && ifNoneMatchHits(held, tag))
      return respond(c, 304, null);
  }
  if (status === 204) return respond(c, 204, null);
  return respond(c, status, json, { "Content-Type": "application/json" });
}
