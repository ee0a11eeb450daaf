import { type Placed, placedIds } from "./placed-id.ts";

/** Where an OAuth client lies, and which it is: `id` is `cli_…`. */
export type ClientPlace = Placed;

/** `kli_<cell>_<tenant>_<client>`: the client_id of the protocol, by which a client is found with no look-up. */
export const { make: clientIdOf, parse: parseClientId } = placedIds("kli", "cli");
