import type { AlertKind } from "#db/alert-kinds.ts";
import type { Seen, Spot } from "#db/last-use.ts";
import { distanceKm } from "#lib/great-circle.ts";
import { dayMs, hourMs } from "#lib/time.ts";
import { arrivalsRules } from "./detection-rules.ts";

/** The platform guesses places by addresses: what lies within this is one, whatever the time. */
const leastKm = 500;
/** As many countries are remembered of anybody, the latest. */
const mostCountries = 30;

/** What was known of a principal before it came this time; instants in ms since 1970. */
export interface Known {
  readonly seen: Seen | null;
  /** When it was last let in, or made; null where it does not matter. */
  readonly idleSince: number | null;
}

/** What is found in where and when a principal came, and what is to be remembered of it. */
export function judged(
  { seen, idleSince }: Known,
  usedAt: number,
  trail: readonly Spot[],
): { readonly kinds: AlertKind[]; readonly seen: Seen | null } {
  const { newCountry, impossibleTravel, dormantKey } = arrivalsRules;
  const last = seen?.last ?? null;
  const since = trail.filter(({ at }) => last === null || at > last.at);
  const newest = since.at(-1) ?? last;
  const ways = since.map((spot, index) => [since[index - 1] ?? last, spot] as const);
  const countries = [...new Set(since.map(({ country }) => country))];
  const known = seen?.countries ?? [];
  // Whoever comes for the first time comes from nowhere new.
  const isNew = known.length > 0 && countries.some((country) => !known.includes(country));
  const isTooFast = ways.some(
    ([from, to]) => from !== null && speedOf(from, to) > impossibleTravel.threshold,
  );
  const isAwake = idleSince !== null && usedAt - idleSince >= dormantKey.threshold * dayMs;
  return {
    kinds: [
      ...(isNew ? [newCountry.kind] : []),
      ...(isTooFast ? [impossibleTravel.kind] : []),
      ...(isAwake ? [dormantKey.kind] : []),
    ],
    seen: newest && {
      countries: [...new Set([...countries, ...known])].slice(0, mostCountries),
      last: newest,
    },
  };
}

/** In km an hour; 0 between what may be one place, or where nobody knows. */
function speedOf(from: Spot, to: Spot): number {
  if (from.point === null || to.point === null) return 0;
  const km = distanceKm(from.point, to.point);
  return km < leastKm ? 0 : km / ((to.at - from.at) / hourMs);
}
