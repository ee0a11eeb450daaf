import { httpDate } from "./http-date.ts";

/** The fields of a GET that say under which conditions, and which bytes of it (RFC 9110 sections 13 and 14). */
export interface ConditionFields {
  readonly ifMatch?: string | undefined;
  readonly ifUnmodifiedSince?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly range?: string | undefined;
}

/** What the server has. */
export interface Representation {
  /** Strong, with its quotes. */
  readonly entityTag: string;
  /** ms since 1970. */
  readonly modifiedAt: number;
  readonly size: number;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export type Selection =
  | { readonly status: 200 }
  | { readonly status: 206; readonly range: ByteRange }
  | { readonly status: 304 }
  | { readonly status: 412 }
  | { readonly status: 416 };

/** What a GET is answered with, in the order of RFC 9110 section 13.2.2. */
export function selectionOf(fields: ConditionFields, has: Representation, now: number): Selection {
  const { ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince, ifRange, range } = fields;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, has.entityTag, "strong")) return { status: 412 };
  } else if (isModifiedSince(ifUnmodifiedSince, has, now) === true) return { status: 412 };
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, has.entityTag, "weak")) return { status: 304 };
  } else if (isModifiedSince(ifModifiedSince, has, now) === false) return { status: 304 };
  if (range === undefined || (ifRange !== undefined && !isSame(ifRange, has, now))) return { status: 200 };
  const selected = rangeOf(range, has.size);
  if (selected === "ignored") return { status: 200 };
  return selected === "unsatisfiable" ? { status: 416 } : { status: 206, range: selected };
}

/** One range, from either end; several at once, or what is not of the form, may be ignored (section 14.2). */
function rangeOf(field: string, size: number): ByteRange | "ignored" | "unsatisfiable" {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(field) ?? [];
  if (first === "" && last === "") return "ignored";
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { offset: size - length, length };
  }
  const offset = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < offset) return "ignored";
  return offset >= size ? "unsatisfiable" : { offset, length: end - offset + 1 };
}

function matches(field: string, entityTag: string, comparison: "strong" | "weak"): boolean {
  if (field.trim() === "*") return true;
  const tags = field.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (comparison === "weak" ? tag.replace(/^W\//, "") : tag) === entityTag);
}

/** undefined where there is no such field, or its date is none and so is passed over. */
function isModifiedSince(
  field: string | undefined,
  { modifiedAt }: Representation,
  now: number,
): boolean | undefined {
  const since = field === undefined ? null : httpDate(field.trim(), now);
  return since === null ? undefined : wholeSeconds(modifiedAt) > since;
}

// Section 13.1.5: a date counts only when it is exactly the one that was sent, a tag only when it is strong.
function isSame(ifRange: string, has: Representation, now: number): boolean {
  return ifRange.trim().startsWith('"')
    ? ifRange.trim() === has.entityTag
    : httpDate(ifRange.trim(), now) === wholeSeconds(has.modifiedAt);
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
