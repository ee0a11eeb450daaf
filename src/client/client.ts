import { type Operations, type ProblemName, routes } from "./operations.ts";
import { problemOf, retryAfterMs } from "./problem.ts";

// A client for browsers and Node. It imports nothing but what is generated beside it, so the folder can be copied.

export interface ClientOptions {
  /** `https://api.example`. */
  readonly baseUrl: string;
  /** The tenant's slug or id. */
  readonly tenant: string;
  /** An API key or an access token, or what fetches one for each call. */
  readonly key: string | (() => string | Promise<string>);
  readonly fetch?: typeof fetch;
  /** How often a call is made at most, when it was refused for a while or the connection broke. */
  readonly tries?: number;
  readonly onAnswer?: (operation: string, response: Response) => void;
}

interface Call {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly ifMatch?: string;
  readonly contentDigest?: string;
  readonly range?: string;
}

interface Known {
  readonly input: object;
  readonly answer: unknown;
}

type Method<O extends Known> =
  Record<never, never> extends O["input"]
    ? (input?: O["input"]) => Promise<O["answer"]>
    : (input: O["input"]) => Promise<O["answer"]>;

/** `client.orders.create({ body })`. */
export type Client = {
  readonly [R in keyof Operations]: {
    readonly [V in keyof Operations[R]]: Operations[R][V] extends Known ? Method<Operations[R][V]> : never;
  };
};

/** A client of one tenant; where bytes are answered it gives the Response itself, to be streamed. Refusals are thrown as KeylineProblem; what one call wrote, the next one sees. */
export function createClient(options: ClientOptions): Client {
  const state: State = { ...options, bookmark: null };
  const resources = Object.entries(routes).map(([resource, verbs]) => [
    resource,
    Object.fromEntries(
      Object.entries(verbs).map(([verb, route]: [string, Route]) => [
        verb,
        (input: Call = {}) => send(state, `${resource}.${verb}`, route, input),
      ]),
    ),
  ]);
  // The table and the types are generated from the same document, and every method has the same form.
  return Object.fromEntries(resources) as Client;
}

/** Every item of a list, page after page: `for await (const order of each(client.orders.list)) …`. */
export async function* each<T, Q extends { cursor?: string; limit?: number }>(
  list: (input: {
    query?: Q;
  }) => Promise<{ readonly data: readonly T[]; readonly nextCursor: string | null }>,
  query: Q = {} as Q,
): AsyncGenerator<T> {
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page = await list({ query: cursor === undefined ? query : { ...query, cursor } });
    yield* page.data;
    cursor = page.nextCursor;
  }
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly takes?: "bytes";
  readonly gives?: "bytes";
}

interface State extends ClientOptions {
  /** Where the database stood when it last answered us. */
  bookmark: string | null;
}

async function send(state: State, operation: string, route: Route, input: Call): Promise<unknown> {
  const { tries = 3, fetch: ask = fetch } = state;
  // One key for all tries: the first that arrives is the one that counts.
  const idempotencyKey = route.method === "POST" ? (input.idempotencyKey ?? crypto.randomUUID()) : null;
  const isSafe = route.method === "GET" || idempotencyKey !== null;
  for (let tried = 1; ; tried += 1) {
    const request = await requestOf(state, route, input, idempotencyKey);
    const response = await ask(request).catch((error: unknown) => {
      if (!isSafe || tried >= tries) throw error;
      return null;
    });
    if (response) {
      state.onAnswer?.(operation, response);
      state.bookmark = response.headers.get("X-Keyline-Bookmark") ?? state.bookmark;
      if (response.ok && route.gives === "bytes") return response;
      if (response.ok) return response.status === 204 ? null : await response.json();
      const isWorthIt = response.status === 429 || (isSafe && [502, 503].includes(response.status));
      if (!isWorthIt || tried >= tries) throw await problemOf<ProblemName>(operation, response);
    }
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs(response, tried)));
  }
}

async function requestOf(
  { baseUrl, tenant, key, bookmark }: State,
  { method, path, takes }: Route,
  { params = {}, query = {}, body, ifMatch, contentDigest, range }: Call,
  idempotencyKey: string | null,
): Promise<Request> {
  const values: Readonly<Record<string, string>> = { tenant, ...params };
  const url = new URL(
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? "")),
    baseUrl,
  );
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  const headers = new Headers({ Authorization: `Bearer ${typeof key === "string" ? key : await key()}` });
  const given = {
    "Content-Type": body === undefined ? null : takes ? "application/octet-stream" : "application/json",
    "Content-Digest": contentDigest,
    "Idempotency-Key": idempotencyKey,
    "If-Match": ifMatch,
    Range: range,
    "X-Keyline-Bookmark": bookmark,
  };
  for (const [name, value] of Object.entries(given)) if (value) headers.set(name, value);
  // Which of the two it is, the types have said where the call was written.
  const sent = takes ? (body as Blob) : JSON.stringify(body);
  return new Request(url, { method, headers, ...(body === undefined ? {} : { body: sent }) });
}
