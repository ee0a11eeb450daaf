import { type Schema, Validator } from "@cfworker/json-schema";
import { openApi } from "#http/openapi/document.ts";
import type {
  Header,
  JsonSchema,
  MediaType,
  OpenApi,
  OperationObject,
  Response,
} from "#http/openapi/types.ts";
import type { Registry } from "#http/registry.ts";
import { abouts } from "#resources/abouts.ts";
import type { Answer } from "#test/client.ts";

/** Ours and CORS's: what the contract must know of an answer. The others are the transport's. */
const contractual =
  /^(x-(?!content-type-options$)|ratelimit|retry-after$|etag$|idempotency-|accept-ranges$|content-range$|content-disposition$|last-modified$|access-control-allow-origin$|www-authenticate$)/;

/** As much of an answer as the contract speaks of. */
type Held = Pick<Answer, "status" | "headers" | "text" | "json">;

/** What of this answer the contract does not say; empty where it is as promised. */
export type ContractCheck = (method: string, url: string, answer: Held) => string[];

/** Holds answers against the OpenAPI document that the same registry publishes. */
export function contractCheck(registry: Registry): ContractCheck {
  let document: OpenApi | null = null;
  const validators = new Map<string, Validator>();

  return (method, url, answer) => {
    document ??= openApi(registry, abouts, "https://api.keyline.example");
    const isHead = method === "HEAD";
    const operation = operationAt(document, isHead ? "GET" : method, new URL(url).pathname);
    if (!operation) return strayFaults(answer);
    const { operationId } = operation;
    const response = resolved(document, operation.responses[String(answer.status)]);
    if (!response)
      return [
        `${operationId} answered ${answer.status}, which its contract lacks: declare the problem or status`,
      ];
    return [
      ...headerFaults(document, response, answer),
      ...(isHead ? [] : bodyFaults(document, operation, response, answer, validators)),
    ].map((fault) => `${operationId} answered ${answer.status}: ${fault}`);
  };
}

// Of what is no operation nothing is promised, and nothing but that is answered.
function strayFaults({ status, json }: Held): string[] {
  const isRefused = json?.type === "/problems/not-found" || json?.type === "/problems/https-required";
  return status === 204 || isRefused ? [] : [`what is no operation answered ${status}`];
}

function operationAt({ paths }: OpenApi, method: string, pathname: string): OperationObject | null {
  const candidates = Object.entries(paths).filter(([path]) => matches(path, pathname));
  // A literal path is meant before one with a placeholder in its place.
  candidates.sort(([a], [b]) => a.split("{").length - b.split("{").length);
  for (const [, operations] of candidates) {
    const found = operations[method.toLowerCase()];
    if (found) return found;
  }
  return null;
}

function matches(path: string, pathname: string): boolean {
  const parts = path.split("/");
  const given = pathname.split("/");
  return (
    parts.length === given.length &&
    parts.every((part, index) => part.startsWith("{") || part === given[index])
  );
}

function headerFaults(document: OpenApi, response: Response, { headers }: Held): string[] {
  const declared = Object.entries(response.headers).map(([name, { $ref }]) => {
    const header = document.components.headers[nameOf($ref)];
    if (!header) throw new Error(`The contract refers to ${$ref}, which is not there.`);
    return [name.toLowerCase(), header] as const;
  });
  const missing = declared.filter(([name, { required }]) => required && !headers.has(name));
  const known = new Map(declared);
  const undeclared = [...headers.keys()].filter((name) => contractual.test(name) && !known.has(name));
  return [
    ...missing.map(([name]) => `it lacks the header ${name}`),
    ...undeclared.map((name) => `its header ${name} is not in the contract`),
    ...declared.flatMap(([name, header]) => valueFaults(name, header, headers.get(name))),
  ];
}

const headerValidators = new Map<string, Validator>();

function valueFaults(name: string, { schema }: Header, value: string | null): string[] {
  if (value === null) return [];
  const given = schema.type === "integer" ? Number(value) : value;
  const validator = headerValidators.get(name) ?? new Validator(schema as Schema, "2020-12");
  headerValidators.set(name, validator);
  const { valid } = validator.validate(given);
  return valid ? [] : [`its header ${name} is ${value}, not of ${JSON.stringify(schema)}`];
}

function bodyFaults(
  document: OpenApi,
  { operationId }: OperationObject,
  response: Response,
  answer: Held,
  validators: Map<string, Validator>,
): string[] {
  if (!response.content) return answer.text === "" ? [] : ["it has a body, and the contract has none"];
  const type = (answer.headers.get("content-type") ?? "").replace(/;.*/, "");
  const media = mediaAt(response.content, type);
  if (!media) return [`it is ${type}, and the contract has ${Object.keys(response.content).join(", ")}`];
  if (!media.schema) return [];
  const key = `${operationId} ${answer.status} ${type}`;
  const validator = validators.get(key) ?? validatorOf(document, media.schema);
  validators.set(key, validator);
  const { valid, errors } = validator.validate(answer.json);
  return valid ? [] : errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`).slice(-3);
}

// A range such as image/* or */* stands for each type in it.
function mediaAt(content: NonNullable<Response["content"]>, type: string): MediaType | undefined {
  return content[type] ?? content[type.replace(/\/.*/, "/*")] ?? content["*/*"];
}

// The published schemas leave room for fields of later versions; what we answer today has only those of today.
function validatorOf({ components }: OpenApi, schema: JsonSchema): Validator {
  const closed: Schema = JSON.parse(
    JSON.stringify({ ...schema, components: { schemas: components.schemas } }),
    close,
  );
  return new Validator(closed, "2020-12", false);
}

function close(key: string, value: unknown): unknown {
  if (key === "properties" || typeof value !== "object" || value === null || !("properties" in value))
    return value;
  return { additionalProperties: false, ...value };
}

function resolved(document: OpenApi, response: Response | { $ref: string } | undefined): Response | null {
  if (!response) return null;
  return "$ref" in response ? (document.components.responses[nameOf(response.$ref)] ?? null) : response;
}

function nameOf($ref: string): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}
