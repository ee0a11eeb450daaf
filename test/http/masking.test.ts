import { expect, test } from "vitest";
import { z } from "zod";
import { personal, told } from "#http/fields.ts";
import { masked } from "#http/masking.ts";

const Person = z.object({
  id: told(10),
  name: personal(told(20)),
  email: personal(told(50), "email").nullable(),
  tags: personal(z.array(z.string())),
});
const ada = { id: "x", name: "Ada", email: "ada@example.com", tags: ["vegan"], version: 1 };
const hidden = { id: "x", name: "•••", email: "masked@masked.invalid", tags: [], version: 1 };

test("what is marked is masked at any depth, and the rest is as it was", () => {
  const shapes: [z.ZodType, unknown, unknown][] = [
    [Person, ada, hidden],
    [z.array(Person), [ada, ada], [hidden, hidden]],
    [z.object({ data: z.array(Person).meta({ maxItems: 3 }) }), { data: [ada] }, { data: [hidden] }],
    [Person.nullable(), ada, hidden],
    [z.object({ who: Person.optional() }), { who: ada }, { who: hidden }],
    [z.record(z.string(), Person), { a: ada }, { a: hidden }],
    [z.union([z.object({ other: z.number() }), Person]), ada, hidden],
    [Person.meta({ id: "MaskedPerson" }), ada, hidden],
    [z.object({ at: z.string(), much: z.number() }), { at: "x", much: 1 }, { at: "x", much: 1 }],
  ];
  for (const [shape, value, expected] of shapes) expect(masked(shape, value)).toEqual(expected);
});

test("what is not there is told as it is", () => {
  expect(masked(Person, { ...ada, email: null })).toEqual({ ...hidden, email: null });
  expect(masked(z.null(), null)).toBeNull();
});

test("a mark stays where the shape is described further", () => {
  const described = personal(told(20)).meta({ description: "Whoever it is." });
  expect(masked(described, "Ada")).toBe("•••");
});

test("what nobody knows how to mask is not answered", () => {
  expect(() => masked(z.tuple([Person]), [ada])).toThrow("masked");
  expect(() => masked(personal(z.number()), 7)).toThrow("masked");
});
