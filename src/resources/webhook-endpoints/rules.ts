import { nextTryAt } from "#lib/retry-schedule.ts";
import { dayMs } from "#lib/time.ts";
import type { Reception } from "#platform/receivers.ts";

/** How long an endpoint may fail, with no success in between, before it is disabled. */
const patienceMs = 5 * dayMs;

/** How old a secret may get before its tenant is told to rotate it. */
export const longestSecretAgeMs = 365 * dayMs;

/** What follows from how a receiver took a try: settled, or tried again. */
export function afterTry(
  reception: Pick<Reception, "outcome" | "askedWaitMs">,
  given: { readonly failuresBefore: number; readonly nowMs: number; readonly chance: number },
): { readonly accepted: boolean; readonly nextTryAtMs: number | null } {
  if (reception.outcome === "accepted") return { accepted: true, nextTryAtMs: null };
  if (reception.outcome === "gone") return { accepted: false, nextTryAtMs: null };
  const { failuresBefore, nowMs, chance } = given;
  const nextTryAtMs = nextTryAt({
    failures: failuresBefore + 1,
    nowMs,
    askedMs: reception.askedWaitMs,
    chance,
  });
  return { accepted: false, nextTryAtMs };
}

/** Until when a receiver wants nothing at all: it answered 429 or 503 with a time. */
export function pauseAskedFor({ status, askedWaitMs }: Reception, nowMs: number): number | null {
  const asks = status === 429 || status === 503;
  return asks && askedWaitMs !== null && askedWaitMs > 0 ? nowMs + askedWaitMs : null;
}

/**
 * Whether an endpoint that is given up on with one delivery is sent nothing more: it accepted nothing for five days.
 * Whoever is seldom sent anything may have been mended since it last failed, so one delivery has all its tries before.
 */
export function hasFailedTooLong(failingSinceMs: number | null, enabledAt: string, nowMs: number): boolean {
  if (failingSinceMs === null) return false;
  return Math.max(failingSinceMs, Date.parse(enabledAt)) + patienceMs <= nowMs;
}
