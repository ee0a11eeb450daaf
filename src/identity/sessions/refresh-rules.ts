import { dayMs, hourMs, secondMs } from "#lib/time.ts";

/** How long a session lasts however often it is used, and how long without. */
export const sessionLifeMs = 30 * dayMs;
/** The business decides each day who may still come. */
export const ssoSessionLifeMs = 12 * hourMs;
const idleLifeMs = 14 * dayMs;
/** How long a client that asked twice gets the same successor. */
const graceMs = 10 * secondMs;

export type RefreshVerdict = "rotate" | "same-successor" | "reused" | "not-valid";

/**
 * What becomes of a refresh token of this turn (RFC 9700, section 4.14.2): each is taken once, and one that comes again
 * later was stolen, from us or by us, so that all of its session ends.
 */
export function refreshVerdict(
  turn: number,
  state: { readonly generation: number; readonly refreshedAt: number } | null,
  now: number,
): RefreshVerdict {
  if (state === null || turn > state.generation || turn < 1) return "not-valid";
  if (now - state.refreshedAt > idleLifeMs) return "not-valid";
  if (turn === state.generation) return "rotate";
  const isJustReplaced = turn === state.generation - 1 && now - state.refreshedAt <= graceMs;
  return isJustReplaced ? "same-successor" : "reused";
}
