import fc from "fast-check";
import { expect, test } from "vitest";
import { type ConditionFields, selectionOf } from "#lib/preconditions.ts";

const has = { entityTag: '"abc"', modifiedAt: Date.UTC(2026, 10, 20, 12, 0, 0, 789), size: 1000 };
const sent = "Fri, 20 Nov 2026 12:00:00 GMT";
const earlier = "Fri, 20 Nov 2026 11:59:59 GMT";
const obsolete = ["Friday, 20-Nov-26 12:00:00 GMT", "Fri Nov 20 12:00:00 2026"];
const now = Date.UTC(2026, 10, 21);
const later = "Fri, 20 Nov 2026 12:00:01 GMT";

const part = (offset: number, length: number) => ({ status: 206, range: { offset, length } });
const whole = { status: 200 };
const unsatisfiable = { status: 416 };

/** RFC 9110 section 14.1.2, of a representation of 1000 bytes. */
const ranges: readonly [range: string, expected: object][] = [
  ["bytes=0-499", part(0, 500)],
  ["bytes=500-999", part(500, 500)],
  ["bytes=-500", part(500, 500)],
  ["bytes=9500-", unsatisfiable],
  ["bytes=950-", part(950, 50)],
  ["bytes=0-0", part(0, 1)],
  ["bytes=-1", part(999, 1)],
  ["bytes=999-", part(999, 1)],
  ["bytes=999-999", part(999, 1)],
  ["bytes=0-", part(0, 1000)],
  ["bytes=0-999", part(0, 1000)],
  ["bytes=0-1000", part(0, 1000)],
  ["bytes=0-99999999999999999999", part(0, 1000)],
  ["bytes=-1000", part(0, 1000)],
  ["bytes=-5000", part(0, 1000)],
  ["bytes=-99999999999999999999", part(0, 1000)],
  ["BYTES= 1-2 ", part(1, 2)],
  ["bytes=000001-2", part(1, 2)],
  ["bytes=1000-", unsatisfiable],
  ["bytes=1000-1000", unsatisfiable],
  ["bytes=99999999999999999999-", unsatisfiable],
  ["bytes=-0", unsatisfiable],
  ["bytes=5-2", whole],
  ["bytes=2000-1500", whole],
  ["bytes=-", whole],
  ["bytes=", whole],
  ["bytes", whole],
  ["bytes=a-b", whole],
  ["bytes=1-2-3", whole],
  ["bytes=0-1,3-4", whole],
  ["bytes=0-1, -1", whole],
  ["bytes = 0-1", whole],
  ["bytes=+1-2", whole],
  ["bytes=1.0-2", whole],
  ["bytes=0x1-2", whole],
  ["items=0-1", whole],
  ["", whole],
];

for (const [range, expected] of ranges) {
  test(`Range: ${range}`, () => {
    expect(selectionOf({ range }, has, now)).toEqual(expected);
  });
}

const firstTwo = { range: "bytes=0-1" };
const two = part(0, 2);
const notModified = { status: 304 };
const failed = { status: 412 };

