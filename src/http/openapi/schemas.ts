import { z } from "zod";
import type { JsonSchema, MediaType, Version } from "./types.ts";

const targets = { "3.1": "draft-2020-12", "3.0": "openapi-3.0" } as const;
const int32 = 2 ** 31;

/** The schemas of one document: shapes named by `.meta({ id })` become components. */
export class Schemas {
  readonly version: Version;
  readonly components: Record<string, JsonSchema> = {};

  constructor(version: Version) {
    this.version = version;
  }

  /** What a client sends: unknown fields are refused, and what has a default may be left out. */
  ofRequest(shape: z.ZodType): JsonSchema {
    return this.#of(shape, "input");
  }

  /** What we answer. Fields may be added to it one day, so it is not closed. */
  ofAnswer(shape: z.ZodType): JsonSchema {
    return this.#of(shape, "output");
  }

  /** Exactly this value, in the document's dialect. */
  exactly(value: string | number): JsonSchema {
    const type = typeof value === "string" ? "string" : "integer";
    const bounds = type === "integer" ? { format: "int32", minimum: value, maximum: value } : {};
    return this.version === "3.1" ? { type, const: value, ...bounds } : { type, enum: [value], ...bounds };
  }

  /** Bytes as they are: 3.1 says so by saying nothing. */
  bytes(maxLength: number): MediaType {
    return this.version === "3.1" ? {} : { schema: { type: "string", format: "binary", maxLength } };
  }

  add(name: string, schema: JsonSchema): JsonSchema {
    const known = this.components[name];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema))
      throw new Error(`Two shapes are called ${name} in the contract: give each its own .meta({ id }).`);
    this.components[name] = schema;
    return { $ref: `#/components/schemas/${name}` };
  }

  #of(shape: z.ZodType, io: "input" | "output"): JsonSchema {
    const rendered = z.toJSONSchema(shape, {
      target: targets[this.version],
      io,
      unrepresentable: "any",
      override: ({ jsonSchema }) => this.#tidy(jsonSchema, io),
    });
    const { $schema: _, $defs, definitions, ...schema } = JSON.parse(moved(JSON.stringify(rendered)));
    for (const [name, { id: _, ...named }] of Object.entries<JsonSchema>($defs ?? definitions ?? {}))
      this.add(name, named);
    return schema;
  }

  // Formats where a shape implies them, and no pattern where a format says the same more shortly.
  #tidy(schema: Record<string, unknown>, io: "input" | "output"): void {
    if (schema.type === "integer") {
      const fits = Number(schema.minimum) >= -int32 && Number(schema.maximum) < int32;
      schema.format = fits ? "int32" : "int64";
    }
    if (schema.format === "date-time") delete schema.pattern;
    // Of a record: names are strings in any case.
    delete schema.propertyNames;
    if (io === "output" && schema.additionalProperties === false) delete schema.additionalProperties;
    if (this.version === "3.0") restate(schema);
  }
}

// As 3.0.3 says the same: one example, and null among the values where it may be null.
function restate(schema: Record<string, unknown>): void {
  if (schema.nullable === true && Array.isArray(schema.enum)) schema.enum = [...schema.enum, null];
  if (!Array.isArray(schema.examples)) return;
  schema.example = schema.examples[0];
  delete schema.examples;
}

function moved(json: string): string {
  return json.replaceAll(/"#\/(?:\$defs|definitions)\//g, '"#/components/schemas/');
}
