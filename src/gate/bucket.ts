import { type GcraLimit, type GcraOutcome, takeGcra } from "#lib/gcra.ts";

/** A limit that holds instead of the sold one. */
export interface HeldLimit extends GcraLimit {
  /** It lets through no call that the sold rate would not: such are taken from both. */
  readonly isWithinPlan: boolean;
}

/** One request, as its gate knows it. */
export interface Taking {
  readonly nowMs: number;
  /** Of the rights that it is let in by now. */
  readonly epoch: number;
  /** Of those that it was let in by before, and taken then; null where it comes for the first time. */
  readonly staleEpoch: number | null;
}

/**
 * What one principal may still do of one kind. What is taken under a limit within the plan is taken from the sold rate
 * too, so that limits that are set and lifted in turn never come to more than what is sold.
 */
export class Bucket {
  #soldTatMs: number | null = null;
  #held: { readonly limit: GcraLimit; readonly tatMs: number | null; readonly sinceEpoch: number } | null =
    null;

  take(sold: GcraLimit, held: HeldLimit | null, taking: Taking): GcraOutcome {
    if (held?.isWithinPlan === false) return this.#takeHeld(held, taking, true);
    const ofSold = takeGcra(this.#soldTatMs, taking.nowMs, sold, taking.staleEpoch === null ? 1 : 0);
    const outcome = held ? both(this.#takeHeld(held, taking, ofSold.admitted), ofSold) : ofSold;
    if (outcome.admitted) this.#soldTatMs = ofSold.tatMs;
    return outcome;
  }

  #takeHeld(limit: GcraLimit, { nowMs, epoch, staleEpoch }: Taking, isKept: boolean): GcraOutcome {
    const last = this.#held;
    // Another limit begins full: what was taken under the last one says nothing in the measure of this one.
    const { tatMs, sinceEpoch } =
      last?.limit.perMinute === limit.perMinute && last.limit.burst === limit.burst
        ? last
        : { tatMs: null, sinceEpoch: epoch };
    // Who asks again was taken from what held before, and never from this.
    const cost = staleEpoch === null || staleEpoch < sinceEpoch ? 1 : 0;
    const outcome = takeGcra(tatMs, nowMs, limit, cost);
    if (isKept) this.#held = { limit, tatMs: outcome.tatMs, sinceEpoch };
    return outcome;
  }
}

// Of two that both have to admit: what either refuses waits until both would.
function both(held: GcraOutcome, sold: GcraOutcome): GcraOutcome {
  const retryAfterSeconds = Math.max(held.retryAfterSeconds, sold.retryAfterSeconds);
  return {
    admitted: retryAfterSeconds === 0,
    tatMs: held.tatMs,
    remaining: Math.min(held.remaining, sold.remaining),
    retryAfterSeconds,
    resetSeconds: Math.max(held.resetSeconds, sold.resetSeconds),
  };
}
