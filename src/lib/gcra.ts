/** Both positive integers. The bucket holds `burst`, starts full and refills at `perMinute`. */
export type GcraLimit = { readonly perMinute: number; readonly burst: number };

export type GcraOutcome = {
  readonly admitted: boolean;
  /** To be kept and passed in next time; a refusal moves it no further. */
  readonly tatMs: number;
  readonly remaining: number;
  readonly retryAfterSeconds: number;
  readonly resetSeconds: number;
};

/**
 * The generic cell rate algorithm, exact: `tatMs` (theoretical arrival time) is when the bucket will be full again,
 * null when nothing was taken yet. `nowMs` is a whole number; a cost above the burst is never admitted.
 *
 * A clock that steps back grants nothing, because `tatMs` never does; what it refuses meanwhile is not lost, because
 * a refusal changes nothing. A caller that must not refuse more in between passes its latest `nowMs` again.
 */
export function takeGcra(tatMs: number | null, nowMs: number, limit: GcraLimit, cost = 1): GcraOutcome {
  const { ticksPerMs, ticksPerUnit } = scaleOf(limit.perMinute);
  const capacity = limit.burst * ticksPerUnit;
  // Rounding recovers the whole number of ticks that the double `tatMs` stands for.
  const backlog = tatMs === null ? 0 : Math.max(0, Math.round((tatMs - nowMs) * ticksPerMs));
  const wanted = backlog + cost * ticksPerUnit;
  const admitted = wanted <= capacity;
  const used = admitted ? wanted : backlog;
  const ticksPerSecond = ticksPerMs * 1000;
  return {
    admitted,
    tatMs: nowMs + used / ticksPerMs,
    remaining: Math.max(0, Math.floor((capacity - used) / ticksPerUnit)),
    retryAfterSeconds: admitted ? 0 : Math.ceil((wanted - capacity) / ticksPerSecond),
    resetSeconds: Math.ceil(used / ticksPerSecond),
  };
}

/**
 * A double near the present time of day in ms has 12 bits behind the point (11 from the year 2039 to 2109), so up to
 * 2,048 ticks a ms survive being kept in one.
 */
const maxTicksPerMs = 2048;

/**
 * The fewest ticks per ms that make the interval between two units a whole number of ticks: 1 for 1,000 a minute
 * (60 ms), 7 for 7 a minute (60,000 ticks). Where that would be too many, the interval is rounded up, by less than a
 * tick (0.01 % at 10,000 a minute): such a limit admits a trifle less than was asked for, never more.
 */
function scaleOf(perMinute: number): { ticksPerMs: number; ticksPerUnit: number } {
  const ticksPerMs = Math.min(perMinute / greatestCommonDivisor(perMinute, 60_000), maxTicksPerMs);
  return { ticksPerMs, ticksPerUnit: Math.ceil((60_000 * ticksPerMs) / perMinute) };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
