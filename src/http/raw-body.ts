import { z } from "zod";
import { sha256Of } from "#lib/content-digest.ts";
import { secondMs } from "#lib/time.ts";
import { problemAnswer } from "./answers.ts";
import { writtenAs } from "./media.ts";
import type { RequestContext } from "./request-state.ts";

/** How a body of bytes is described: in the contract, and to the door that lets it in. */
export interface RawBodyTerms {
  readonly contentType: string;
  readonly mostBytes: number;
  /** After this long it is cut off, so that an effect's sweeper never meets a request that still lives. */
  readonly withinSeconds: number;
}

/** A body's facts, which every handler sees, with the bytes, which only `perform` gets. */
export interface StreamedBody extends BodyFacts {
  readonly bytes: ReadableStream<Uint8Array>;
  readonly signal: AbortSignal;
}

export type RawBody = ReturnType<typeof rawBody>;
export type BodyFacts = z.output<RawBody>;

const terms = new WeakMap<z.ZodType, RawBodyTerms>();

/** `body: rawBody({ … })`: bytes that are streamed and never held. Its size is known before the first of them. */
export function rawBody(given: RawBodyTerms) {
  const shape = z.object({
    size: z.int(),
    /** Hex, from Content-Digest; null where the client sent none. */
    sha256: z.string().nullable(),
  });
  terms.set(shape, given);
  return writtenAs(shape, { kind: "bytes", type: given.contentType, mostBytes: given.mostBytes });
}

/** null where the body is JSON, or there is none. */
export function rawBodyTerms(body: z.ZodType | undefined): RawBodyTerms | null {
  return (body && terms.get(body)) ?? null;
}

/** What is wrong with the fields that announce the body, or null. */
export function rawBodyProblem(c: RequestContext, { mostBytes }: RawBodyTerms): Response | null {
  const length = c.req.header("content-length");
  if (length === undefined) return problemAnswer(c, "length-required");
  const wrong = (parameter: string, detail: string) =>
    problemAnswer(c, "malformed-request", { errors: [{ parameter, detail }] });
  if (!/^\d{1,15}$/.test(length)) return wrong("Content-Length", "is not a number of bytes");
  if (Number(length) > mostBytes) return problemAnswer(c, "too-large");
  if (Number(length) === 0) return wrong("Content-Length", "is 0, and there is no file without a byte");
  return digestOf(c) === undefined
    ? wrong("Content-Digest", "is not of the form sha-256=:<base64>: (RFC 9530)")
    : null;
}

/** @throws Error where rawBodyProblem was not asked first */
export function bodyFacts(c: RequestContext): BodyFacts {
  const sha256 = digestOf(c);
  if (sha256 === undefined) throw new Error("A body was taken in with a Content-Digest that is none.");
  return { size: Number(c.req.header("content-length")), sha256 };
}

/** The body itself, to be read once. */
export function streamedBody(c: RequestContext, { withinSeconds }: RawBodyTerms): StreamedBody {
  const bytes = c.req.raw.body;
  if (bytes === null) throw new Error("A request with a Content-Length came without a body.");
  return { ...bodyFacts(c), bytes, signal: AbortSignal.timeout(withinSeconds * secondMs) };
}

function digestOf(c: RequestContext): string | null | undefined {
  const field = c.req.header("content-digest");
  return field === undefined ? null : sha256Of(field);
}
