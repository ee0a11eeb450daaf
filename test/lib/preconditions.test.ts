import { expect, test } from "vitest";
import { type ConditionFields, selectionOf } from "#lib/preconditions.ts";

const has = { entityTag: '"abc"', modifiedAt: Date.UTC(2026, 10, 20, 12, 0, 0, 789), size: 1000 };
const sent = "Fri, 20 Nov 2026 12:00:00 GMT";
const earlier = "Fri, 20 Nov 2026 11:59:59 GMT";
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
    expect(selectionOf({ range }, has)).toEqual(expected);
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
  [{ ...firstTwo, ifRange: earlier }, whole],
  [{ ...firstTwo, ifRange: later }, whole],
  [{ ...firstTwo, ifRange: "" }, whole],
  [{ ifRange: '"abc"' }, whole],
  [{ range: "bytes=1000-", ifRange: '"abc"' }, unsatisfiable],
  [{ range: "bytes=1000-", ifRange: '"x"' }, whole],
];

for (const [fields, expected] of conditions) {
  test(`conditions ${JSON.stringify(fields)}`, () => {
    expect(selectionOf(fields, has)).toEqual(expected);
  });
}
