import type { JsonSchema } from "./types.ts";

type Components = Readonly<Record<string, JsonSchema>>;

/** An example of a shape from those of its parts; undefined where its parts have none. */
export function exampleOf(schema: JsonSchema, components: Components): unknown {
  const { $ref, examples, example, const: constant, enum: values } = schema;
  if (typeof $ref === "string") return exampleOf(referred($ref, components), components);
  if (Array.isArray(examples)) return examples[0];
  if (example !== undefined) return example;
  if (constant !== undefined) return constant;
  if (schema.default !== undefined) return schema.default;
  if (Array.isArray(values)) return values[0];
  const [first] = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((each) =>
    Array.isArray(each) ? each : [],
  );
  if (first !== undefined) return exampleOf(first, components);
  return ofType(schema, components);
}

export function referred($ref: string, components: Components): JsonSchema {
  return components[$ref.replace("#/components/schemas/", "")] ?? {};
}

function ofType(schema: JsonSchema, components: Components): unknown {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object") return ofProperties(schema, components);
  if (type === "array") {
    const item = exampleOf(asSchema(schema.items), components);
    return item === undefined ? [] : [item];
  }
  if (type === "boolean") return true;
  if (type === "integer") return Math.max(0, Number(schema.minimum ?? 0));
  if (type === "null") return null;
  return undefined;
}

function ofProperties(schema: JsonSchema, components: Components): Record<string, unknown> {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const found = Object.entries(asSchema(schema.properties)).flatMap(([name, each]) => {
    const value = exampleOf(asSchema(each), components);
    if (value === undefined) return required.includes(name) ? [[name, "text"] as const] : [];
    return [[name, value] as const];
  });
  return Object.fromEntries(found);
}

function asSchema(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null ? (value as JsonSchema) : {};
}
