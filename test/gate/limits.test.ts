import { evictDurableObject, listDurableObjectIds } from "cloudflare:test";
import { parseList } from "structured-headers";
import { afterEach, expect, test, vi } from "vitest";
import { mintApiKey } from "#crypto/api-key.ts";
import { openDirectory } from "#db/directory.ts";
import { signingKeys } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { encodeBase32 } from "#lib/base32.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { dayMs, minuteMs } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { accessClaims, newTestIssuer } from "#test/token-issuer.ts";
import { as, envWith, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call, send } = clientOf();

afterEach(() => void vi.useRealTimers());

// What is sold, and what one second gives back of it.
const sold = [
  { plan: "free", perMinute: 100, burst: 10, afterASecond: 1 },
  { plan: "pro", perMinute: 1_000, burst: 100, afterASecond: 16 },
  { plan: "enterprise", perMinute: 10_000, burst: 1_000, afterASecond: 166 },
] as const;

for (const { plan, perMinute, burst, afterASecond } of sold) {
  test(`of ${burst + 190} calls at once ${plan} admits exactly ${burst}, and ${afterASecond} after Retry-After`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant("signs", { plan });
    const answers = await pings(tenant, burst + 190);
    const admitted = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect([admitted.length, refused.length]).toEqual([burst, 190]);
    const remaining = admitted.map((answer) => rateOf(answer).r).sort((a, b) => b - a);
    expect(remaining).toEqual(Array.from({ length: burst }, (_, index) => burst - 1 - index));
    for (const answer of refused) {
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(rateOf(answer)).toEqual({ tier: plan, r: 0, t: 1 });
      expect(policyOf(answer)).toEqual({ tier: plan, q: perMinute, w: 60, "keyline-burst": burst });
      expect(answer.json.type).toBe("/problems/rate-limited");
    }
    vi.setSystemTime(Date.now() + 1000);
    const later = await pings(tenant, afterASecond + 5);
    expect(later.filter(({ status }) => status === 200)).toHaveLength(afterASecond);
  });
}

test("Retry-After is the first whole second at which one more is admitted, and not one second earlier", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan: "free" });
  const start = Date.now();
  await pings(tenant, 10);
  vi.setSystemTime(start + 599);
  const [early] = await pings(tenant, 1);
  expect([early?.status, early?.headers.get("retry-after")]).toEqual([429, "1"]);
  vi.setSystemTime(start + 600);
  expect((await pings(tenant, 2)).map(({ status }) => status)).toEqual([200, 429]);
});

test("an idle gate is full again and never fuller", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan: "free" });
  await pings(tenant, 20);
  vi.setSystemTime(Date.now() + dayMs);
  expect((await pings(tenant, 20)).filter(({ status }) => status === 200)).toHaveLength(10);
});

test("a clock that steps back grants nothing and takes nothing", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan: "free" });
  const start = Date.now();
  await pings(tenant, 10);
  vi.setSystemTime(start - 30_000);
  expect((await pings(tenant, 1))[0]?.status).toBe(429);
  vi.setSystemTime(start + 600);
  expect((await pings(tenant, 1))[0]?.status).toBe(200);
});

test("a gate that restarts grants one more burst at most", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan: "free" });
  await pings(tenant, 10);
  await evictDurableObject(testEnv().GATES.getByName(tenant.keyId));
  expect((await pings(tenant, 30)).filter(({ status }) => status === 200)).toHaveLength(10);
});

test("a limited call does nothing", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan: "free" });
  await pings(tenant, 10);
  const create = () => call("customers.create", { ...as(tenant), body: { name: "Too Many" } });
  const answers = await Promise.all(Array.from({ length: 5 }, create));
  expect(answers.map(({ status }) => status)).toEqual([429, 429, 429, 429, 429]);
  const rows = await rowsOf(
    tenant.cell.database,
    "select 1 from customers where tenant_id = ?",
    tenant.tenantId,
  );
  expect(rows).toHaveLength(2);
});

