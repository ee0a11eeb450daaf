import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { EnterAnswer, EnterRequest } from "#gate/policy.ts";
import { quickParse } from "#lib/quick-parse.ts";

const rate = { remaining: 3, resetSeconds: 1, retryAfterSeconds: 0, limit: null };
const examples = {
  request: {
    schema: EnterRequest,
    value: {
      v: 1,
      cell: "eu1",
      principalId: "key_1",
      tenantId: null,
      secretHash: "hash",
      staleEpoch: 4,
      recheck: true,
      address: "192.0.2.1",
      knownPolicyId: "pol_1",
      place: null,
      spot: null,
      isBare: false,
      isExpensive: false,
    },
  },
  admitted: {
    schema: EnterAnswer,
    value: { v: 1, outcome: "admitted", policy: null, policyId: "pol_1", rate },
  },
  limited: { schema: EnterAnswer, value: { v: 1, outcome: "limited", policy: "{}", policyId: null, rate } },
  unknown: { schema: EnterAnswer, value: { v: 1, outcome: "unknown" } },
} as const;

// Whatever could stand in a field's place, `absent` for none at all.
const absent = Symbol("absent");
const anything = fc.oneof(
  fc.constantFrom(
    absent,
    null,
    undefined,
    true,
    1,
    2,
    0.5,
    -1,
    Number.NaN,
    2 ** 53,
    "",
    "admitted",
    "unknown",
    {},
    [],
  ),
  fc.anything(),
);

test.each(Object.entries(examples))(
  "a changed field of %s is taken as by the schema itself",
  (_, { schema, value }) => {
    const parse = quickParse<z.ZodType>(schema);
    expect(parse(value)).toBe(value);
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(value)), anything, (name, other) => {
        const changed: Record<string, unknown> = { ...value, [name]: other };
        if (other === absent) delete changed[name];
        // Unknown fields, which the schema leaves out, may pass.
        expect(outcome(parse, changed)).toMatchObject(outcome((given) => schema.parse(given), changed));
      }),
      { numRuns: 500 },
    );
  },
);

test("what is no object at all is refused as by the schema", () => {
  const parse = quickParse(EnterRequest);
  for (const value of [null, undefined, "text", 1, [], () => 1])
    expect(() => parse(value)).toThrow(z.ZodError);
});

test("a schema with more than plain fields is refused when it is taken, not when it is used", () => {
  for (const field of [
    z.string().min(1),
    z.int().min(1),
    z.number(),
    z.array(z.string()),
    z.string().transform(Number),
  ])
    expect(() => quickParse(z.object({ field }))).toThrow(RangeError);
});

function outcome(parse: (value: unknown) => unknown, value: unknown): object {
  try {
    return { parsed: parse(value) };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    return { issues: error.issues };
  }
}
