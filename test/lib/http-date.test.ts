import fc from "fast-check";
import { expect, test } from "vitest";
import { httpDate } from "#lib/http-date.ts";

const now = Date.UTC(2026, 10, 20);

/** The example of RFC 9110 section 5.6.7 in its three forms, and what is like them. */
const dates: readonly [text: string, expected: string | null][] = [
  ["Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
  ["Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
  ["Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37.000Z"],
  ["Wed Nov 16 08:49:37 1994", "1994-11-16T08:49:37.000Z"],
  ["Thursday, 06-Nov-75 00:00:00 GMT", null],
  ["Wednesday, 06-Nov-75 00:00:00 GMT", "2075-11-06T00:00:00.000Z"],
  ["Sunday, 06-Nov-77 00:00:00 GMT", "1977-11-06T00:00:00.000Z"],
  ["Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59.000Z"],
  ["Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00.000Z"],
  ["Sat, 01 Jan 0050 00:00:00 GMT", "0050-01-01T00:00:00.000Z"],
  ["Mon, 06 Nov 1994 08:49:37 GMT", null],
  ["Fri, 30 Feb 2024 00:00:00 GMT", null],
  ["Wed, 29 Feb 2023 00:00:00 GMT", null],
  ["Sun, 06 Nov 1994 24:00:00 GMT", null],
  ["Sun, 06 Nov 1994 08:60:37 GMT", null],
  ["Sun, 06 Nov 1994 08:49:61 GMT", null],
  ["Sun, 6 Nov 1994 08:49:37 GMT", null],
  ["Sun, 06 Nov 1994 08:49:37 UTC", null],
  ["Sun, 06 Nov 1994 08:49:37 +0000", null],
  ["Sun, 06 nov 1994 08:49:37 GMT", null],
  ["Sun, 06 Nov 94 08:49:37 GMT", null],
  ["Sun Nov 06 08:49:37 1994 GMT", null],
  [" Sun, 06 Nov 1994 08:49:37 GMT", null],
  ["1994-11-06T08:49:37Z", null],
  ["784111777", null],
  ["", null],
];

for (const [text, expected] of dates) {
  test(`the date ${JSON.stringify(text)}`, () => {
    const ms = httpDate(text, now);
    expect(ms === null ? null : new Date(ms).toISOString()).toBe(expected);
  });
}

test("every second that can be written is read as itself, in all three forms", () => {
  const seconds = fc.integer({ min: Date.UTC(1977) / 1000, max: Date.UTC(2076) / 1000 - 1 });
  fc.assert(
    fc.property(seconds, (second) => {
      const ms = second * 1000;
      const [day = "", date = "", month = "", year = "", time = ""] = new Date(ms).toUTCString().split(" ");
      const weekday = new Date(ms).toLocaleDateString("en", { weekday: "long", timeZone: "UTC" });
      const spellings = [
        `${day} ${date} ${month} ${year} ${time} GMT`,
        `${weekday}, ${date}-${month}-${year.slice(2)} ${time} GMT`,
        `${day.slice(0, 3)} ${month} ${date.replace(/^0/, " ")} ${time} ${year}`,
      ];
      expect(spellings.map((text) => httpDate(text, now))).toEqual([ms, ms, ms]);
    }),
  );
});