test("two keys of a tenant do not share a limit, two tokens of a member do", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan: "free" });
  const created = await call("api-keys.create", {
    ...as(tenant),
    body: { name: "Second", scopes: ["orders:read"] },
  });
  const other = { ...tenant, key: created.json.key };
  expect((await pings(tenant, 20)).filter(({ status }) => status === 200)).toHaveLength(9);
  expect((await pings(other, 20)).filter(({ status }) => status === 200)).toHaveLength(10);
  const [first, second] = [await memberToken(tenant, "sales"), await memberToken(tenant, "sales")];
  expect(first).not.toBe(second);
  expect((await pings({ ...tenant, key: first }, 10)).map(({ status }) => status)).toEqual(
    Array(10).fill(200),
  );
  expect((await pings({ ...tenant, key: second }, 1))[0]?.status).toBe(429);
});

test("every authenticated answer shows the limit, whatever else it says", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const [tenant, foreign] = [await newTenant(), await newTenant()];
  const customer = { params: { customerId: tenant.customerIds[0] ?? "" } };
  const stale = { headers: { "If-Match": '"9"' } };
  const answers: [status: number, answer: Answer][] = [
    [200, await call("tenants.get", as(tenant))],
    [201, await call("customers.create", { ...as(tenant), body: { name: "New" } })],
    [304, await call("customers.get", { ...as(tenant), ...customer, headers: { "If-None-Match": "*" } })],
    [400, await send(badJson(tenant))],
    [404, await call("customers.get", { ...as(tenant), params: { customerId: newId("cus") } })],
    [404, await call("customers.get", { ...as(tenant), params: { customerId: "nonsense" } })],
    [404, await call("tenants.get", { ...as(tenant), tenant: foreign.slug })],
    [404, await call("tenants.get", { ...as(tenant), tenant: "nobody" })],
    [412, await call("customers.update", { ...as(tenant), ...customer, ...stale, body: { note: "x" } })],
    [415, await call("customers.create", { ...as(tenant), headers: { "Content-Type": "text/plain" } })],
    [422, await call("customers.create", { ...as(tenant), body: {} })],
    [422, await call("customers.list", { ...as(tenant), query: { limit: "0" } })],
  ];
  for (const [index, [status, answer]] of answers.entries()) {
    expect(answer.status).toBe(status);
    expect(rateOf(answer)).toEqual({ tier: "enterprise", r: 999 - index, t: 1 });
    expect(policyOf(answer)).toEqual({ tier: "enterprise", q: 10_000, w: 60, "keyline-burst": 1_000 });
    expect(answer.headers.get("retry-after")).toBeNull();
  }
  const forbidden = await call("api-keys.list", {
    tenant: tenant.slug,
    as: await memberToken(tenant, "staff"),
  });
  expect([forbidden.status, rateOf(forbidden).r]).toEqual([403, 999]);
});

test("an answer to nobody shows no limit", async () => {
  const tenant = await newTenant();
  for (const answer of [
    await call("tenants.get", { tenant: tenant.slug }),
    await call("tenants.get", { tenant: tenant.slug, as: `${tenant.key.slice(0, -1)}!` }),
    await call("system.alive"),
  ]) {
    expect(answer.headers.get("ratelimit")).toBeNull();
    expect(answer.headers.get("ratelimit-policy")).toBeNull();
  }
});

