import type { AnyOperation } from "#http/registry.ts";
import { takesIdempotencyKey } from "./problems.ts";
import type { Header, JsonSchema, Parameter, Reference } from "./types.ts";

const visible = (maxLength: number, pattern: string): JsonSchema => ({ type: "string", maxLength, pattern });

const answered: Readonly<Record<string, Omit<Header, "required">>> = {
  "X-Request-Id": {
    description: "Names this call in our logs; quote it when you ask for help.",
    schema: visible(64, "^req_[0-9a-z]{26}$"),
  },
  "RateLimit-Policy": {
    description: "The plan's limit (IETF draft, structured field): `q` calls in `w` seconds, and its burst.",
    schema: visible(100, '^"[a-z]+";q=\\d+;w=\\d+;keyline-burst=\\d+$'),
  },
  RateLimit: {
    description: "What is left of it: `r` more calls now, all of them again in `t` seconds.",
    schema: visible(100, '^"[a-z]+";r=\\d+;t=\\d+$'),
  },
  "Retry-After": {
    description: "Seconds to wait before asking again.",
    schema: { type: "integer", format: "int32", minimum: 0, maximum: 86400 },
  },
  ETag: {
    description: "The version of what is answered; send it back as If-Match or If-None-Match.",
    schema: visible(80, '^"[^"]+"$'),
  },
  "X-Keyline-Bookmark": {
    description: "Send it with the next call, and that call sees at least what this one saw.",
    schema: visible(300, "^[0-9a-f-]+~[A-Za-z0-9_-]{22}$"),
  },
  "X-Keyline-Cell": { description: "The cell that answered.", schema: visible(16, "^[a-z0-9]+$") },
  "Idempotency-Replayed": {
    description: "`true`: this is the answer that the first call with this Idempotency-Key was given.",
    schema: { type: "string", enum: ["true"] },
  },
  "Access-Control-Allow-Origin": {
    description:
      "For pages of other origins: the caller's, where the tenant allows it; `*` on public answers.",
    schema: visible(255, "^(?:\\*|https?://[^/]+)$"),
  },
  "WWW-Authenticate": { description: "`Bearer`.", schema: { type: "string", enum: ["Bearer"] } },
  "Cache-Control": { description: "How long the answer may be kept.", schema: visible(100, "^[ -~]+$") },
};

/** Headers of the requests, by the name of their component. */
export const requestHeaders: Readonly<Record<string, Parameter>> = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    description:
      "Any text that names this attempt, such as a UUID. The same key with the same body gets the first answer again instead of a second effect.",
    schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[\\x21-\\x7e]+$" },
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    required: false,
    description: "Change it only while it is of this version (the ETag of a former answer), or `*`.",
    schema: visible(500, '^(?:\\*|(?:W/)?"[^"]*"(?:\\s*,\\s*(?:W/)?"[^"]*")*)$'),
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    required: false,
    description: "Answer 304 and no body while it is of this version.",
    schema: visible(500, '^(?:\\*|(?:W/)?"[^"]*"(?:\\s*,\\s*(?:W/)?"[^"]*")*)$'),
  },
  Bookmark: {
    name: "X-Keyline-Bookmark",
    in: "header",
    required: false,
    description: "The bookmark of a former answer: read at least what that one saw.",
    schema: visible(300, "^[\\x21-\\x7e]+$"),
  },
};

/** The header components of a document, made as answers refer to them. */
export class Headers {
  readonly components: Record<string, Header> = {};

  /** What is always there is required of the answer; the rest only where there is something to say. */
  of({ always, sometimes }: Presence): Record<string, Reference> {
    return Object.fromEntries([
      ...always.map((name) => [name, this.#refer(name, true)]),
      ...sometimes.map((name) => [name, this.#refer(name, false)]),
    ]);
  }

  #refer(name: string, required: boolean): Reference {
    const header = answered[name];
    if (!header) throw new Error(`The contract does not know the header ${name}.`);
    const component = required ? name : `${name}-Maybe`;
    this.components[component] = { description: header.description, required, schema: header.schema };
    return { $ref: `#/components/headers/${component}` };
  }
}

export interface Presence {
  readonly always: readonly string[];
  readonly sometimes: readonly string[];
}

const ofTheGate = ["RateLimit-Policy", "RateLimit", "X-Keyline-Cell"];
const cors = "Access-Control-Allow-Origin";

/** Which headers a success of this operation carries. */
export function successHeaders(operation: AnyOperation, isVersioned: boolean): Presence {
  if (operation.form === "public") return { always: ["X-Request-Id", cors], sometimes: textHeaders };
  return {
    always: [
      "X-Request-Id",
      ...ofTheGate,
      ...(isVersioned ? ["ETag"] : []),
      ...(operation.store === "cell" ? ["X-Keyline-Bookmark"] : []),
    ],
    sometimes: [
      cors,
      ...(operation.store === "none" ? ["X-Keyline-Bookmark"] : []),
      ...(takesIdempotencyKey(operation) ? ["Idempotency-Replayed"] : []),
    ],
  };
}

const textHeaders = ["ETag", "Cache-Control"];

/** Statuses that a request can meet before the gate has let its principal in. */
const beforeTheGate = [401, 403, 429, 500, 503];

/** Which headers a problem of this status carries. */
export function problemHeaders(operation: AnyOperation, status: number): Presence {
  const own = status === 401 ? ["WWW-Authenticate"] : [];
  const retry = status === 429 ? ["Retry-After"] : [];
  const always = ["X-Request-Id", ...own, ...retry];
  const sometimes = [cors, ...([409, 502, 503].includes(status) ? ["Retry-After"] : [])];
  if (operation.form === "public") return { always, sometimes };
  return beforeTheGate.includes(status)
    ? { always, sometimes: [...ofTheGate, ...sometimes] }
    : { always: [...always, ...ofTheGate], sometimes };
}
