import { z } from "zod";
import { typeId } from "./typeid.ts";

/**
 * One API call as its log keeps it: ids, names of our own and numbers. What a client could put anything into (path,
 * query, body, address, user agent) is left out; the audit has the callers of what was changed, sealed.
 */
export const CallRecord = z.object({
  /** The request's: unique, and it holds the time. */
  id: typeId("req"),
  actorKind: z.string().max(16),
  actorId: z.string().max(40),
  operation: z.string().max(64),
  /** `GET /v1/tenants/{tenant}/orders/{orderId}`: the template, never what stood in its braces. */
  route: z.string().max(160),
  status: z.int().min(100).max(599),
  problem: z.string().max(64).nullable(),
  durationMs: z.int(),
  /** More than one only for refusals at the rate limit, which are gathered. */
  times: z.int().min(1),
});
export type CallRecord = z.infer<typeof CallRecord>;

/** What is sent at once; so a message of any tenants stays below the 128 KB of a queue's. */
export const mostCallsPerMessage = 100;

/** Calls of one tenant on their way to the log. */
export const CallMessage = z.object({
  v: z.literal(1),
  tenantId: z.string(),
  calls: z.array(CallRecord).min(1).max(mostCallsPerMessage),
});
export type CallMessage = z.infer<typeof CallMessage>;
