import type { RequestContext } from "./request-state.ts";
import { exposedHeaders, securityHeaders } from "./security-headers.ts";

// Copied for each answer and added to: to hand over a record of all of them costs twice as much.
const always = new Headers({ ...securityHeaders, Vary: "Origin" });

/** Every answer is made here. */
export function respond(
  c: RequestContext,
  status: number,
  body: BodyInit | null,
  own: Readonly<Record<string, string>> = {},
): Response {
  const state = c.get("state");
  const answer = new Response(body, { status, headers: always });
  const { headers } = answer;
  for (const [name, value] of Object.entries(own)) headers.set(name, value);
  for (const [name, value] of state.headers) headers.set(name, value);
  headers.set("X-Request-Id", state.requestId);
  if (state.cell !== null) headers.set("X-Keyline-Cell", state.cell);
  if (state.headers.has("Access-Control-Allow-Origin")) {
    for (const [name, value] of Object.entries(exposedHeaders)) headers.set(name, value);
  }
  return answer;
}
