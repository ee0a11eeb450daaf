import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  anyPrincipal,
  publicOperation,
  readOperation,
  unauthenticatedOperation,
  writeOperation,
} from "#http/operation.ts";
import { commit } from "#http/outcome.ts";
import { registry } from "#resources/index.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { newTenant, type TestTenant } from "#test/world.ts";
import { expensive } from "./expensive.ts";
import { expectSuccess, ownKeyOf, tryOut, wholeOf } from "./trial.ts";

const secret = "the brass key under the mat";
const declared = {
  mount: "tenant",
  summary: "For this test",
  can: anyPrincipal({ because: "it is a test" }),
} as const;

/** What no operation of ours should do. */
const broken = {
  throws: readOperation({
    ...declared,
    method: "get",
    path: "/broken/throws",
    store: "cell",
    returns: z.null(),
    problems: ["internal"],
    run: () => Promise.reject(new TypeError(secret)),
  }),
  throwsNoError: readOperation({
    ...declared,
    method: "get",
    path: "/broken/throws-no-error",
    store: "cell",
    returns: z.null(),
    problems: ["internal"],
    run: () => Promise.reject(secret),
  }),
  answersOtherwise: writeOperation({
    ...declared,
    method: "post",
    path: "/broken/answers",
    store: "cell",
    returns: z.object({ count: z.int(), [secret]: z.never() }),
    problems: ["internal"],
    run: async () => commit({ count: secret } as never),
  }),
  publicly: unauthenticatedOperation({
    mount: "public",
    method: "get",
    path: "/broken",
    summary: "For this test",
    can: publicOperation({ because: "it is a test" }),
    store: "none",
    returns: z.null(),
    problems: ["internal"],
    run: () => Promise.reject(new Error(secret)),
  }),
};
const { call, send } = clientOf({ ...registry, broken });
const origin = "http://localhost:8787";

let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

afterEach(() => void vi.restoreAllMocks());

for (const { name } of operations) {
  test(`${name} answers with every security header, when it succeeds and when it does not`, async () => {
    const whole = await wholeOf(tenant, name);
    const success = await tryOut(tenant, name, whole);
    expectSuccess(name, success);
    expectFrame(success, published(name));
    const { needs } = exampleOf(name);
    if (needs === "nobody") return;
    if (needs === "the user") {
      const answer = await tryOut(tenant, name, null, { as: "nobody" });
      expect(answer.status).toBe(401);
      return expectProblem(answer);
    }
    expect(success.headers.get("x-keyline-cell")).toBe("us1");
    const [limit, perMinute] = expensive.includes(name)
      ? ["enterprise-expensive", 1_000]
      : ["enterprise", 10_000];
    expect(success.headers.get("ratelimit")).toMatch(new RegExp(`^"${limit}";r=\\d+;t=\\d+$`));
    expect(success.headers.get("ratelimit-policy")).toMatch(new RegExp(`^"${limit}";q=${perMinute};w=60`));
    for (const [changes, status] of [
      [{ as: "nobody" }, 401],
      [{ tenant: "nobody-has-this-slug" }, 404],
      [{ headers: { Origin: "https://elsewhere.example" } }, 403],
    ] as const) {
      const answer = await tryOut(tenant, name, whole, changes);
      expect(answer.status).toBe(status);
      expectProblem(answer);
    }
  });
}

for (const name of Object.keys(broken)) {
  test(`broken.${name} is answered 500 that says nothing, and logged under its request's id`, async () => {
    const error = vi.spyOn(console, "error").mockReturnValue();
    const answer = await call(`broken.${name}`, { tenant: tenant.slug, as: tenant.key });
    expect(answer.status).toBe(500);
    expectProblem(answer);
    const { requestId, ...body } = answer.json;
    expect(body).toEqual({ type: "/problems/internal", title: expect.any(String), status: 500 });
    expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain(secret);
    const lines = error.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines).toEqual([expect.objectContaining({ requestId, operation: `broken.${name}` })]);
  });
}

