import { z } from "zod";

/** A TypeID of this prefix: a UUIDv7 in Crockford base32. */
export function typeId(prefix: string) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`), `is not an id of the form ${prefix}_…`)
    .meta({ maxLength: prefix.length + 27, examples: [`${prefix}_01jd5r0t6vf3h8k2m4n6p8q0rs`] });
}
