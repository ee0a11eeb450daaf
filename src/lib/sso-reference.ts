import { type Placed, placedIds } from "./placed-id.ts";

/** Where a business's connection to its own sign-in lies, and which it is: `id` is `sso_…`. */
export type ConnectionPlace = Placed;

/** `klx_<cell>_<tenant>_<connection>`: in the redirect URI of the connection, so that no issuer's answer passes for another's. */
export const { make: ssoReferenceOf, parse: parseSsoReference } = placedIds("klx", "sso");
