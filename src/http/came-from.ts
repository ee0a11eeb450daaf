import type { RequestContext } from "./request-state.ts";

/** Where a request came from, as the platform says; null where it does not. */
export function cameFrom(c: RequestContext): { address: string | null; place: string | null } {
  const { city, country } = c.req.raw.cf ?? {};
  const place = [city, country].filter((part) => typeof part === "string").join(", ");
  return {
    address: c.req.header("cf-connecting-ip") ?? null,
    place: place === "" ? null : place.slice(0, 100),
  };
}
