import type { RequestContext } from "./request-state.ts";

/** What the platform says in place of a country: to come by it for the first time is news, and where its exit lies says nothing. */
const tor = "T1";

/** Where a request came from, as the platform says; null where it does not. */
export function cameFrom(c: RequestContext): {
  address: string | null;
  place: string | null;
  /** Country and tenths of degrees north and east, as gate/policy has it. */
  spot: string | null;
} {
  const { city, country, latitude, longitude } = c.req.raw.cf ?? {};
  const place = [city, country].filter((part) => typeof part === "string").join(", ");
  return {
    address: c.req.header("cf-connecting-ip") ?? null,
    place: place === "" ? null : place.slice(0, 100),
    spot: spotOf(country, latitude, longitude),
  };
}

function spotOf(country: unknown, latitude: unknown, longitude: unknown): string | null {
  if (country === tor) return tor;
  if (typeof country !== "string" || !/^[A-Z]{2}$/.test(country)) return null;
  const [north, east] = [latitude, longitude].map((degrees) =>
    typeof degrees === "string" && degrees !== "" ? Number(degrees) : Number.NaN,
  );
  const isKnown =
    north !== undefined && east !== undefined && Number.isFinite(north) && Number.isFinite(east);
  return isKnown ? `${country} ${north.toFixed(1)} ${east.toFixed(1)}` : country;
}
