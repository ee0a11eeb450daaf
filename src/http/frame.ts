import type { MiddlewareHandler, Next } from "hono";
import { systemNow } from "#platform/clock.ts";
import { newId } from "#platform/ids.ts";
import { log } from "#platform/log.ts";
import { problemAnswer } from "./answers.ts";
import { noteCall } from "./call-log.ts";
import type { AppTypes, RequestContext, RequestState } from "./request-state.ts";
import { respond } from "./respond.ts";
import { preflightHeaders } from "./security-headers.ts";

/** What surrounds every request: its id, the transport's rules, preflights, one log line. */
export const frame: MiddlewareHandler<AppTypes> = async (c, next) => {
  const startedAt = systemNow();
  const state: RequestState = {
    requestId: newId("req"),
    operation: null,
    route: null,
    cell: null,
    caller: null,
    problem: null,
    headers: new Map(),
  };
  c.set("state", state);
  const early = transportRefusal(c) ?? preflight(c) ?? (await shield(c));
  if (early) c.res = early;
  else await guarded(c, next);
  const ms = systemNow() - startedAt;
  log("info", "request", {
    requestId: state.requestId,
    operation: state.operation,
    cell: state.cell,
    status: c.res.status,
    problem: state.problem,
    ms,
  });
  noteCall(c, startedAt, ms);
};

// Hono hands its error handler only what is an Error.
async function guarded(c: RequestContext, next: Next): Promise<void> {
  try {
    await next();
  } catch {
    log("error", "something that is no Error was thrown", {
      requestId: c.get("state").requestId,
      operation: c.get("state").operation,
    });
    c.res = problemAnswer(c, "internal");
  }
}

// By its text, as each request passes here; a host that is spelled otherwise is merely held to https.
const localOrigin = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])[:/]/;

function transportRefusal(c: RequestContext): Response | null {
  const { url: text } = c.req;
  if (localOrigin.test(text)) return null;
  if (!text.startsWith("https:")) {
    const url = new URL(text);
    if (url.pathname.startsWith("/v1/") || c.req.method !== "GET") return problemAnswer(c, "https-required");
    url.protocol = "https:";
    return respond(c, 308, null, { Location: url.href });
  }
  const [, version] = /^TLSv(1(?:\.\d)?)$/.exec(String(c.req.raw.cf?.tlsVersion ?? "")) ?? [];
  const least = c.env.MIN_TLS === "1.2" ? 1.2 : 1.3;
  return version !== undefined && Number(version) < least ? problemAnswer(c, "https-required") : null;
}

// The platform's own limiter, by address: it keeps a flood from what costs us, and is no part of anyone's contract.
async function shield(c: RequestContext): Promise<Response | null> {
  // A tenant's operations cost a forger no I/O and everybody else is held by their gate.
  if (!c.env.SHIELD || c.req.path.startsWith("/v1/tenants/")) return null;
  const address = c.req.header("cf-connecting-ip");
  if (address === undefined) return null;
  const { success } = await c.env.SHIELD.limit({ key: address });
  return success ? null : problemAnswer(c, "rate-limited", { retryAfterSeconds: 60 });
}

function preflight(c: RequestContext): Response | null {
  if (c.req.method !== "OPTIONS") return null;
  const origin = c.req.header("origin");
  if (origin === undefined) return null;
  return respond(c, 204, null, preflightHeaders(origin));
}
