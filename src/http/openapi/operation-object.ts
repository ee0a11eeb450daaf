import { capabilities } from "#gate/capabilities.ts";
import { isBytes, mediaOf } from "#http/media.ts";
import { AnyPrincipal } from "#http/operation.ts";
import { type AnyOperation, isForAnybody, isMine, type NamedOperation } from "#http/registry.ts";
import { requestBodyOf, successesOf } from "./bodies.ts";
import { referred } from "./example.ts";
import { type Headers, ownRefusalHeaders } from "./headers.ts";
import type { ProblemAnswers } from "./problem-answers.ts";
import { takesIdempotencyKey, takesIfMatch } from "./problems.ts";
import type { Schemas } from "./schemas.ts";
import type { JsonSchema, OperationObject, Parameter, Reference, Response } from "./types.ts";

export interface Parts {
  readonly schemas: Schemas;
  readonly headers: Headers;
  readonly problems: ProblemAnswers;
}

/** One operation as OpenAPI says it. */
export function operationObject({ name, operation }: NamedOperation, parts: Parts): OperationObject {
  const [tag = name] = name.split(".");
  const { capability, needs } = accessOf(operation);
  const returns = mediaOf(operation.returns) ? {} : parts.schemas.ofAnswer(operation.returns);
  const isVersioned = hasVersion(returns, parts.schemas);
  const requestBody = requestBodyOf(operation, parts.schemas);
  const successes = successesOf(operation, returns, isVersioned, parts.schemas, parts.headers);
  return {
    operationId: name,
    tags: [tag],
    summary: operation.summary,
    description: [`${operation.summary}.`, needs, ...notes(operation)].join("\n\n"),
    security: securityOf(operation),
    parameters: parametersOf(operation, isVersioned, parts.schemas),
    ...(requestBody ? { requestBody } : {}),
    responses: { ...successes, ...ownRefusals(operation, parts), ...parts.problems.of(operation) },
    "x-keyline-capability": capability,
  };
}

function securityOf(operation: AnyOperation): Record<string, []>[] {
  // What has refusals of its own has credentials of its own, in a form or as its RFC says.
  if (operation.form === "protocol") return operation.refuses ? [] : [{ signature: [] }];
  return isForAnybody(operation) ? [] : [{ bearer: [] }];
}

function ownRefusals(operation: AnyOperation, { schemas, headers }: Parts): Record<string, Response> {
  if (operation.form !== "protocol" || !operation.refuses) return {};
  const { statuses, shape } = operation.refuses;
  const own = { "application/json": { schema: schemas.ofAnswer(shape) } };
  return Object.fromEntries(
    statuses.map((status) => {
      // Plain http is refused by the door, as always.
      const content = status === 403 ? { ...own, "application/problem+json": {} } : own;
      const said = headers.of(ownRefusalHeaders(status));
      return [String(status), { description: "Refused, as its RFC says.", headers: said, content }];
    }),
  );
}

function accessOf(operation: AnyOperation): { capability: string | null; needs: string } {
  if (isForAnybody(operation))
    return { capability: null, needs: `Takes no credentials of ours: ${operation.can.because}.` };
  if (isMine(operation))
    return { capability: null, needs: "Takes a user's own token, for what is their own." };
  const { can, inPerson } = operation;
  if (can instanceof AnyPrincipal)
    return { capability: null, needs: `Takes any credentials of the tenant: ${can.because}.` };
  const whose = inPerson ? " Takes a member's own session alone: no API key and no OAuth client." : "";
  return { capability: can, needs: `Needs \`${can}\`: ${capabilities[can].label.toLowerCase()}.${whose}` };
}

function notes(operation: AnyOperation): string[] {
  const found: string[] = [];
  if ((operation.form === "write" || operation.form === "me-write") && operation.shownOnce)
    found.push(
      `Shown once, and null in a replay: ${operation.shownOnce.map((field) => `\`${field}\``).join(", ")}.`,
    );
  if (takesIdempotencyKey(operation)) {
    const days = operation.form === "write" ? operation.keepsReplayDays : undefined;
    found.push(`Answers to an Idempotency-Key are kept for ${days ? `${days} days` : "24 hours"}.`);
  }
  if (isBytes(operation.returns))
    found.push("Streamed; ranges and conditional requests are answered as RFC 9110 says.");
  if (operation.mount === "tenant" && operation.recordRefusal)
    found.push("A refused call is recorded in the audit.");
  if (operation.mount === "tenant" && operation.expensive)
    found.push(
      "Has a limit of its own, a tenth of the rate: such a call takes nothing from what is left for others.",
    );
  return found;
}

function hasVersion(schema: JsonSchema, schemas: Schemas): boolean {
  const whole = typeof schema.$ref === "string" ? referred(schema.$ref, schemas.components) : schema;
  return Object.hasOwn(Object(whole.properties), "version");
}

function parametersOf(
  operation: AnyOperation,
  isVersioned: boolean,
  schemas: Schemas,
): (Parameter | Reference)[] {
  const refer = (name: string) => ({ $ref: `#/components/parameters/${name}` });
  const isTenant = operation.mount === "tenant";
  return [
    ...(isTenant ? [refer("Tenant")] : []),
    ...(operation.params ? fieldsOf(schemas.ofRequest(operation.params), "path") : []),
    ...(operation.query ? fieldsOf(schemas.ofRequest(operation.query), "query") : []),
    ...(takesIdempotencyKey(operation) ? [refer("IdempotencyKey")] : []),
    ...(takesIfMatch(operation) ? [refer("IfMatch")] : []),
    ...(isBytes(operation.body) ? [refer("ContentDigest")] : []),
    ...(isBytes(operation.returns) ? ofBytes.map(refer) : []),
    ...(isVersioned && operation.method === "get" ? [refer("IfNoneMatch")] : []),
    ...(operation.form === "read" && operation.store !== "none" ? [refer("Bookmark")] : []),
  ];
}

const ofBytes = ["Range", "IfRange", "IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince"];

function fieldsOf(schema: JsonSchema, where: "path" | "query"): Parameter[] {
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries<JsonSchema>(Object(schema.properties)).map(([name, { description, ...each }]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    description: typeof description === "string" ? description : `The ${spaced(name)}.`,
    schema: each,
  }));
}

function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
