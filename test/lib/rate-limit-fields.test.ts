import fc from "fast-check";
import { parseList } from "structured-headers";
import { expect, test } from "vitest";
import { takeGcra } from "#lib/gcra.ts";
import { rateLimitFields } from "#lib/rate-limit-fields.ts";

const pro = { perMinute: 1_000, burst: 100 };
const nowMs = Date.UTC(2026, 10, 20);

test("the first call of a Pro key reads as documented", () => {
  expect(rateLimitFields("pro", pro, takeGcra(null, nowMs, pro))).toEqual({
    "RateLimit-Policy": '"pro";q=1000;w=60;keyline-burst=100',
    RateLimit: '"pro";r=99;t=1',
  });
});

test("a refusal has Retry-After, and t names the same moment", () => {
  const limit = { perMinute: 6, burst: 3 };
  const empty = takeGcra(null, nowMs, limit, 3);
  expect(rateLimitFields("slow", limit, takeGcra(empty.tatMs, nowMs, limit))).toEqual({
    "RateLimit-Policy": '"slow";q=6;w=60;keyline-burst=3',
    RateLimit: '"slow";r=0;t=10',
    "Retry-After": "10",
  });
});

test("both fields are what a structured-field parser reads back", () => {
  const printable = fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0x7e })
      .map((code) => String.fromCharCode(code))
      .filter((character) => !'"\\'.includes(character)),
  });
  const outcomes = fc.record({
    admitted: fc.boolean(),
    remaining: fc.nat(10_000),
    retryAfterSeconds: fc.nat(10_000),
    resetSeconds: fc.nat(10_000),
  });
  const limits = fc.record({ perMinute: fc.nat(1_000_000), burst: fc.nat(10_000) });
  fc.assert(
    fc.property(printable, limits, outcomes, (name, limit, outcome) => {
      const fields = rateLimitFields(name, limit, outcome);
      expect(parseList(fields["RateLimit-Policy"])).toEqual([
        [
          name,
          new Map([
            ["q", limit.perMinute],
            ["w", 60],
            ["keyline-burst", limit.burst],
          ]),
        ],
      ]);
      const seconds = outcome.admitted ? outcome.resetSeconds : outcome.retryAfterSeconds;
      expect(parseList(fields.RateLimit)).toEqual([
        [
          name,
          new Map([
            ["r", outcome.remaining],
            ["t", seconds],
          ]),
        ],
      ]);
      expect(fields["Retry-After"]).toBe(outcome.admitted ? undefined : String(seconds));
    }),
  );
});

test.each(["caf\u00e9", "a\r\nSet-Cookie: x", "\u007f", 'a"b', "a\\b"])(
  "the tier name %j is refused",
  (name) => {
    expect(() => rateLimitFields(name, pro, takeGcra(null, nowMs, pro))).toThrow(RangeError);
  },
);