/** RFC 9110 section 13. */
const conditions: readonly [fields: ConditionFields, expected: object][] = [
  [{}, whole],
  [{ ifMatch: '"abc"' }, whole],
  [{ ifMatch: "*" }, whole],
  [{ ifMatch: '"x", "abc"' }, whole],
  [{ ifMatch: '"x"' }, failed],
  [{ ifMatch: 'W/"abc"' }, failed],
  [{ ifMatch: "abc" }, failed],
  [{ ifMatch: "" }, failed],
  [{ ifUnmodifiedSince: sent }, whole],
  [{ ifUnmodifiedSince: later }, whole],
  [{ ifUnmodifiedSince: earlier }, failed],
  [{ ifUnmodifiedSince: "yesterday" }, whole],
  [{ ifMatch: '"abc"', ifUnmodifiedSince: earlier }, whole],
  [{ ifNoneMatch: '"abc"' }, notModified],
  [{ ifNoneMatch: 'W/"abc"' }, notModified],
  [{ ifNoneMatch: '"x",W/"abc"' }, notModified],
  [{ ifNoneMatch: '"a,b", "abc"' }, notModified],
  [{ ifNoneMatch: "*" }, notModified],
  [{ ifNoneMatch: '"x"' }, whole],
  [{ ifNoneMatch: '"x,abc"' }, whole],
  [{ ifModifiedSince: sent }, notModified],
  [{ ifModifiedSince: later }, notModified],
  ...obsolete.map((date): [ConditionFields, object] => [{ ifModifiedSince: date }, notModified]),
  [{ ifModifiedSince: earlier }, whole],
  [{ ifModifiedSince: "2026-11-20T12:00:00Z" }, whole],
  [{ ifNoneMatch: '"x"', ifModifiedSince: sent }, whole],
  [{ ifMatch: '"abc"', ifNoneMatch: '"abc"' }, notModified],
  [{ ifMatch: '"x"', ifNoneMatch: '"abc"' }, failed],
  [{ ...firstTwo, ifNoneMatch: '"abc"' }, notModified],
  [{ ...firstTwo, ifMatch: '"x"' }, failed],
  [{ ...firstTwo, ifMatch: '"abc"' }, two],
  [{ ...firstTwo, ifRange: '"abc"' }, two],
  [{ ...firstTwo, ifRange: '"x"' }, whole],
  [{ ...firstTwo, ifRange: 'W/"abc"' }, whole],
  [{ ...firstTwo, ifRange: sent }, two],
  ...obsolete.map((date): [ConditionFields, object] => [{ ...firstTwo, ifRange: date }, two]),
  [{ ...firstTwo, ifRange: earlier }, whole],
  [{ ...firstTwo, ifRange: later }, whole],
  [{ ...firstTwo, ifRange: "" }, whole],
  [{ ifRange: '"abc"' }, whole],
  [{ range: "bytes=1000-", ifRange: '"abc"' }, unsatisfiable],
  [{ range: "bytes=1000-", ifRange: '"x"' }, whole],
];

for (const [fields, expected] of conditions) {
  test(`conditions ${JSON.stringify(fields)}`, () => {
    expect(selectionOf(fields, has, now)).toEqual(expected);
  });
}

test("a range that is answered lies within what there is, and holds what was asked for of it", () => {
  const position = fc.option(fc.nat(1500), { nil: null });
  fc.assert(
    fc.property(position, position, fc.integer({ min: 1, max: 1200 }), (first, last, size) => {
      const selected = selectionOf({ range: `bytes=${first ?? ""}-${last ?? ""}` }, { ...has, size }, now);
      // As the RFC words it, byte by byte.
      const isAsked = (at: number) =>
        first === null ? last !== null && at >= size - last : at >= first && (last === null || at <= last);
      const asked = Array.from({ length: size }, (_, at) => at).filter(isAsked);
      const isNoRange =
        (first === null && last === null) || (first !== null && last !== null && last < first);
      if (isNoRange) expect(selected).toEqual(whole);
      else if (asked.length === 0) expect(selected).toEqual(unsatisfiable);
      else expect(selected).toEqual(part(asked[0] ?? -1, asked.length));
    }),
  );
});

test("no header, however malformed, throws, and an unsafe answer is never given", () => {
  const field = fc.option(fc.oneof(fc.string(), fc.constantFrom('"abc"', "*", sent, "bytes=0-1")), {
    nil: undefined,
  });
  const fields = fc.record({
    ifMatch: field,
    ifUnmodifiedSince: field,
    ifNoneMatch: field,
    ifModifiedSince: field,
    ifRange: field,
    range: field,
  });
  fc.assert(
    fc.property(fields, (given) => {
      const { status } = selectionOf(given, has, now);
      const isNamed = given.ifMatch?.includes("*") || given.ifMatch?.includes('"abc"');
      if (given.ifMatch !== undefined && !isNamed) expect(status).toBe(412);
      if (given.ifNoneMatch === '"abc"' || given.ifNoneMatch === "*") expect([304, 412]).toContain(status);
      if (given.range === undefined) expect([200, 304, 412]).toContain(status);
    }),
  );
});
