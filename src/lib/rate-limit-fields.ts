import type { GcraLimit, GcraOutcome } from "./gcra.ts";

export type RateLimitFields = { "RateLimit-Policy": string; RateLimit: string; "Retry-After"?: string };

/**
 * draft-ietf-httpapi-ratelimit-headers: two structured fields (RFC 9651). The burst is our own parameter, so it wears
 * our name as the draft asks. On a refusal `t` names the same moment as `Retry-After`, on an admission that of the
 * full bucket: until then only `r` more are sure to be admitted.
 */
export function rateLimitFields(
  tierName: string,
  limit: GcraLimit,
  outcome: Omit<GcraOutcome, "tatMs">,
): RateLimitFields {
  const name = structuredString(tierName);
  const seconds = outcome.admitted ? outcome.resetSeconds : outcome.retryAfterSeconds;
  return {
    "RateLimit-Policy": `${name};q=${limit.perMinute};w=60;keyline-burst=${limit.burst}`,
    RateLimit: `${name};r=${outcome.remaining};t=${seconds}`,
    ...(outcome.admitted ? {} : { "Retry-After": String(seconds) }),
  };
}

/** RFC 9651 section 4.1.6: printable ASCII. A tier whose name needs an escape is a mistake in our own data. */
function structuredString(text: string): string {
  if (/[^ !#-[\]-~]/.test(text)) throw new RangeError("a tier name must be printable ASCII without quotes");
  return `"${text}"`;
}
