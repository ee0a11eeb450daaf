import { exampleOf, referred } from "#http/openapi/example.ts";
import type {
  JsonSchema,
  MediaType,
  OpenApi,
  OperationObject,
  Parameter,
  Response,
} from "#http/openapi/types.ts";

/** An operation as a page shows it: the contract's own object with its references followed. */
export interface Shown {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
  readonly parameters: readonly Parameter[];
  readonly success: {
    readonly status: string;
    readonly response: Response;
    readonly media: MediaType | null;
  };
  readonly requestExample: unknown;
  /** Of a body of bytes; null where it is JSON or there is none. */
  readonly bytes: { readonly type: string; readonly description: string } | null;
  readonly problems: readonly { readonly name: string; readonly status: string; readonly meaning: string }[];
}

export function operationsOf(document: OpenApi, tag: string): Shown[] {
  const found = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => shown(document, path, method, operation)),
  );
  return found.toSorted((a, b) => weightOf(a) - weightOf(b));
}

// Lists and reads first, then what makes, changes and removes: the order in which one gets to know a resource.
function weightOf({ method, path }: Shown): number {
  const depth = path.split("/").length;
  return depth * 10 + ["get", "post", "patch", "put", "delete"].indexOf(method);
}

function shown(document: OpenApi, path: string, method: string, operation: OperationObject): Shown {
  const { components } = document;
  const parameters = operation.parameters.flatMap((each) => {
    const found = "$ref" in each ? components.parameters[nameOf(each.$ref)] : each;
    return found ? [found] : [];
  });
  const [status = "", response] = Object.entries(operation.responses).find(([code]) => /^2/.test(code)) ?? [];
  if (!response || "$ref" in response) throw new Error(`${operation.operationId} has no success of its own.`);
  const { requestBody } = operation;
  const body = requestBody?.content["application/json"];
  const [type = ""] = Object.keys(requestBody?.content ?? {});
  return {
    id: operation.operationId,
    method,
    path,
    operation,
    parameters,
    success: { status, response, media: Object.values(response.content ?? {})[0] ?? null },
    requestExample: body?.example ?? (body?.schema ? exampleOf(body.schema, components.schemas) : undefined),
    bytes: requestBody && !body ? { type, description: requestBody.description ?? "" } : null,
    problems: problemsOf(document, operation),
  };
}

/** Asked for by people and machines of no tenant: what a deployment says of itself. */
export function isPublicTag(document: OpenApi, tag: string): boolean {
  return operationsOf(document, tag).every(({ operation }) =>
    operation.security.every((each) => !("bearer" in each)),
  );
}

function problemsOf({ components }: OpenApi, { responses }: OperationObject): Shown["problems"] {
  return Object.entries(responses).flatMap(([status, response]) => {
    const found = "$ref" in response ? components.responses[nameOf(response.$ref)] : null;
    return (found?.description ?? "").split("\n\n").flatMap((line) => {
      const [, name, meaning] = /^`(.+?)`: (.*)$/.exec(line) ?? [];
      return name && meaning ? [{ name, status, meaning }] : [];
    });
  });
}

function nameOf($ref: string): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly description: string | null;
  readonly facts: readonly string[];
  readonly fields: readonly Field[];
}

/** The fields of a shape, with those of what it contains. */
export function fieldsOf(schema: JsonSchema, document: OpenApi, depth = 0): Field[] {
  const whole = followed(schema, document);
  const options = whole.anyOf ?? whole.oneOf;
  if (Array.isArray(options) && depth === 0)
    return options.flatMap((option: JsonSchema) => fieldsOf(option, document));
  const required = Array.isArray(whole.required) ? whole.required : [];
  return Object.entries<JsonSchema>(Object(whole.properties)).map(([name, each]) => ({
    name,
    type: typeOf(each, document),
    isRequired: required.includes(name),
    description: described(each, document),
    facts: factsOf(withoutNull(each)),
    fields: depth > 3 ? [] : fieldsOf(contained(each, document), document, depth + 1),
  }));
}

export function typeOf(schema: JsonSchema, document: OpenApi): string {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.map((each) => typeOf(each, document)).join(" or ");
  if (typeof schema.$ref === "string") return nameOf(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return "one of";
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : String(schema.type ?? "anything");
  const [, prefix] = /^\^([a-z]{3})_/.exec(String(schema.pattern)) ?? [];
  if (prefix) return `id ${prefix}_…`;
  if (schema.format === "date-time") return type.replace("string", "time");
  return type === "array" ? `list of ${typeOf(Object(schema.items), document)}` : type;
}

export function factsOf(schema: JsonSchema): string[] {
  const { minimum, maximum, maxLength, minItems, maxItems, default: standard, enum: values } = schema;
  const facts: string[] = Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : [];
  const isBounded = typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER;
  if (isBounded) facts.push(`${minimum} to ${maximum}`);
  if (
    !schema.format &&
    !String(schema.pattern).startsWith("^[a-z]{3}") &&
    typeof maxLength === "number" &&
    maxLength > 30
  )
    facts.push(`≤ ${maxLength} characters`);
  if (typeof maxItems === "number")
    facts.push(minItems ? `${minItems} to ${maxItems} items` : `≤ ${maxItems} items`);
  if (standard !== undefined) facts.push(`default ${JSON.stringify(standard)}`);
  return facts;
}

function withoutNull(schema: JsonSchema): JsonSchema {
  const [only, ...more] = Array.isArray(schema.anyOf)
    ? schema.anyOf.filter(({ type }) => type !== "null")
    : [];
  return only && more.length === 0 ? { ...only, ...schema } : schema;
}

function described(schema: JsonSchema, document: OpenApi): string | null {
  const { description } = typeof schema.$ref === "string" ? followed(schema, document) : schema;
  return typeof description === "string" ? description : null;
}

/** What a field holds one or many of, where that has fields itself. */
function contained(schema: JsonSchema, document: OpenApi): JsonSchema {
  const whole = withoutNull(followed(schema, document));
  return whole.type === "array" ? followed(Object(whole.items), document) : whole;
}

function followed(schema: JsonSchema, { components }: OpenApi): JsonSchema {
  return typeof schema.$ref === "string" ? referred(schema.$ref, components.schemas) : schema;
}
