import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { anyPrincipal, readOperation } from "#http/operation.ts";
import { callsOfMessage } from "#lib/call-record.ts";
import { registry } from "#resources/index.ts";
import { consumed, listening, logOf } from "#test/call-log.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv, wholeEnv } from "#test/env.ts";
import { wholeOf } from "#test/every-operation/trial.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { envWith, memberToken, newTenant, proxied, type TestTenant } from "#test/world.ts";

const broken = {
  throws: readOperation({
    mount: "tenant",
    method: "get",
    path: "/broken",
    summary: "For this test",
    can: anyPrincipal({ because: "it is a test" }),
    store: "cell",
    returns: z.null(),
    problems: ["internal"],
    run: () => Promise.reject(new Error("broken")),
  }),
};
const { call, send } = clientOf({ ...registry, broken });
const waiting = { CALL_LOG_WAIT_MS: "40" };
const absentOrder = "ord_01arz3ndektsv4rrffq69g5fav";

let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

afterEach(() => void vi.restoreAllMocks());

for (const { name, operation } of tenantOperations) {
  test(`${name} is noted by its name and template, with nothing of what stood in its URL`, async () => {
    const { env, messages, calls } = listening();
    const input = await exampleOf(name).make(tenant);
    const whole = await wholeOf(tenant, name);
    const answer = await ask(name, { as: whole.as, ...input, env });
    const route = `${operation.method.toUpperCase()} /v1/tenants/{tenant}${operation.path}`;
    expect(messages().map(({ tenantId }) => tenantId)).toEqual([tenant.tenantId]);
    expect(calls()).toEqual([
      {
        id: answer.headers.get("x-request-id"),
        actorId: whole.id,
        clientId: null,
        operation: name,
        route,
        status: answer.status,
        problem: null,
        durationMs: expect.any(Number),
        times: 1,
      },
    ]);
    const values = [tenant.slug, ...Object.values(input.params ?? {}), ...Object.values(input.query ?? {})];
    for (const value of values.filter((each) => each.length > 3 && each !== "draft"))
      expect(JSON.stringify(messages())).not.toContain(value);
  });
}

/** What becomes of a call that is no success; by hand. */
const refusals: readonly [
  what: string,
  name: string,
  input: () => Call | Promise<Call>,
  expected: [number, string],
][] = [
  ["another tenant's URL", "orders.list", () => ({ tenant: "nobody-has-this-slug" }), [404, "not-found"]],
  [
    "a missing capability",
    "orders.create",
    async () => ({ as: await memberToken(tenant, "viewer") }),
    [403, "forbidden"],
  ],
  [
    "a recorded refusal",
    "settings.update",
    async () => ({ as: await memberToken(tenant, "viewer"), body: {} }),
    [403, "forbidden"],
  ],
  ["an absent id", "orders.get", () => ({ params: { orderId: absentOrder } }), [404, "not-found"]],
  ["an invalid query", "orders.list", () => ({ query: { limit: "0" } }), [422, "invalid"]],
  [
    "an origin that is not listed",
    "orders.list",
    () => ({ headers: { Origin: "https://elsewhere.example" } }),
    [403, "origin-not-allowed"],
  ],
  ["a defect of ours", "broken.throws", () => ({}), [500, "internal"]],
];

for (const [what, name, input, [status, problem]] of refusals) {
  test(`${what} is noted as ${status} ${problem}, for the caller's own tenant`, async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const { env, messages, calls } = listening();
    expect((await ask(name, { ...(await input()), env })).status).toBe(status);
    expect(messages().map(({ tenantId }) => tenantId)).toEqual([tenant.tenantId]);
    expect(calls()).toEqual([expect.objectContaining({ operation: name, status, problem })]);
  });
}

test("a member's call is noted as the member's", async () => {
  const { env, calls } = listening();
  await ask("orders.list", { as: await memberToken(tenant, "sales"), env });
  expect(calls()).toEqual([expect.objectContaining({ actorId: tenant.memberIds.sales, status: 200 })]);
});

test("a refusal at the rate limit is noted, and so is a 304", async () => {
  const free = await newTenant("signs", { plan: "free" });
  const { env, calls } = listening({ CALL_LOG_WAIT_MS: "300" });
  const burst = await Promise.all(
    Array.from({ length: 25 }, () => call("tenants.ping", { tenant: free.slug, as: free.key, env })),
  );
  const limited = burst.filter(({ status }) => status === 429).length;
  expect(limited).toBeGreaterThan(10);
  const noted = calls().filter(({ status }) => status === 429);
  expect(noted.every(({ problem }) => problem === "rate-limited")).toBe(true);
  expect(noted.reduce((sum, { times }) => sum + times, 0)).toBe(limited);
  expect(calls().filter(({ status }) => status === 200)).toHaveLength(25 - limited);

  const heard = listening();
  const { headers } = await ask("settings.get", {});
  const held = { "If-None-Match": headers.get("etag") ?? "" };
  expect((await ask("settings.get", { headers: held, env: heard.env })).status).toBe(304);
  expect(heard.calls()).toEqual([expect.objectContaining({ status: 304, problem: null })]);
});

