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
  // Whoever has stayed where it last was has been there for longer by now.
  const last = seen && (trail.find(({ at }) => at === seen.last.at) ?? seen.last);
  const since = trail.filter(({ at }) => last === null || at > last.at);
  const newest = since.at(-1) ?? last;
  // Spots without coordinates (Tor) are skipped: speed is taken between the last two known ones.
  const placed = [...lastPlaced(seen, last), ...since].filter(({ point }) => point !== null);
  const ways = placed.slice(1).map((to, index) => [placed[index], to] as const);
  const countries = [...new Set(since.map(({ country }) => country))];
  const known = seen?.countries ?? [];
  // Whoever comes for the first time comes from nowhere new.
  const isNew = known.length > 0 && countries.some((country) => !known.includes(country));
  const isTooFast = ways.some(
    ([from, to]) => from !== undefined && speedOf(from, to) > impossibleTravel.threshold,
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
      ...placedBeside(newest, placed.at(-1)),
    },
  };
}

function lastPlaced(seen: Seen | null, last: Spot | null): Spot[] {
  return [...(seen?.placed ? [seen.placed] : []), ...(last ? [last] : [])];
}

function placedBeside(last: Spot, placed: Spot | undefined): { placed?: Spot } {
  return placed === undefined || placed.at === last.at ? {} : { placed };
}

/** In km an hour, from when it was last there; 0 between what may be one place, or where nobody knows. */
function speedOf(from: Spot, to: Spot): number {
  if (from.point === null || to.point === null) return 0;
  const km = distanceKm(from.point, to.point);
  return km < leastKm ? 0 : km / (Math.max(0, to.at - (from.until ?? from.at)) / hourMs);
}
