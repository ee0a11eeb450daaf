import { z } from "zod";
import { decodeBase32Number, encodeBase32Number } from "./base32.ts";

/** A TypeID of this prefix, or of one of several of the same length: a UUIDv7 in Crockford base32. */
export function typeId(prefix: string, ...others: readonly string[]) {
  const prefixes = [prefix, ...others];
  const form = others.length === 0 ? prefix : `(?:${prefixes.join("|")})`;
  return z
    .string()
    .regex(
      new RegExp(`^${form}_[0-7][0-9a-hjkmnp-tv-z]{25}$`),
      `is not an id of the form ${prefixes.join("_… or ")}_…`,
    )
    .meta({ maxLength: prefix.length + 27, examples: [`${prefix}_01jd5r0t6vf3h8k2m4n6p8q0rs`] });
}

// A UUIDv7 begins with 48 bits of milliseconds; behind the two zero bits of TypeID's 26 digits they are the first ten.
const timeDigits = 10;
const restDigits = 16;
const mostMs = 2 ** 48 - 1;

/** When an id was made, in ms since 1970. @throws Error where the text is no TypeID */
export function timeOfId(id: string): number {
  const time = id.slice(id.lastIndexOf("_") + 1).slice(0, timeDigits);
  const ms = decodeBase32Number(time);
  if (ms === null || time.length < timeDigits) throw new Error("An id holds no time.");
  return ms;
}

/** What sorts before every id of this prefix made at that time or later, and after every earlier one. */
export function firstIdAt(prefix: string, ms: number): string {
  const time = Math.min(Math.max(ms, 0), mostMs);
  return `${prefix}_${encodeBase32Number(time, timeDigits)}${"0".repeat(restDigits)}`;
}
