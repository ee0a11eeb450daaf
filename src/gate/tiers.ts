import type { GcraLimit } from "#lib/gcra.ts";

/** The sold rates: admitted per minute, and how many may come at once after a rest. */
export const tiers = {
  free: { perMinute: 100, burst: 10 },
  pro: { perMinute: 1_000, burst: 100 },
  enterprise: { perMinute: 10_000, burst: 1_000 },
} as const;

export type Tier = keyof typeof tiers;

/** What expensive operations have besides, and instead: a tenth, and one at least. */
export function expensivePart({ perMinute, burst }: GcraLimit): GcraLimit {
  return { perMinute: tenthOf(perMinute), burst: tenthOf(burst) };
}

/** The same of what is sold. */
export const expensiveTiers: Readonly<Record<Tier, GcraLimit>> = {
  free: expensivePart(tiers.free),
  pro: expensivePart(tiers.pro),
  enterprise: expensivePart(tiers.enterprise),
};

function tenthOf(count: number): number {
  return Math.max(1, Math.floor(count / 10));
}
