import { minuteMs } from "#lib/time.ts";

/** How many failures lock what is counted, and for how long. All counts are at least 1. */
export interface LockoutLimit {
  /** Failures that end in the first lock. */
  readonly free: number;
  /** Failures after a lock that end in the next: 1 is a single try each time. */
  readonly again: number;
  /** Each lock is twice as long as the one before. */
  readonly firstLockMs: number;
  readonly longestLockMs: number;
  /** After so long without a lock or a failure all is forgotten. */
  readonly quietMs: number;
  /** An identifier's failures are; an address's are not, else one's own account would wash away tries at others'. */
  readonly forgetsOnSuccess: boolean;
}

/** Times are ms since 1970, 0 for never. */
export interface LockoutState {
  /** Since the last lock. */
  readonly failures: number;
  readonly locks: number;
  readonly failedAt: number;
  readonly lockedUntil: number;
  /** Tries that were admitted and have not told how they ended, the oldest first. */
  readonly pending: readonly { readonly id: string; readonly at: number }[];
}

export type TryOutcome =
  | "success"
  | "failure"
  /** It was not tried after all. */
  | "released";

export const noFailures: LockoutState = { failures: 0, locks: 0, failedAt: 0, lockedUntil: 0, pending: [] };

/** Longer than any request: a reservation that is as old has lost its request, and counts as a failure. */
const settleMs = minuteMs;

/**
 * A try takes its place before anything is compared, so that many at once are no more than many in a row. The same id
 * again takes no other place: whoever got no answer may ask once more.
 */
export function reserve(
  before: LockoutState,
  limit: LockoutLimit,
  id: string,
  now: number,
): { state: LockoutState; refusedUntil: number | null } {
  const state = aged(before, limit, now);
  if (state.pending.some((each) => each.id === id)) return { state, refusedUntil: null };
  const refusedUntil = state.lockedUntil > now ? state.lockedUntil : fullUntil(state, limit);
  if (refusedUntil !== null) return { state, refusedUntil };
  return { state: { ...state, pending: [...state.pending, { id, at: now }] }, refusedUntil: null };
}

export function settle(
  before: LockoutState,
  limit: LockoutLimit,
  { id, outcome }: { readonly id: string; readonly outcome: TryOutcome },
  now: number,
): LockoutState {
  const state = aged(before, limit, now);
  const pending = state.pending.filter((each) => each.id !== id);
  if (outcome === "success" && limit.forgetsOnSuccess) return { ...noFailures, pending };
  // Who settles twice, or after the reservation counted by itself, changes nothing.
  if (pending.length === state.pending.length) return state;
  return outcome === "failure" ? failed({ ...state, pending }, limit, now) : { ...state, pending };
}

/** Forgiven, but for what is being tried at this moment. */
export function cleared({ pending }: LockoutState): LockoutState {
  return { ...noFailures, pending };
}

/** The state as time alone makes it; the very same where it makes no difference. */
export function aged(before: LockoutState, limit: LockoutLimit, now: number): LockoutState {
  let state = before;
  for (const { id, at } of before.pending) {
    const countsAt = at + settleMs;
    if (countsAt > now) break;
    const pending = state.pending.filter((each) => each.id !== id);
    state = failed({ ...quieted(state, limit, countsAt), pending }, limit, countsAt);
  }
  return quieted(state, limit, now);
}

/** When time alone makes a difference next; null where nothing is left that it could. */
export function nextChange(state: LockoutState, limit: LockoutLimit): number | null {
  const [oldest] = state.pending;
  if (oldest) return oldest.at + settleMs;
  return state.failedAt > 0 ? forgottenAt(state, limit) : null;
}

function failed(before: LockoutState, limit: LockoutLimit, at: number): LockoutState {
  const state = { ...before, failures: before.failures + 1, failedAt: at };
  if (state.failures < allowance(before, limit)) return state;
  const lockMs = Math.min(limit.firstLockMs * 2 ** before.locks, limit.longestLockMs);
  return { ...state, failures: 0, locks: before.locks + 1, lockedUntil: at + lockMs };
}

// Locks and tries under way do not meet: as many are admitted as could end in one lock, and the last of them locks.
function fullUntil(state: LockoutState, limit: LockoutLimit): number | null {
  // A limit that was lowered meanwhile still leaves a try.
  const left = Math.max(1, allowance(state, limit) - state.failures);
  const [oldest] = state.pending;
  return oldest && state.pending.length >= left ? oldest.at + settleMs : null;
}

function allowance({ locks }: LockoutState, limit: LockoutLimit): number {
  return locks === 0 ? limit.free : limit.again;
}

function quieted(state: LockoutState, limit: LockoutLimit, now: number): LockoutState {
  const isForgotten = state.failedAt > 0 && forgottenAt(state, limit) <= now;
  return isForgotten ? cleared(state) : state;
}

// A lock is no quiet time: nobody could try.
function forgottenAt({ failedAt, lockedUntil }: LockoutState, { quietMs }: LockoutLimit): number {
  return Math.max(failedAt, lockedUntil) + quietMs;
}
