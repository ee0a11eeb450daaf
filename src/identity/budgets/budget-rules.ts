/** No more than so many in any stretch of so many ms. */
export interface Window {
  readonly most: number;
  readonly perMs: number;
}

/** What was spent and still counts, the oldest first; times are ms since 1970. */
export type Spent = readonly { readonly id: string; readonly at: number }[];

/**
 * Takes one where each of the windows has room. The same id again takes no other: whoever got no answer may ask once more.
 * Whole counts, no averages: what was spent an hour ago and what is left are known to the millisecond.
 */
export function take(
  before: Spent,
  windows: readonly Window[],
  id: string,
  now: number,
): { readonly spent: Spent; readonly refusedUntil: number | null } {
  const spent = remembered(before, windows, now);
  if (spent.some((each) => each.id === id)) return { spent, refusedUntil: null };
  const fullUntil = windows.flatMap(({ most, perMs }) => {
    const inside = spent.filter(({ at }) => at + perMs > now);
    const leaves = inside[inside.length - most];
    return leaves ? [leaves.at + perMs] : [];
  });
  if (fullUntil.length > 0) return { spent, refusedUntil: Math.max(...fullUntil) };
  return { spent: [...spent, { id, at: now }], refusedUntil: null };
}

/** It was not spent after all. */
export function giveBack(before: Spent, id: string): Spent {
  return before.filter((each) => each.id !== id);
}

/** What no window sees any more is forgotten. */
export function remembered(before: Spent, windows: readonly Window[], now: number): Spent {
  const longest = Math.max(...windows.map(({ perMs }) => perMs));
  return before.filter(({ at }) => at + longest > now);
}

/** When the first of them is forgotten; null where there is nothing to forget. */
export function nextForgotten([oldest]: Spent, windows: readonly Window[]): number | null {
  return oldest ? oldest.at + Math.max(...windows.map(({ perMs }) => perMs)) : null;
}
