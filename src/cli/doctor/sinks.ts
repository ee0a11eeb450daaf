import type { SinkLag } from "#jobs/audit-sinks/sink-lag.ts";
import { hourMs, secondMs } from "#lib/time.ts";
import { type Finding, graded, unseen } from "./finding.ts";

// Heads are published each hour, and a store that is slow for a while is waited for.
const withinMs = 6 * hourMs;

/** How far the stores are that get copies of the audit's logs. */
export function judgeSinks(lags: readonly SinkLag[]): Finding[] {
  if (lags.length === 0) return [unseen("Copies of the audit's logs", "AUDIT_SINKS names no store")];
  return lags.map(({ sink, behindSeconds, tenantId, fault }) => {
    const hours = Math.floor((behindSeconds * secondMs) / hourMs);
    return graded(
      behindSeconds * secondMs <= withinMs,
      `${sink} lacks no head of an audit's log that is older than ${withinMs / hourMs} hours.`,
      `${sink} lacks a head of ${tenantId ?? "a log"} that is ${hours} hours old${fault === null ? "" : ` (${fault})`}.`,
      "see what its store answers, and what AUDIT_SINKS and AUDIT_SINK_KEYS say of it (src/cli/README.md)",
    );
  });
}
