import type { Spot } from "#db/last-use.ts";
import { distanceKm } from "#lib/great-circle.ts";

/** As many are kept until they are told, which is once a minute. */
const mostSpots = 8;
const onePlaceKm = 100;

/** Where a principal came from of late: each place once as long as it stays there, with when it came and was there last. */
export class Trail {
  #last = "";
  #until = 0;
  #spots: Spot[] = [];

  /** `spot` is what the request says: `NL 52.4 4.9`, or the country alone; null where nobody knows. `at`: ms since 1970. */
  add(spot: string | null, at: number): void {
    if (spot === null) return;
    if (spot !== this.#last) this.#move(spot, at);
    this.#until = at;
  }

  #move(spot: string, at: number): void {
    this.#last = spot;
    const [country = "", latitude, longitude] = spot.split(" ");
    const point =
      longitude === undefined ? null : { latitude: Number(latitude), longitude: Number(longitude) };
    const next: Spot = { at, country, point };
    const before = this.#spots.at(-1);
    if (before && isOnePlace(before, next)) return;
    this.#spots = [...this.spots(), next].slice(-mostSpots);
  }

  spots(): readonly Spot[] {
    return this.#spots.map((spot, index) =>
      index === this.#spots.length - 1 ? { ...spot, until: this.#until } : spot,
    );
  }
}

function isOnePlace(one: Spot, other: Spot): boolean {
  if (one.country !== other.country) return false;
  return one.point === null || other.point === null || distanceKm(one.point, other.point) < onePlaceKm;
}