test("what is no operation is answered 404 with every security header, whoever asks", async () => {
  const paths = [
    "/nothing",
    "/v1",
    "/v1/tenants",
    `/v1/tenants/${tenant.slug}/nothing`,
    "/%",
    "/.env",
    "/problems/",
  ];
  for (const path of paths) {
    for (const method of ["GET", "POST", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]) {
      if (method === "TRACE") continue;
      const answer = await send(new Request(`${origin}${path}`, { method }));
      expect([path, method, answer.status]).toEqual([path, method, 404]);
      expectProblem(answer);
    }
  }
  const wrongMethod = await send(
    new Request(`${origin}/v1/tenants/${tenant.slug}/orders`, { method: "DELETE", headers: bearer() }),
  );
  expect(wrongMethod.status).toBe(404);
  expectProblem(wrongMethod);
});

test("HEAD, 304 and 204 carry the headers too", async () => {
  const url = `${origin}/v1/tenants/${tenant.slug}/settings`;
  const read = await send(new Request(url, { headers: bearer() }));
  const head = await send(new Request(url, { method: "HEAD", headers: bearer() }));
  expect([head.status, head.text]).toEqual([200, ""]);
  expectFrame(head);
  const held = { ...bearer(), "If-None-Match": read.headers.get("etag") ?? "" };
  const unchanged = await send(new Request(url, { headers: held }));
  expect([unchanged.status, unchanged.text]).toEqual([304, ""]);
  expectFrame(unchanged);
  const removed = await tryOut(tenant, "locations.remove", ownKeyOf(tenant));
  expect([removed.status, removed.text]).toEqual([204, ""]);
  expectFrame(removed);
});

test("a limited answer says when to come back, and carries the headers", async () => {
  const free = await newTenant("signs", { plan: "free" });
  const burst = await Promise.all(
    Array.from({ length: 30 }, () => call("tenants.ping", { tenant: free.slug, as: free.key })),
  );
  const limited = burst.filter(({ status }) => status === 429);
  expect(limited.length).toBeGreaterThan(15);
  for (const answer of limited) {
    expectProblem(answer);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer.headers.get("ratelimit")).toMatch(/^"free";r=0;t=\d+$/);
  }
});

test("each request has an id of its own, and the client does not choose it", async () => {
  const given = { ...bearer(), "X-Request-Id": "req_chosen" };
  const ids: (string | null)[] = [];
  for (const { name } of tenantOperations.slice(0, 5))
    ids.push((await tryOut(tenant, name, ownKeyOf(tenant), { headers: given })).headers.get("x-request-id"));
  expect(new Set(ids).size).toBe(5);
  expect(ids).not.toContain("req_chosen");
});

const framePolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const pagePolicy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const mailboxPolicy =
  "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What is published for everybody may be kept, and its pages load what we serve ourselves. By hand. */
function published(name: string): Readonly<Record<string, string>> {
  if (name === "docs.securityTxt") return { "cache-control": "public, max-age=86400" };
  if (name === "mail.mailbox") return { "content-security-policy": mailboxPolicy };
  if (!name.startsWith("docs.")) return {};
  const isPage = ["docs.guide", "docs.page", "docs.securityPolicy"].includes(name);
  return { "cache-control": "no-cache", ...(isPage ? { "content-security-policy": pagePolicy } : {}) };
}

/** By hand, from DESIGN section 9. */
function expectFrame({ headers }: Answer, own: Readonly<Record<string, string>> = {}): void {
  const isFile = headers.has("content-disposition");
  expect(Object.fromEntries(headers)).toMatchObject({
    "strict-transport-security": "max-age=63072000; includeSubDomains; preload",
    "x-content-type-options": "nosniff",
    "content-security-policy": isFile ? `${framePolicy}; sandbox` : framePolicy,
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": isFile ? "no-store, no-transform" : "no-store",
    "x-request-id": expect.stringMatching(/^req_[0-7][0-9a-hjkmnp-tv-z]{25}$/),
    ...own,
  });
  expect(headers.get("vary")).toContain("Origin");
  expect(headers.get("server"), "nothing tells what it runs on").toBeNull();
  expect(headers.get("x-powered-by")).toBeNull();
  expect(headers.get("set-cookie")).toBeNull();
}

function expectProblem(answer: Answer): void {
  const { headers, json, text, status } = answer;
  expectFrame(answer);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(json).toMatchObject({ status, title: expect.any(String), requestId: headers.get("x-request-id") });
  expect(json.type).toMatch(/^\/problems\/[a-z-]+$/);
  expect(text, "no trace of our code").not.toMatch(/\.ts\b|\bat \w+ \(|Error:|D1_|SQLITE|select |insert /);
}

function bearer(): Record<string, string> {
  return { Authorization: `Bearer ${tenant.key}` };
}
