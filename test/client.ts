import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { expect } from "vitest";
import { createApp } from "#app.ts";
import { namedOperations, pathOf, type Registry } from "#http/registry.ts";
import type { Env } from "#platform/env.ts";
import { registry } from "#resources/index.ts";
import { testEnv } from "#test/env.ts";

export interface Call {
  readonly tenant?: string;
  /** A key or token; sent as a bearer. */
  readonly as?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly env?: Env;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** What any operation may answer besides the problems it declares. */
const universal = [
  "invalid",
  "malformed-request",
  "unauthorized",
  "forbidden",
  "not-found",
  "rate-limited",
  "address-not-allowed",
  "origin-not-allowed",
  "tenant-suspended",
  "https-required",
  "too-large",
  "unsupported-media-type",
  "unavailable",
  "in-progress",
  "idempotency-key-reused",
  "upstream-failed",
];

/** A client of the app under test that knows the registry: it fails on a problem that an operation does not declare. */
export function clientOf(operations: Registry = registry) {
  const app = createApp(operations);
  const named = new Map(namedOperations(operations).map(({ name, operation }) => [name, operation]));

  async function send(request: Request, env: Env = testEnv()): Promise<Answer> {
    const context = createExecutionContext();
    const response = await app.fetch(request, env, context);
    const text = await response.text();
    await waitOnExecutionContext(context);
    const isJson = text !== "" && /json/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : null,
    };
  }

  async function call(
    name: string,
    { tenant = "", as, params = {}, query = {}, body, headers = {}, env }: Call = {},
  ): Promise<Answer> {
    const operation = named.get(name);
    if (!operation) throw new Error(`There is no operation ${name}.`);
    const path = pathOf(operation).replaceAll(/\{(\w+)\}/g, (_, key: string) =>
      encodeURIComponent(key === "tenant" ? tenant : (params[key] ?? "")),
    );
    const url = new URL(path, "http://localhost:8787");
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const request = new Request(url, {
      method: operation.method.toUpperCase(),
      headers: {
        ...(as ? { Authorization: `Bearer ${as}` } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await send(request, env);
    if (answer.headers.get("content-type") === "application/problem+json") {
      const problem = String(answer.json.type).replace("/problems/", "");
      expect(
        [...operation.problems, ...universal],
        `${name} answered ${answer.text}; declare the problem or do not answer it`,
      ).toContain(problem);
    }
    return answer;
  }

  return { call, send };
}
