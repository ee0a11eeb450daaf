import { z } from "zod";
import { parseCidr } from "#lib/cidr.ts";
import { accountEmail } from "#lib/email-address.ts";

// Shapes that many resources share. What a client sends is refused when it is not exactly of them.

// As every dialect of regular expressions reads them; what zod runs below also refuses halves of surrogate pairs.
const lineForm = "^[^\\u0000-\\u001F\\u007F-\\u009F\\u2028\\u2029]*$";
const proseForm = "^[^\\u0000-\\u0008\\u000B-\\u001F\\u007F-\\u009F]*$";

/** One line of text for people: trimmed, no control characters or line separators. */
export function line(most: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(most)
    .refine((text) => !/\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}/u.test(text), "has control characters")
    .refine(isLegible, "has nothing to read, or turns the reading direction")
    .meta({ pattern: lineForm });
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
    .refine((text) => !/[^\P{Cc}\n\t]|\p{Cs}/u.test(text), "has control characters")
    .meta({ pattern: proseForm });
}

/** RFC 3339 in UTC; kept with milliseconds. */
export const Instant = z.iso
  .datetime()
  .max(40)
  // Of what is transformed, zod tells examples of the result alone.
  .meta({ examples: ["2026-11-23T09:00:00Z"] })
  .transform((text) => new Date(text).toISOString());

/** An IANA time zone that this runtime knows. */
export const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, "is not an IANA time zone")
  .meta({ pattern: "^[A-Za-z0-9_+/-]+$", examples: ["Europe/Amsterdam"] });

export const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/, "is not an ISO 4217 code")
  .meta({ maxLength: 3, examples: ["EUR"] });

/** Of a page, as a browser sends it: https, or http on localhost. */
export const Origin = z
  .string()
  .max(255)
  .refine(isOrigin, "is not an origin such as https://shop.example")
  .meta({ pattern: "^https?://[^/?#]+$", examples: ["https://shop.example"] });

// Bounds of answers are told in the contract and held by the tests, but not enforced on the way out: a limit that is
// lowered one day must not make what was stored before unreadable.

/** One line of text in an answer. */
export function told(most: number, example?: string) {
  return z.string().meta({ maxLength: most, pattern: lineForm, ...exampleOf(example) });
}

const personalMark = "x-personal";

/** Of an answer, what tells of somebody: a support agent sees a mask there unless their grant shows it. */
export function personal<T extends z.ZodType>(shape: T, kind: "text" | "email" = "text"): T {
  return shape.meta({ [personalMark]: kind });
}

/** As what it was marked; null for all else. */
export function isPersonal(shape: z.ZodType): "text" | "email" | null {
  const mark = shape.meta()?.[personalMark];
  return mark === "text" || mark === "email" ? mark : null;
}

/** Text of several lines in an answer. */
export function toldProse(most: number, example?: string) {
  return z.string().meta({ maxLength: most, pattern: proseForm, ...exampleOf(example) });
}

const anyPrefix = "[a-z]{3}";

/** A TypeID of this prefix in an answer; of any prefix without one. */
export function toldId(prefix = anyPrefix) {
  return z.string().meta({
    maxLength: 30,
    pattern: `^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`,
    examples: [`${prefix === anyPrefix ? "mbr" : prefix}_01jd5r0t6vf3h8k2m4n6p8q0rs`],
  });
}

/** RFC 3339 in UTC with milliseconds. */
export const Timestamp = z.string().meta({
  format: "date-time",
  maxLength: 24,
  examples: ["2026-11-22T16:20:00.000Z"],
});

/** Who stood between whoever did something and what was done. */
export const ToldChain = toldList(
  z.object({
    kind: told(32, "client"),
    id: told(64, "cli_01jd5r0t6vf3h8k2m4n6p8q0rs"),
    grantId: toldId("(?:ogr|sgr)")
      .meta({ examples: ["ogr_01jd5r0t6vf3h8k2m4n6p8q0rs"] })
      .nullable(),
  }),
  4,
)
  .nullable()
  .meta({
    description:
      "Where a program did it for the actor: the actor, then the OAuth client and the grant that lets it. Where support did: the member as far as whom, the agent and the grant, and the session. Else null.",
    examples: [null],
  });

/** At most so many in an answer. */
export function toldList<T extends z.ZodType>(item: T, most: number) {
  return z.array(item).meta({ maxItems: most });
}

/** What every stored thing answers with. */
export const stored = {
  version: z
    .int()
    .min(1)
    .meta({ description: "Counts the changes; the ETag is made of it.", examples: [1] }),
  createdAt: Timestamp,
  updatedAt: Timestamp,
};

function exampleOf(example: string | undefined) {
  return example === undefined ? {} : { examples: [example] };
}

function isTimeZone(name: string): boolean {
  // Intl takes offsets such as "+01:00" too, which know no summer time.
  if (!/^[A-Z]/i.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isLocal = url.protocol === "http:" && url.hostname === "localhost";
  // A wildcard parses as a host, and would match no page's origin.
  return url.origin === text && !text.includes("*") && (url.protocol === "https:" || isLocal);
}

/**
 * An account's address, in the one spelling that it is looked up by, so that what is looked up is what is mailed and
 * stored: else a mail for one address could leave for another that merely looks like it.
 */
export const AccountEmail = line(254)
  .refine((text) => accountEmail(text) !== null, "is not an e-mail address")
  .transform((text) => accountEmail(text) ?? text)
  .meta({ examples: ["ada@example.com"] });

/** An address, or a network of them (CIDR). */
export const Network = z
  .string()
  .max(50)
  .refine((text) => parseCidr(text) !== null, "is not an IPv4 or IPv6 address or network")
  .meta({ pattern: "^[0-9A-Fa-f.:]+(?:/[0-9]+)?$", examples: ["203.0.113.0/24"] });
