import { hourMs, minuteMs, secondMs } from "#lib/time.ts";
import type { Capability } from "./capabilities.ts";

const [quarter, hour] = [(15 * minuteMs) / secondMs, hourMs / secondMs];

/**
 * How long ago, in seconds, a person may have proved who they are for what changes something by these (RFC 9470). What is
 * not here needs no recent proof, and neither does reading: whoever finds a till open can serve at it, and cannot give
 * themselves a key to it. Programs have no second factor: a key is held to its scopes, addresses and expiry.
 */
const provedWithinSeconds: Partial<Record<Capability, number>> = {
  "payments:take": 12 * hour,
  "payments:refund": hour,
  "exports:create": quarter,
  "tenant:delete": quarter / 3,
  "members:write": quarter,
  "roles:write": quarter,
  "settings:write": hour,
  "security:write": quarter,
  "api-keys:write": quarter,
  "integrations:manage": quarter,
  "support:grant": quarter,
  "billing:manage": quarter,
};

/** Of one of these; null where any session will do. */
export function proofAgeFor(capability: Capability): number | null {
  return provedWithinSeconds[capability] ?? null;
}
