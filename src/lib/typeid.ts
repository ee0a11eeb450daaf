import { z } from "zod";

/** A TypeID of this prefix: a UUIDv7 in Crockford base32. */
export function typeId(prefix: string) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`), `is not an id of the form ${prefix}_…`);
}
