import { z } from "zod";

export const ApiCall = z.object({
  /** The request's id, as `X-Request-Id` told it. */
  id: z.string(),
  at: z.string(),
  /** The key or member that called; the prefix says which. */
  actorId: z.string(),
  operation: z.string(),
  /** The method and the path's template: never what stood in its braces, nor the query. */
  route: z.string(),
  status: z.int(),
  /** The last part of the problem's type, where it was answered with one. */
  problem: z.string().nullable(),
  durationMs: z.int(),
  /** More than one for refusals at the rate limit, which are gathered for about a second. */
  times: z.int(),
});

export const HourlyUsage = z.object({
  /** The start of the hour. */
  hour: z.string(),
  actorId: z.string(),
  operation: z.string(),
  status: z.int(),
  calls: z.int(),
});

/**
 * The call log is best effort. How far it falls short in the hours asked for, whole, of the actor asked for or of all:
 * an estimate, as calls and counts are minutes under way and a call may be counted in the hour beside its own.
 */
export const Gap = z.object({
  /** Calls that the gates let in or refused for their rate. */
  counted: z.int(),
  logged: z.int(),
  missing: z.int(),
});
