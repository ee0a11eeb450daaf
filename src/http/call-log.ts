import { callBufferOf } from "#platform/call-buffer.ts";
import { errorFields, log } from "#platform/log.ts";
import type { RequestContext } from "./request-state.ts";

/**
 * Notes a call for its tenant's log, once it is answered. Only of who a gate has known: a refusal of strangers belongs
 * to no tenant, and the request's own line in the log of the deployment is its count. Waits for nothing, breaks nothing.
 */
export function noteCall(c: RequestContext, startedAt: number, durationMs: number): void {
  const { caller, requestId, operation, route, problem } = c.get("state");
  if (!caller || operation === null || route === null) return;
  const { cell, tenantId, principalId: actorId, clientId } = caller;
  const { status } = c.res;
  const call = { id: requestId, actorId, clientId, operation, route, status, problem, durationMs, times: 1 };
  const waitMs = Number(c.env.CALL_LOG_WAIT_MS);
  try {
    const waitUntil = (work: Promise<void>) => c.executionCtx.waitUntil(work);
    callBufferOf(cell.calls).add(tenantId, call, { now: startedAt, waitMs, waitUntil });
  } catch (error) {
    log("error", "a call could not be noted", errorFields(error));
  }
}
