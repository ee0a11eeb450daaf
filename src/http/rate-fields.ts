import type { Rate } from "#gate/policy.ts";
import type { GcraLimit } from "#lib/gcra.ts";
import { rateLimitFields } from "#lib/rate-limit-fields.ts";
import type { RequestContext } from "./request-state.ts";

/** Tells what is left of this limit, by the name that it has in the answer. */
export function showRate(c: RequestContext, name: string, limit: GcraLimit, rate: Omit<Rate, "limit">): void {
  const fields = rateLimitFields(name, limit, { ...rate, admitted: rate.retryAfterSeconds === 0 });
  const { headers } = c.get("state");
  headers.set("RateLimit-Policy", fields["RateLimit-Policy"]).set("RateLimit", fields.RateLimit);
  if (fields["Retry-After"] !== undefined) headers.set("Retry-After", fields["Retry-After"]);
}
