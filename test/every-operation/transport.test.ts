import { beforeAll, expect, test } from "vitest";
import { requestHeaders } from "#http/openapi/header-tables.ts";
import { pathOf } from "#http/registry.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { counted, nothing } from "#test/counted.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { envWith, newTenant, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
import { expectSuccess, tryOut, wholeOf } from "./trial.ts";

const { call, send } = clientOf();
const page = "https://shop.example";

let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
  await list(tenant);
});

for (const { name, operation } of operations) {
  const path = pathOf(operation).replaceAll(/\{\w+\}/g, "x");
  const isPage = !path.startsWith("/v1/") && operation.method === "get";

  test(`${name} over plain http is ${isPage ? "sent on to https" : "refused"}, and its credentials are not read`, async () => {
    const { env, counts } = counted();
    const answer = await send(
      new Request(`http://api.keyline.example${path}?a=b`, {
        method: operation.method.toUpperCase(),
        headers: { Authorization: `Bearer ${tenant.key}` },
      }),
      env,
    );
    if (isPage) {
      expect([answer.status, answer.headers.get("location")]).toEqual([
        308,
        `https://api.keyline.example${path}?a=b`,
      ]);
    } else expectRefused(answer, "https-required");
    expect(answer.headers.get("strict-transport-security")).toMatch(/^max-age=/);
    expect(counts).toEqual(nothing());
  });

  test(`${name}: a preflight is answered before anybody is asked for credentials`, async () => {
    const { env, counts } = counted();
    const answer = await send(
      new Request(`https://api.keyline.example${path}`, {
        method: "OPTIONS",
        headers: {
          Origin: page,
          "Access-Control-Request-Method": operation.method.toUpperCase(),
          "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
        },
      }),
      env,
    );
    expect([answer.status, answer.text]).toEqual([204, ""]);
    const { headers } = answer;
    expect(headers.get("access-control-allow-origin")).toBe(page);
    expect(headers.get("access-control-allow-methods")).toContain(operation.method.toUpperCase());
    const allowed = headers.get("access-control-allow-headers")?.toLowerCase();
    const declared = Object.values(requestHeaders).map(({ name }) => name.toLowerCase());
    for (const header of ["authorization", "content-type", ...declared])
      expect(allowed?.split(", ")).toContain(header);
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    expect(headers.get("vary")).toContain("Origin");
    expect(counts).toEqual(nothing());
  });
}

for (const { name } of tenantOperations) {
  test(`${name} can be read by a page that the tenant lists, and by no other`, async () => {
    const whole = await wholeOf(tenant, name);
    const listed = await tryOut(tenant, name, whole, { headers: { Origin: page } });
    expectSuccess(name, listed);
    expect(listed.headers.get("access-control-allow-origin")).toBe(page);
    expect(listed.headers.get("vary")).toContain("Origin");
    expect(listed.headers.get("access-control-allow-credentials")).toBeNull();
    const exposed = listed.headers.get("access-control-expose-headers")?.toLowerCase() ?? "";
    for (const header of ["x-request-id", "etag", "ratelimit", "retry-after", "x-keyline-bookmark"])
      expect(exposed).toContain(header);
    const input = await exampleOf(name).make(tenant);
    const before = await written();
    const others = [
      "https://elsewhere.example",
      `${page}.evil.example`,
      "http://shop.example",
      "null",
      `${page}:8443`,
    ];
    for (const origin of others) {
      const answer = await call(name, {
        tenant: tenant.slug,
        as: whole.as,
        ...input,
        headers: { Origin: origin },
      });
      expectRefused(answer, "origin-not-allowed");
      expectUnreadable(answer);
    }
    expect(grown(before, await written())).toEqual({});
  });

  test(`${name}: a stranger's page reads nothing of a refusal`, async () => {
    const headers = { Origin: page };
    const input = await exampleOf(name).make(tenant);
    const anonymous = await call(name, { tenant: tenant.slug, as: "nobody", ...input, headers });
    expect(anonymous.status).toBe(401);
    expectUnreadable(anonymous);
    const astray = await call(name, { tenant: "nobody-has-this-slug", as: tenant.key, ...input, headers });
    expect(astray.status).toBe(404);
    expectUnreadable(astray);
  });
}

test("a listed page reads when it may come back after a 429", async () => {
  const free = await newTenant("signs", { plan: "free" });
  const as = { tenant: free.slug, as: free.key };
  await list(free);
  const burst = await Promise.all(
    Array.from({ length: 20 }, () => call("tenants.ping", { ...as, headers: { Origin: page } })),
  );
  const limited = burst.filter(({ status }) => status === 429);
  expect(limited.length).toBeGreaterThan(5);
  for (const { headers } of limited) expect(headers.get("access-control-allow-origin")).toBe(page);
});

test("a request without an origin, or from our own, is no page's", async () => {
  for (const headers of [{}, { Origin: "http://localhost:8787" }]) {
    const answer = await call("tenants.ping", { tenant: tenant.slug, as: tenant.key, headers });
    expectSuccess("tenants.ping", answer);
    expectUnreadable(answer);
  }
});

test("TLS below the deployment's minimum is refused", async () => {
  const asked = async (tlsVersion: string | undefined, minimum: string) =>
    (
      await send(
        new Request(`https://api.keyline.example/v1/tenants/${tenant.slug}/ping`, {
          headers: { Authorization: `Bearer ${tenant.key}` },
          ...(tlsVersion === undefined ? {} : { cf: { tlsVersion } }),
        } as RequestInit),
        envWith({ MIN_TLS: minimum }),
      )
    ).status;
  for (const old of ["TLSv1", "TLSv1.1", "TLSv1.2"])
    expect([old, await asked(old, "1.3")]).toEqual([old, 403]);
  for (const old of ["TLSv1", "TLSv1.1"]) expect([old, await asked(old, "1.2")]).toEqual([old, 403]);
  expect(await asked("TLSv1.2", "1.2")).toBe(200);
  expect(await asked("TLSv1.3", "1.3")).toBe(200);
  for (const slip of ["TLSv1.3", "1.0", "", "v1.2"])
    expect([slip, await asked("TLSv1.2", slip)]).toEqual([slip, 403]);
  expect(await asked(undefined, "1.3"), "nothing said: the platform's own test").toBe(200);
});

/** Puts the page on the tenant's list, and lets the gate of its key know. */
async function list({ slug, key }: TestTenant): Promise<void> {
  const body = { allowedOrigins: [page] };
  expectSuccess("settings.update", await call("settings.update", { tenant: slug, as: key, body }));
  expectSuccess("settings.get", await call("settings.get", { tenant: slug, as: key }));
}

function expectRefused({ status, json }: Answer, problem: string): void {
  expect([status, json.type]).toEqual([403, `/problems/${problem}`]);
}

function expectUnreadable({ headers }: Answer): void {
  expect(headers.get("access-control-allow-origin")).toBeNull();
  expect(headers.get("access-control-expose-headers")).toBeNull();
}
