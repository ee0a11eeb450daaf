import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { expect } from "vitest";
import { createApp } from "#app.ts";
import { namedOperations, pathOf, type Registry } from "#http/registry.ts";
import type { Env } from "#platform/env.ts";
import { registry } from "#resources/index.ts";
import { contractCheck } from "#test/contract/validator.ts";
import { testEnv } from "#test/env.ts";

export interface Call {
  readonly tenant?: string;
  /** A key or token; sent as a bearer. */
  readonly as?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A body as it is, instead of JSON. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly env?: Env;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Uint8Array;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** A client of the app under test that knows the registry: it fails on any answer that the contract does not declare. */
export function clientOf(operations: Registry = registry) {
  const app = createApp(operations);
  const faultsOf = contractCheck(operations);
  const named = new Map(namedOperations(operations).map(({ name, operation }) => [name, operation]));

  async function send(request: Request, env: Env = testEnv()): Promise<Answer> {
    const context = createExecutionContext();
    const response = await app.fetch(request, env, context);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    await waitOnExecutionContext(context);
    const isJson = text !== "" && /json/.test(response.headers.get("content-type") ?? "");
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      text,
      bytes,
      json: isJson ? JSON.parse(text) : null,
    };
    const isRedirect = response.status === 308;
    expect(
      isRedirect ? [] : faultsOf(request.method, request.url, answer),
      `what the operation declares (src/resources), or what the door adds (src/http/openapi), differs from ${text}`,
    ).toEqual([]);
    return answer;
  }

  async function call(
    name: string,
    { tenant = "", as, params = {}, query = {}, body, bytes, headers = {}, env }: Call = {},
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
        ...(bytes === undefined ? {} : { "Content-Length": String(bytes.length) }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(bytes === undefined ? {} : { body: bytes }),
    });
    return await send(request, env);
  }

  return { call, send };
}
