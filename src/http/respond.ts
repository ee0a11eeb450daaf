import type { RequestContext, RequestState } from "./request-state.ts";
import { exposedHeaders, securityHeaders } from "./security-headers.ts";

/** Every answer is made here, with its headers at once: to set them one by one costs a request more than its routing. */
export function respond(
  c: RequestContext,
  status: number,
  body: BodyInit | null,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, { status, headers: headersOf(c.get("state"), headers) });
}

function headersOf(state: RequestState, own: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = { ...securityHeaders, ...own };
  for (const [name, value] of state.headers) headers[name] = value;
  headers["X-Request-Id"] = state.requestId;
  if (state.cell !== null) headers["X-Keyline-Cell"] = state.cell;
  headers.Vary = "Origin";
  return state.headers.has("Access-Control-Allow-Origin") ? Object.assign(headers, exposedHeaders) : headers;
}
