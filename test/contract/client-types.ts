import type { JsonSchema, OpenApi, OperationObject, Parameter, Response } from "#http/openapi/types.ts";

/** The generated half of src/client: a type for every schema and operation, and the table of routes. */
export function clientTypes(document: OpenApi): string {
  const schemas = Object.entries(document.components.schemas).filter(([name]) => !name.endsWith("Problem"));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => isForPrograms(operation))
      .map(([method, operation]) => ({ path, method, operation })),
  );
  operations.sort((a, b) => (a.operation.operationId < b.operation.operationId ? -1 : 1));
  const resources = Map.groupBy(operations, ({ operation }) =>
    camel(operation.operationId.split(".")[0] ?? ""),
  );
  const nested = (each: (one: (typeof operations)[number]) => string) =>
    [...resources]
      .map(([resource, ones]) => `${resource}: {\n${ones.map((one) => each(one)).join("\n")}\n}`)
      .join(",\n");
  return `// Generated from the contract by \`npm run client\`; do not edit.

${schemas.map(([name, schema]) => `${commentOf(schema)}export type ${name} = ${typeOf(schema)};`).join("\n\n")}

/** By resource and verb: what a call takes and what it answers. */
export interface Operations {
${nested(
  ({ operation }) =>
    `/** ${operation.summary}. */\n${verbOf(operation)}: { input: ${inputOf(document, operation)}; answer: ${answerOf(operation)} };`,
).replaceAll("},\n", "};\n")};
}

export type ProblemName = ${problemNames(document)
    .map((name) => JSON.stringify(name))
    .join(" | ")};

/** Where each operation is. */
export const routes = {
${nested(({ path, method, operation }) => `${verbOf(operation)}: { ${routeOf(path, method, operation).join(", ")} },`)}
} as const;
`;
}

function routeOf(path: string, method: string, operation: OperationObject): string[] {
  return [
    `method: "${method.toUpperCase()}"`,
    `path: "${path}"`,
    ...(takesBytes(operation) ? [`takes: "bytes"`] : []),
    ...(givesBytes(operation) ? [`gives: "bytes"`] : []),
  ];
}

function takesBytes({ requestBody }: OperationObject): boolean {
  return requestBody !== undefined && !("application/json" in requestBody.content);
}

// What can be asked for in part is streamed.
function givesBytes({ responses }: OperationObject): boolean {
  return "206" in responses;
}

// Pages and texts are for people; a program that wants them asks for them by their address.
function isForPrograms(operation: OperationObject): boolean {
  const success = successOf(operation);
  return (
    givesBytes(operation) ||
    success.content === undefined ||
    success.content["application/json"]?.schema !== undefined
  );
}

function inputOf({ components }: OpenApi, operation: OperationObject): string {
  const parameters = operation.parameters.map((parameter) =>
    "$ref" in parameter
      ? components.parameters[parameter.$ref.replace("#/components/parameters/", "")]
      : parameter,
  );
  const fields = (where: Parameter["in"]) =>
    parameters
      .filter((each) => each !== undefined)
      .filter((each) => each.in === where && each.name !== "tenant");
  const members = [
    memberOf("params", fields("path")),
    memberOf("query", fields("query")),
    operation.requestBody ? `body: ${bodyOf(operation)};` : "",
    ...fields("header").flatMap(({ name }) => {
      const option = options[name];
      return option ? [`${option}?: string;`] : [];
    }),
  ];
  return members.some((each) => each !== "") ? `{ ${members.join(" ")} }` : "Record<never, never>";
}

const options: Readonly<Record<string, string>> = {
  "Idempotency-Key": "idempotencyKey",
  "If-Match": "ifMatch",
  "Content-Digest": "contentDigest",
  Range: "range",
};

function bodyOf(operation: OperationObject): string {
  if (takesBytes(operation)) return "Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>";
  return typeOf(operation.requestBody?.content["application/json"]?.schema ?? {});
}

function memberOf(name: string, fields: readonly Parameter[]): string {
  if (fields.length === 0) return "";
  const isNeeded = fields.some((field) => field.required);
  const members = fields.map((each) => `${each.name}${each.required ? "" : "?"}: ${typeOf(each.schema)};`);
  return `${name}${isNeeded ? "" : "?"}: { ${members.join(" ")} };`;
}

function answerOf(operation: OperationObject): string {
  if (givesBytes(operation)) return "Response";
  const { content } = successOf(operation);
  return content ? typeOf(content["application/json"]?.schema ?? {}) : "null";
}

function successOf({ operationId, responses }: OperationObject): Response {
  const [, success] = Object.entries(responses).find(([status]) => status.startsWith("2")) ?? [];
  if (!success || "$ref" in success) throw new Error(`${operationId} has no success of its own.`);
  return success;
}

function typeOf(schema: JsonSchema): string {
  const { $ref, const: constant, enum: values, anyOf, oneOf, type } = schema;
  if (typeof $ref === "string") return $ref.replace("#/components/schemas/", "");
  if (constant !== undefined) return JSON.stringify(constant);
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(" | ");
  const union = anyOf ?? oneOf;
  if (Array.isArray(union)) return union.map(typeOf).join(" | ");
  if (Array.isArray(type)) return type.map((each) => typeOf({ ...schema, type: each })).join(" | ");
  if (type === "array") return `readonly (${typeOf(Object(schema.items))})[]`;
  if (type === "object") return objectOf(schema);
  if (type === "integer") return "number";
  return typeof type === "string" ? type : "unknown";
}

function objectOf(schema: JsonSchema): string {
  if (!schema.properties) return "Readonly<Record<string, unknown>>";
  const required = Array.isArray(schema.required) ? schema.required : [];
  const members = Object.entries<JsonSchema>(Object(schema.properties)).map(
    ([name, each]) =>
      `${commentOf(each)}readonly ${name}${required.includes(name) ? "" : "?"}: ${typeOf(each)};`,
  );
  return `{\n${members.join("\n")}\n}`;
}

function commentOf({ description }: JsonSchema): string {
  return typeof description === "string" ? `/** ${description} */\n` : "";
}

function problemNames({ components }: OpenApi): string[] {
  return Object.values(components.schemas).flatMap(({ properties }) => {
    const name = /^\/problems\/(.+)$/.exec(String(Object(Object(properties).type).const));
    return name?.[1] === undefined ? [] : [name[1]];
  });
}

function verbOf({ operationId }: OperationObject): string {
  return camel(operationId.split(".")[1] ?? "");
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
