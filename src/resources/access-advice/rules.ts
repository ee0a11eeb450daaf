import { type Capability, type CapabilityMask, listOf } from "#gate/capabilities.ts";
import { dayMs, dayOf, timestamp } from "#lib/time.ts";

export const windowDays = 30;

/** The first day that is asked about (UTC), whole: never less than 30 days ago. */
export function firstDay(now: number): string {
  return dayOf(now - windowDays * dayMs);
}

export interface Known {
  /** What the principal may do by now. */
  readonly held: CapabilityMask;
  /** When there began to be this principal, RFC 3339. */
  readonly createdAt: string;
  /** What it used since the first day, and on which day (UTC) last. */
  readonly uses: readonly { readonly capability: string; readonly day: string }[];
  /** From when on uses are written, RFC 3339; null where none was. */
  readonly knownSince: string | null;
}

export interface Advice {
  readonly used: { readonly capability: Capability; readonly lastUsedOn: string }[];
  readonly unused: Capability[];
  readonly since: string | null;
  readonly isWholeWindow: boolean;
  readonly summary: string;
}

/** What is held, parted by whether it was used. What was used and is held no longer is nobody's concern any more. */
export function adviceOf({ held, createdAt, uses, knownSince }: Known, now: number): Advice {
  const days = new Map(uses.map(({ capability, day }) => [capability, day]));
  const all = listOf(held);
  const used = all.flatMap((capability) => {
    const lastUsedOn = days.get(capability);
    return lastUsedOn === undefined ? [] : [{ capability, lastUsedOn }];
  });
  const start = timestamp(Date.parse(firstDay(now)));
  const since = knownSince === null ? null : ([start, createdAt, knownSince].toSorted().at(-1) ?? null);
  return {
    used,
    unused: all.filter((capability) => !days.has(capability)),
    since,
    isWholeWindow: since === start,
    summary: summaryOf(used.length, all.length, since, start),
  };
}

function summaryOf(used: number, held: number, since: string | null, start: string): string {
  if (held === 0) return "may do nothing";
  const share = `used ${used} of ${held}`;
  if (since === null) return `${share}, but nothing is known yet`;
  return since === start
    ? `${share} in ${windowDays} days`
    : `${share} since ${since.slice(0, 10)}, as nothing is known of before`;
}
