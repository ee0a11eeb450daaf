import type { ProtocolAnswer } from "#http/protocol-answer.ts";
import type { ProtocolRequest } from "#http/protocol-operation.ts";
import { refused } from "./refusals.ts";

const mostBytes = 16 * 1024;
const type = /^application\/x-www-form-urlencoded(?:\s*;\s*charset=utf-8)?$/i;

export type Form = ReadonlyMap<string, string>;
export type FormRequest = Pick<ProtocolRequest<unknown>, "header" | "body">;

/** The parameters of a request; those without a value count as left out (RFC 6749 section 3.2). */
export function readForm({ header, body }: FormRequest): Form | ProtocolAnswer {
  if (!type.test(header("content-type") ?? ""))
    return refused("invalid_request", "The body is not application/x-www-form-urlencoded.");
  if (body.length > mostBytes) return refused("invalid_request", "The body is longer than 16 KB.");
  const text = decoded(body);
  return text === null
    ? refused("invalid_request", "The body is not UTF-8.")
    : parametersOf(new URLSearchParams(text));
}

/** RFC 6749 section 3.1: no parameter twice. */
export function parametersOf(pairs: URLSearchParams): Form | ProtocolAnswer {
  const form = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (form.has(name)) return refused("invalid_request", "A parameter is there twice.");
    form.set(name, value);
  }
  return new Map([...form].filter(([, value]) => value !== ""));
}

function decoded(body: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}
