import { z } from "zod";

type Check = (value: unknown) => boolean;

/**
 * Parses what nearly always is of the form already. A plain look at each field, derived from the schema, lets such a
 * value pass as it stands, unknown fields included; all else goes through the schema, for its defaults and its errors.
 * Without code generation, which Workers do not have, zod takes longer over ten fields than a Durable Object's answer.
 * @throws RangeError where the schema holds more than plain fields
 */
export function quickParse<T extends z.ZodType>(schema: T): (value: unknown) => z.output<T> {
  const isOfForm = checkOf(schema);
  return (value) => (isOfForm(value) ? (value as z.output<T>) : schema.parse(value));
}

function checkOf(schema: z.core.$ZodType): Check {
  if (schema instanceof z.ZodObject) return objectCheck(schema);
  if (schema instanceof z.ZodUnion) {
    const options = schema.options.map(checkOf);
    return (value) => options.some((isOfForm) => isOfForm(value));
  }
  if (schema instanceof z.ZodNullable) {
    const inner = checkOf(schema.unwrap());
    return (value) => value === null || inner(value);
  }
  // What is left out takes the longer way to its default.
  if (schema instanceof z.ZodDefault) return checkOf(schema.unwrap());
  if (schema instanceof z.ZodLiteral) return (value) => schema.values.has(value as z.core.util.Literal);
  if (schema instanceof z.ZodNumberFormat && schema.format === "safeint" && !schema.def.checks)
    return Number.isSafeInteger;
  if (schema instanceof z.ZodString && !schema.def.checks) return (value) => typeof value === "string";
  if (schema instanceof z.ZodBoolean) return (value) => typeof value === "boolean";
  throw new RangeError(`a ${schema._zod.def.type} is no plain field`);
}

function objectCheck(schema: z.ZodObject): Check {
  const fields = Object.entries(schema.shape).map(([name, field]) => ({ name, isOfForm: checkOf(field) }));
  return (value) => {
    if (typeof value !== "object" || value === null) return false;
    const given = value as Readonly<Record<string, unknown>>;
    for (const { name, isOfForm } of fields) if (!isOfForm(given[name])) return false;
    return true;
  };
}
