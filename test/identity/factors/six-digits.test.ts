import { expect, test } from "vitest";
import { SixDigits, sixDigitsOf } from "#identity/factors/six-digits.ts";

test.each([
  ["123456", "123456"],
  ["123 456", "123456"],
  ["012\u00a0345 ", "012345"],
  [`123456${" ".repeat(26)}`, "123456"],
  [`123456${" ".repeat(27)}`, null],
  ["12345", null],
  ["1234567", null],
  ["12345a", null],
  ["123-456", null],
  ["١٢٣٤٥٦", null],
  ["", null],
])("%j is read as %j", (typed, expected) => {
  expect(sixDigitsOf(typed)).toBe(expected);
});

test("whatever is read as a code is let in as one", () => {
  for (const typed of ["123456", "123 456", "012\u00a0345 ", `123456${" ".repeat(26)}`])
    expect(SixDigits.safeParse(typed).success, typed).toBe(true);
  for (const typed of ["12345a", "123-456", `123456${" ".repeat(27)}`, ""])
    expect(SixDigits.safeParse(typed).success, typed).toBe(false);
});
