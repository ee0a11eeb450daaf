import { isBytes, type Media, mediaOf } from "#http/media.ts";
import type { AnyOperation } from "#http/registry.ts";
import { exampleOf } from "./example.ts";
import { bytesHeaders, type Headers, successHeaders } from "./headers.ts";
import type { Schemas } from "./schemas.ts";
import type { JsonSchema, MediaType, RequestBody, Response } from "./types.ts";

const formType = "application/x-www-form-urlencoded";

/** What an operation takes in: JSON of its shape, or bytes; undefined where it takes no body. */
export function requestBodyOf(operation: AnyOperation, schemas: Schemas): RequestBody | undefined {
  const { body } = operation;
  if (operation.form === "protocol" && operation.takes) {
    const content = { [formType]: contentOf(schemas.ofRequest(operation.takes), schemas) };
    return { required: true, content };
  }
  if (!body) return undefined;
  const media = mediaOf(body);
  if (media?.kind !== "bytes") {
    const content = { "application/json": contentOf(schemas.ofRequest(body), schemas) };
    return { required: true, content };
  }
  return {
    description: `The bytes as they are, at most ${media.mostBytes.toLocaleString("en")} of them. Their Content-Length is needed.`,
    required: true,
    content: { [media.type]: schemas.bytes(media.mostBytes) },
  };
}

/** What it answers where nothing is refused, by status. */
export function successesOf(
  operation: AnyOperation,
  returns: JsonSchema,
  isVersioned: boolean,
  schemas: Schemas,
  headers: Headers,
): Record<string, Response> {
  const { summary, status = 200 } = operation;
  const media = mediaOf(operation.returns);
  const presence = successHeaders(operation, isVersioned);
  const success = { description: `${summary}: done.`, headers: headers.of(presence) };
  const unchanged = {
    description: "It is still of the version that If-None-Match names.",
    headers: headers.of(isBytes(operation.returns) ? bytesHeaders(presence, 304) : presence),
  };
  const later = {
    description:
      "Done, but for a cell that did not answer: tokens of ended sessions are taken there for five minutes at most.",
    headers: success.headers,
  };
  if (status === 204) return operation.endsSessions ? { 204: success, 202: later } : { 204: success };
  if (!media) {
    const done = { ...success, content: { "application/json": contentOf(returns, schemas) } };
    return isVersioned && operation.method === "get" ? { 200: done, 304: unchanged } : { [status]: done };
  }
  if (media.kind === "text")
    return { 200: { ...success, content: { [essenceOf(media)]: {} } }, 304: unchanged };
  const content = { [media.type]: schemas.bytes(media.mostBytes) };
  const whole = { ...success, headers: headers.of(bytesHeaders(presence, 200)), content };
  const part = {
    description: "The bytes that Range names.",
    headers: headers.of(bytesHeaders(presence, 206)),
    content,
  };
  return { 200: whole, 206: part, 304: unchanged };
}

function contentOf(schema: JsonSchema, { components }: Schemas): MediaType {
  const example = exampleOf(schema, components);
  return example === undefined ? { schema } : { schema, example };
}

function essenceOf({ type }: Media): string {
  return type.replace(/;.*/, "");
}