test("500 forged well-formed keys on a warmed isolate reach no object and no database", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const watched = watchedEnv();
  expect((await call("tenants.get", { ...as(tenant), env: watched.env })).status).toBe(200);
  expect(watched.touches().length).toBeGreaterThan(0);
  const objects = await listDurableObjectIds(testEnv().GATES);
  watched.forget();
  const keys = Array.from({ length: 500 }, (_, index) => forgedKey(tenant, index));
  const answers = await Promise.all(
    keys.map((key) => call("orders.list", { tenant: tenant.slug, as: key, env: watched.env })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
  expect(new Set(answers.map(bytesOf)).size).toBe(1);
  expect(watched.touches()).toEqual([]);
  expect(await listDurableObjectIds(testEnv().GATES)).toHaveLength(objects.length);
});

test("forged tokens on a warmed isolate reach no object and no database", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const token = await memberToken(tenant, "owner");
  const watched = watchedEnv();
  expect((await call("tenants.get", { tenant: tenant.slug, as: token, env: watched.env })).status).toBe(200);
  const objects = await listDurableObjectIds(testEnv().GATES);
  watched.forget();
  for (const forged of await forgedTokens(tenant, token)) {
    const answer = await call("tenants.get", { tenant: tenant.slug, as: forged, env: watched.env });
    expect(answer.status).toBe(401);
  }
  expect(watched.touches()).toEqual([]);
  expect(await listDurableObjectIds(testEnv().GATES)).toHaveLength(objects.length);
});

test("unknown pepper versions and kids reload the directory's keys once a minute, however many come at once", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const issuer = await newTestIssuer();
  const watched = watchedEnv();
  const strangers = [
    forgedKey(tenant, 1),
    await issuer.sign(claimsOf(tenant)),
    ...Array.from({ length: 200 }, (_, index) => forgedKey(tenant, 2 * index + 1)),
  ];
  const askAll = async () => {
    watched.forget();
    await Promise.all(
      strangers.map((stranger) =>
        call("tenants.get", { tenant: tenant.slug, as: stranger, env: watched.env }),
      ),
    );
    return watched.touches().filter((touch) => touch === "DIRECTORY.withSession").length;
  };
  const first = await askAll();
  expect(first).toBeGreaterThan(0);
  expect(await askAll()).toBe(0);
  vi.setSystemTime(Date.now() + minuteMs - 1);
  expect(await askAll()).toBe(0);
  vi.setSystemTime(Date.now() + 1);
  expect(await askAll()).toBe(first);
  expect(await askAll()).toBe(0);
});

test("a revoked, an expired and an unknown key, and a wrong secret, get the same 401 byte for byte", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const create = async (body: object = {}) => {
    const answer = await call("api-keys.create", {
      ...as(tenant),
      body: { name: "One of many", scopes: ["orders:read"], ...body },
    });
    expect(answer.status).toBe(201);
    return answer.json as { id: string; key: string };
  };
  const [revoked, expired, other] = [
    await create(),
    await create({ expiresAt: new Date(Date.now() + 1000).toISOString() }),
    await create(),
  ];
  await call("api-keys.revoke", { ...as(tenant), params: { apiKeyId: revoked.id } });
  const before = await call("orders.list", { tenant: tenant.slug, as: expired.key });
  expect(before.status).toBe(200);
  vi.setSystemTime(Date.now() + 1000);
  const keys = [
    revoked.key,
    expired.key,
    await mintedKey(newId("key")),
    await mintedKey(other.id),
    `${other.key.slice(0, -1)}${other.key.endsWith("0") ? "1" : "0"}`,
    "kl_live_nonsense",
  ];
  const answers = await Promise.all(keys.map((key) => call("orders.list", { tenant: tenant.slug, as: key })));
  expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 401));
  expect(new Set(answers.map(bytesOf)).size).toBe(1);
  expect(answers[0]?.headers.get("www-authenticate")).toBe("Bearer");
  expect((await call("orders.list", { tenant: tenant.slug, as: other.key })).status).toBe(200);
});

function pings(tenant: TestTenant, count: number): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, () => call("tenants.ping", as(tenant))));
}

function rateOf({ headers }: Answer) {
  const { tier, parameters } = onlyItem(headers.get("ratelimit"));
  return { tier, r: Number(parameters.get("r")), t: Number(parameters.get("t")) };
}

