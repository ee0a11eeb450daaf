import type { GcraLimit } from "#lib/gcra.ts";
import type { HeldLimit } from "./bucket.ts";
import type { Policy, ShownLimit } from "./policy.ts";
import { expensivePart, expensiveTiers, tiers } from "./tiers.ts";

/** What holds a call: the sold rate, and what holds instead of it where something does. */
export interface HoldingLimit {
  readonly sold: GcraLimit;
  readonly held: HeldLimit | null;
  /** As the answer names it; null where it is the plan's own. */
  readonly shown: ShownLimit | null;
}

const soldAlone = {
  free: { sold: tiers.free, held: null, shown: null },
  pro: { sold: tiers.pro, held: null, shown: null },
  enterprise: { sold: tiers.enterprise, held: null, shown: null },
} as const;

/** Of this kind of call at this moment: a key's own limit holds until the very ms at which it expires. */
export function holdingLimit(
  { tier, ownLimit }: Pick<Policy, "tier" | "ownLimit">,
  isExpensive: boolean,
  nowMs: number,
): HoldingLimit {
  const own = ownLimit !== null && nowMs < ownLimit.untilMs ? ownLimit : null;
  if (own === null && !isExpensive) return soldAlone[tier];
  const sold = isExpensive ? expensiveTiers[tier] : tiers[tier];
  if (own === null) return { sold, held: null, shown: { name: `${tier}-expensive`, ...sold } };
  const asked = isExpensive ? expensivePart(own) : { perMinute: own.perMinute, burst: own.burst };
  // The plan may have become smaller since a limit within it was set.
  const limit = own.isWithinPlan
    ? { perMinute: Math.min(asked.perMinute, sold.perMinute), burst: Math.min(asked.burst, sold.burst) }
    : asked;
  return {
    sold,
    held: { ...limit, isWithinPlan: own.isWithinPlan },
    shown: { name: isExpensive ? "key-expensive" : "key", ...limit },
  };
}
