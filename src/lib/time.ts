/** An instant in ms since 1970 as RFC 3339 in UTC with milliseconds; such texts sort as their instants do. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** The start of the hour that this instant lies in; both in ms since 1970. */
export function hourStart(ms: number): number {
  return Math.floor(ms / hourMs) * hourMs;
}

/** The day that this instant lies in, in UTC: `2026-11-23`. */
export function dayOf(ms: number): string {
  return timestamp(ms).slice(0, 10);
}

/** The month that this instant lies in, in UTC: `2026-11`. */
export function monthOf(ms: number): string {
  return timestamp(ms).slice(0, 7);
}