function policyOf({ headers }: Answer) {
  const { tier, parameters } = onlyItem(headers.get("ratelimit-policy"));
  return { tier, ...Object.fromEntries(parameters) };
}

function onlyItem(header: string | null) {
  const items = parseList(header ?? "");
  expect(items).toHaveLength(1);
  const [tier, parameters] = items[0] ?? [null, new Map<string, unknown>()];
  return { tier, parameters };
}

/** Everything of an answer but what differs between any two. */
function bytesOf({ status, headers, text, json }: Answer): string {
  const kept = [...headers].filter(([name]) => name !== "x-request-id");
  return JSON.stringify([status, kept, text.replace(json.requestId, "")]);
}

function badJson(tenant: TestTenant): Request {
  return new Request(`http://localhost:8787/v1/tenants/${tenant.slug}/customers`, {
    method: "POST",
    headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/json" },
    body: "{",
  });
}

/** Of the key's grammar in every part; odd ones name a pepper version that nobody has. */
function forgedKey({ key }: TestTenant, index: number): string {
  const [, , cell, id = ""] = key.split("_");
  const bytes = (count: number, length: number) =>
    encodeBase32(crypto.getRandomValues(new Uint8Array(count))).slice(0, length);
  const version = index % 2 === 0 ? 1 : 2 + (index % 9998);
  return `kl_live_${cell}_${index % 3 === 0 ? id : newId("key").slice(4)}_${bytes(33, 52)}_${version}${bytes(9, 13)}`;
}

async function mintedKey(keyId: string): Promise<string> {
  const { newestPepper } = await directoryKeys(testEnv(), () => true);
  if (!newestPepper) throw new Error("The directory has no pepper.");
  const id = keyId.replace(/^key_/, "");
  return (await mintApiKey(newestPepper, { mode: "live", cell: "us1", id })).key;
}

function claimsOf(tenant: TestTenant) {
  const { PUBLIC_ORIGIN: origin } = testEnv();
  return accessClaims(Math.floor(Date.now() / 1000), {
    iss: origin,
    aud: origin,
    tenant: tenant.tenantId,
    member: tenant.memberIds.owner,
  });
}

async function forgedTokens(tenant: TestTenant, genuine: string): Promise<string[]> {
  const issuer = await newTestIssuer();
  const directory = await openDirectory(testEnv());
  const { keys } = await directory.read({ keys: many(signingKeys, { limit: 1 }) });
  const [header = "", payload = "", signature = ""] = genuine.split(".");
  const segment = (value: object) => encodeBase64Url(utf8(JSON.stringify(value)));
  return [
    await issuer.sign(claimsOf(tenant)),
    await issuer.sign(claimsOf(tenant), { kid: keys[0]?.kid }),
    `${header}.${segment({ ...claimsOf(tenant), scope: "billing:manage" })}.${signature}`,
    `${segment({ alg: "none", typ: "at+jwt", kid: keys[0]?.kid })}.${payload}.`,
    `${segment({ alg: "none", typ: "at+jwt", kid: keys[0]?.kid })}.${payload}.${signature}`,
    `${header}.${payload}.${signature}.${signature}`,
    `${header}.${payload}`,
  ];
}

/** Bindings that remember each method of theirs that was called. */
function watchedEnv(): { env: TestEnv; touches: () => readonly string[]; forget: () => void } {
  const env = testEnv();
  let touches: string[] = [];
  const watched = ["DIRECTORY", "CELL_US1", "CELL_EU1", "GATES"].map((name) => [
    name,
    new Proxy(env[name] as object, {
      get(target, method) {
        const value: unknown = Reflect.get(target, method, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          touches.push(`${name}.${String(method)}`);
          return value.apply(target, args);
        };
      },
    }),
  ]);
  return {
    env: envWith(Object.fromEntries(watched)),
    touches: () => touches,
    forget: () => {
      touches = [];
    },
  };
}
