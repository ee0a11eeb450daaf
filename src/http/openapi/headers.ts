import { isBytes } from "#http/media.ts";
import { type AnyOperation, isForAnybody, isMine } from "#http/registry.ts";
import { answered } from "./header-tables.ts";
import { takesIdempotencyKey } from "./problems.ts";
import type { Header, Reference } from "./types.ts";

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

const ofALimit = ["RateLimit-Policy", "RateLimit"];
const ofTheGate = [...ofALimit, "X-Keyline-Cell"];
const cors = "Access-Control-Allow-Origin";
/** What some principals alone are told. */
const ofSome = ["X-Keyline-Key-Retires", "X-Keyline-Impersonation"];

/** Which headers a success of this operation carries. */
export function successHeaders(operation: AnyOperation, isVersioned: boolean): Presence {
  if (operation.form === "public") return { always: ["X-Request-Id", cors], sometimes: textHeaders };
  if (operation.form === "protocol" && operation.refuses)
    return { always: ["X-Request-Id", cors], sometimes: [] };
  const limit = isCounted(operation) ? ofALimit : [];
  if (isForAnybody(operation)) return { always: ["X-Request-Id", ...limit], sometimes: [] };
  const replayed = takesIdempotencyKey(operation) ? ["Idempotency-Replayed"] : [];
  if (isMine(operation))
    return { always: ["X-Request-Id", ...limit, ...(isVersioned ? ["ETag"] : [])], sometimes: replayed };
  return {
    always: [
      "X-Request-Id",
      ...ofTheGate,
      ...(isVersioned ? ["ETag"] : []),
      ...(operation.store !== "none" ? ["X-Keyline-Bookmark"] : []),
    ],
    sometimes: [cors, ...ofSome, ...(operation.store === "none" ? ["X-Keyline-Bookmark"] : []), ...replayed],
  };
}

/** Against the user who asks, whom no gate counts. */
export function isCounted(operation: AnyOperation): boolean {
  return isMine(operation)
    ? operation.method !== "get"
    : operation.form === "visitor" && !!operation.countsUser;
}

/** What a protocol's own refusal of this status carries. */
export function ownRefusalHeaders(status: number): Presence {
  const own = [cors, ...(status === 400 ? [] : ["WWW-Authenticate"])];
  return status === 403
    ? { always: ["X-Request-Id"], sometimes: own }
    : { always: ["X-Request-Id", ...own], sometimes: [] };
}

/** What streamed bytes carry besides. */
export function bytesHeaders({ always, sometimes }: Presence, status: 200 | 206 | 304): Presence {
  const own = ["ETag", "Last-Modified", "Accept-Ranges"];
  if (status !== 304) own.push("Content-Disposition");
  if (status === 206) own.push("Content-Range");
  return { always: [...always, ...own], sometimes };
}

const textHeaders = ["ETag", "Cache-Control"];

/** Statuses that a request can meet before the gate has let its principal in. */
const beforeTheGate = [401, 403, 429, 500, 503];

/** Which headers a problem of this status carries. */
export function problemHeaders(operation: AnyOperation, status: number): Presence {
  const own = status === 401 ? ["WWW-Authenticate"] : [];
  const retry = status === 429 ? ["Retry-After"] : [];
  const isStreamed = isBytes(operation.returns);
  const range = isStreamed && status === 416 ? ["Accept-Ranges", "Content-Range"] : [];
  const always = ["X-Request-Id", ...own, ...retry, ...range];
  const sometimes = [
    cors,
    ...([409, 502, 503].includes(status) ? ["Retry-After"] : []),
    // The row was read before the request was held against it.
    ...(isStreamed ? ["X-Keyline-Bookmark"] : []),
  ];
  if (isForAnybody(operation) || isMine(operation))
    return { always, sometimes: isCounted(operation) ? [...ofALimit, ...sometimes] : sometimes };
  return beforeTheGate.includes(status)
    ? { always, sometimes: [...ofTheGate, ...ofSome, ...sometimes] }
    : { always: [...always, ...ofTheGate], sometimes: [...ofSome, ...sometimes] };
}
