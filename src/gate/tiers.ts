/** The sold rates: admitted per minute, and how many may come at once after a rest. */
export const tiers = {
  free: { perMinute: 100, burst: 10 },
  pro: { perMinute: 1_000, burst: 100 },
  enterprise: { perMinute: 10_000, burst: 1_000 },
} as const;

export type Tier = keyof typeof tiers;