test("strangers, forged and revoked keys, and what is public, are noted for nobody", async () => {
  const { env, batches } = listening();
  const made = await ask("api-keys.create", { body: { name: "Gone", scopes: ["orders:read"] } });
  await ask("api-keys.revoke", { params: { apiKeyId: made.json.id } });
  const told = vi.spyOn(console, "info");
  const asked: (string | null)[] = [];
  for (const as of ["", "nobody", `${tenant.key}u`, made.json.key]) {
    const { status, headers } = await ask("orders.list", { as, env });
    expect(status).toBe(401);
    asked.push(headers.get("x-request-id"));
  }
  // What counts them is the line that each request is logged with.
  const lines = told.mock.calls.map(([line]) => JSON.parse(String(line)));
  expect(lines.filter(({ message }) => message === "request")).toEqual(
    asked.map((requestId) => ({
      level: "info",
      message: "request",
      requestId,
      operation: "orders.list",
      cell: null,
      status: 401,
      problem: "unauthorized",
      ms: expect.any(Number),
    })),
  );
  for (const { name, operation } of operations)
    if (operation.mount === "public") await call(name, { ...(await exampleOf(name).make(tenant)), env });
  await send(
    new Request(`http://localhost:8787/v1/tenants/${tenant.slug}/nothing`, {
      headers: { Authorization: `Bearer ${tenant.key}` },
    }),
    env,
  );
  await send(
    new Request(`http://localhost:8787/v1/tenants/${tenant.slug}/orders`, {
      method: "OPTIONS",
      headers: { Origin: "https://shop.example" },
    }),
    env,
  );
  expect(batches).toEqual([]);
});

test("a call whose rights moved under it is noted once", async () => {
  const { env, calls } = listening();
  await ask("orders.list", {});
  await exampleOf("api-keys.revoke").make(tenant);
  expect((await ask("orders.list", { env })).status).toBe(200);
  expect(calls()).toHaveLength(1);
});

test("many calls at once are each noted once, in few batches, each tenant's apart", async () => {
  const [one, other] = [await newTenant(), await newTenant()];
  const { env, batches, calls } = listening(waiting);
  const answers = await Promise.all(
    Array.from({ length: 260 }, (_, index) => {
      const { slug, key } = index % 2 === 0 ? one : other;
      return call("tenants.ping", { tenant: slug, as: key, env });
    }),
  );
  const ids = answers.map(({ headers }) => headers.get("x-request-id"));
  expect(
    calls()
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(ids.toSorted());
  for (const batch of batches) {
    expect(batch.reduce((sum, message) => sum + message.calls.length, 0)).toBeLessThanOrEqual(400);
    expect(new Set(batch.map(({ tenantId }) => tenantId)).size).toBe(batch.length);
  }
  expect(batches.length).toBeLessThan(30);
  for (const message of batches.flat())
    for (const { actorId } of callsOfMessage(message))
      expect(actorId).toBe((message.tenantId === one.tenantId ? one : other).keyId);
});

test("the answer is there before the call is sent, and a queue that is down breaks nothing", async () => {
  const sendBatch = vi.fn(() => Promise.reject(new Error("Queue send failed")));
  const warned = vi.spyOn(console, "warn").mockReturnValue();
  const { CALLS_US1 } = testEnv();
  const env = envWith({ CALLS_US1: proxied(CALLS_US1 as Queue, { sendBatch }) });
  for (const { name, operation } of tenantOperations) {
    const { as } = await wholeOf(tenant, name);
    const answer = await ask(name, { as, ...(await exampleOf(name).make(tenant)), env });
    expect(answer.status, name).toBe(operation.status ?? 200);
  }
  expect(sendBatch).toHaveBeenCalledTimes(tenantOperations.length);
  expect(warned.mock.calls.filter(([line]) => String(line).includes('"calls":1'))).toHaveLength(
    tenantOperations.length,
  );
});

test("whatever goes wrong with noting a call, the call itself is answered", async () => {
  const failed = vi.spyOn(console, "error").mockReturnValue();
  for (const CALLS_US1 of [{ sendBatch: "no function" }, Object.freeze({})]) {
    const answer = await ask("orders.list", { env: envWith({ CALLS_US1 }) });
    expect(answer.status).toBe(200);
  }
  const app = clientOf();
  const unset = await app.call("orders.list", {
    tenant: tenant.slug,
    as: tenant.key,
    env: envWith({ CALL_LOG_WAIT_MS: undefined }),
  });
  expect(unset.status).toBe(200);
  const said = failed.mock.calls.map(([line]) => JSON.parse(String(line)).message);
  expect(said).toEqual(["a call could not be noted", "a call could not be noted"]);
});

test("what is noted arrives in the log as it was noted", async () => {
  const own = await newTenant();
  const { env, messages } = listening();
  const answer = await call("orders.list", { tenant: own.slug, as: own.key, env });
  await consumed(messages());
  const id = answer.headers.get("x-request-id") ?? "";
  expect((await logOf(own)).calls).toEqual([
    expect.objectContaining({ id, operation: "orders.list", actor_id: own.keyId }),
  ]);
});

test("through the queue itself a call comes into the log, some seconds later", async () => {
  const own = await newTenant();
  const answer = await call("orders.list", { tenant: own.slug, as: own.key, env: wholeEnv() });
  const id = answer.headers.get("x-request-id");
  await vi.waitFor(async () => expect((await logOf(own)).calls).toEqual([expect.objectContaining({ id })]), {
    timeout: 25_000,
    interval: 250,
  });
});

function ask(name: string, input: Call): Promise<Answer> {
  return call(name, { tenant: tenant.slug, as: tenant.key, ...input });
}
