import { z } from "zod";

// Shapes that many resources share. What a client sends is refused when it is not exactly of them.

/** One line of text for people: trimmed, no control characters or line separators. */
export function line(most: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(most)
    .refine((text) => !/\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}/u.test(text), "has control characters")
    .refine(isLegible, "has nothing to read, or turns the reading direction");
}

// U+2800 is a symbol without a mark. Bidirectional controls make a name read as another (UTS 55, section 3).
function isLegible(text: string): boolean {
  const isSeen = text === "" || /[\p{L}\p{N}\p{P}]|[^\P{S}\u2800]/u.test(text);
  return isSeen && !/[\u202a-\u202e\u2066-\u2069]/.test(text);
}

/** Text of several lines. */
export function prose(most: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(most)
    .refine((text) => !/[^\P{Cc}\n\t]|\p{Cs}/u.test(text), "has control characters");
}

/** RFC 3339 in UTC; kept with milliseconds. */
export const Instant = z.iso.datetime().transform((text) => new Date(text).toISOString());

/** An IANA time zone that this runtime knows. */
export const TimeZone = z.string().max(64).refine(isTimeZone, "is not an IANA time zone");

export const Currency = z.string().regex(/^[A-Z]{3}$/, "is not an ISO 4217 code");

/** What every stored thing answers with. */
export const stored = { version: z.int(), createdAt: z.string(), updatedAt: z.string() };

function isTimeZone(name: string): boolean {
  // Intl takes offsets such as "+01:00" too, which know no summer time.
  if (!/^[A-Z]/i.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
