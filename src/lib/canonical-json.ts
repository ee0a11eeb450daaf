/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * The one spelling of a JSON value (RFC 8785, JCS): no white space, members sorted by the UTF-16 units of their names;
 * numbers and strings are as ECMAScript writes them. @throws TypeError for what it cannot say: a lone surrogate, a
 * number that is not finite, anything that is no JSON
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${text(name)}:${canonicalJson(member)}`).join(",")}}`;
  }
  if (typeof value === "string") return text(value);
  if (typeof value === "number" && !Number.isFinite(value))
    throw new TypeError("a number that is not finite");
  if (typeof value === "number" || typeof value === "boolean" || value === null) return JSON.stringify(value);
  throw new TypeError("no JSON value");
}

function text(value: string): string {
  if (!value.isWellFormed()) throw new TypeError("a lone surrogate");
  return JSON.stringify(value);
}
