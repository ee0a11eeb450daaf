import { hourMs, minuteMs, secondMs } from "./time.ts";

/** How long after the first, second, … failed try the next one comes. */
const waitsMs = [
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
];

/** As often as one delivery is tried before it counts as failed. */
export const mostTries = waitsMs.length + 1;

const longestAskedMs = 24 * hourMs;

/**
 * When to try again after `failures` failed tries, or null when they were all. The wait is spread by a tenth to either
 * side, so that what failed together does not come back together; a receiver may ask for a longer one, up to a day.
 */
export function nextTryAt(given: {
  readonly failures: number;
  readonly nowMs: number;
  /** RFC 9110 section 10.2.3, in ms from now. */
  readonly askedMs: number | null;
  /** From 0 to 1. */
  readonly chance: number;
}): number | null {
  const wait = waitsMs[given.failures - 1];
  if (wait === undefined) return null;
  const spread = Math.round(wait * (0.9 + 0.2 * given.chance));
  return given.nowMs + Math.max(spread, Math.min(given.askedMs ?? 0, longestAskedMs));
}

/** `Retry-After` as ms from now: whole seconds or an HTTP date (RFC 9110 section 10.2.3); null for anything else. */
export function askedWaitMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * secondMs, longestAskedMs);
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.min(Math.max(0, at - nowMs), longestAskedMs);
}
