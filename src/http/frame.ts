import type { MiddlewareHandler } from "hono";
import { systemNow } from "#platform/clock.ts";
import { newId } from "#platform/ids.ts";
import { log } from "#platform/log.ts";
import { problemAnswer } from "./answers.ts";
import type { AppTypes, RequestContext, RequestState } from "./request-state.ts";
import { exposedHeaders, preflightHeaders, securityHeaders } from "./security-headers.ts";

/** What surrounds every request: its id, the transport's rules, preflights, the headers of the answer, one log line. */
export const frame: MiddlewareHandler<AppTypes> = async (c, next) => {
  const startedAt = systemNow();
  const state: RequestState = { requestId: newId("req"), operation: null, cell: null, headers: new Map() };
  c.set("state", state);
  const early = transportRefusal(c) ?? preflight(c) ?? (await shield(c));
  if (early) c.res = early;
  else await next();
  finish(c, state);
  log("info", "request", {
    requestId: state.requestId,
    operation: state.operation,
    cell: state.cell,
    status: c.res.status,
    ms: systemNow() - startedAt,
  });
};

const localHosts = ["localhost", "127.0.0.1", "[::1]"];

function transportRefusal(c: RequestContext): Response | null {
  const url = new URL(c.req.url);
  if (localHosts.includes(url.hostname)) return null;
  if (url.protocol === "http:") {
    if (url.pathname.startsWith("/v1/") || c.req.method !== "GET") return problemAnswer(c, "https-required");
    url.protocol = "https:";
    return c.redirect(url.href, 308);
  }
  const [, version] = /^TLSv(1(?:\.\d)?)$/.exec(String(c.req.raw.cf?.tlsVersion ?? "")) ?? [];
  return version !== undefined && Number(version) < Number(c.env.MIN_TLS)
    ? problemAnswer(c, "https-required")
    : null;
}

// The platform's own limiter, by address: it keeps a flood from what costs us, and is no part of anyone's contract.
async function shield(c: RequestContext): Promise<Response | null> {
  const address = c.req.header("cf-connecting-ip");
  if (!c.env.SHIELD || address === undefined) return null;
  const { success } = await c.env.SHIELD.limit({ key: address });
  return success ? null : problemAnswer(c, "rate-limited", { retryAfterSeconds: 60 });
}

function preflight(c: RequestContext): Response | null {
  const origin = c.req.header("origin");
  if (c.req.method !== "OPTIONS" || origin === undefined) return null;
  for (const [name, value] of Object.entries(preflightHeaders(origin)))
    c.get("state").headers.set(name, value);
  return c.body(null, 204);
}

function finish(c: RequestContext, state: RequestState): void {
  const headers = {
    ...securityHeaders,
    ...Object.fromEntries(state.headers),
    "X-Request-Id": state.requestId,
  };
  for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
  if (state.cell !== null) c.res.headers.set("X-Keyline-Cell", state.cell);
  c.res.headers.append("Vary", "Origin");
  if (state.headers.has("Access-Control-Allow-Origin")) {
    for (const [name, value] of Object.entries(exposedHeaders)) c.res.headers.set(name, value);
  }
}
