import { afterEach, expect, test, vi } from "vitest";
import { tellOfKeys } from "#jobs/tell-of-keys.ts";
import { dayMs, hourMs, minuteMs, timestamp } from "#lib/time.ts";
import { type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { gateOf } from "#test/gate/kit.ts";
import { newColleague } from "#test/resources/members/kit.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
afterEach(() => void vi.useRealTimers());

const problem = (name: string) => ({ json: { type: `/problems/${name}` } });

async function newKey(tenant: TestTenant, terms: object = {}): Promise<{ id: string; key: string }> {
  const body = { name: "Kiosk", scopes: ["orders:read"], ...terms };
  return (await call("api-keys.create", { ...as(tenant), body })).json;
}

function rotate(tenant: TestTenant, apiKeyId: string, body: object = {}, by = tenant.key) {
  return call("api-keys.rotate", { tenant: tenant.slug, as: by, params: { apiKeyId }, body });
}

const listOrders = (tenant: TestTenant, key: string, more: Partial<Call> = {}) =>
  call("orders.list", { tenant: tenant.slug, as: key, ...more });

async function eventsOf(tenant: TestTenant, type: string) {
  const { json } = await call("events.list", { ...as(tenant), query: { limit: "100" } });
  return json.data
    .filter((event: { type: string }) => event.type === type)
    .map(({ data }: { data: object }) => data);
}

const setPolicy = (tenant: TestTenant, longestKeyAge: number | null) =>
  call("security-policy.update", { ...as(tenant), body: { secondFactor: "off", longestKeyAge } });

test("a successor has the terms of the key that it follows, and both are let in until the old one retires", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const [here] = tenant.locationIds;
  const old = await newKey(tenant, {
    locationIds: [here],
    ipAllowList: ["203.0.113.0/24"],
    expiresAt: timestamp(Date.now() + 30 * dayMs),
  });
  const at = { headers: { "cf-connecting-ip": "203.0.113.9" } };
  vi.setSystemTime(Date.now() + 2 * dayMs);
  const made = await rotate(tenant, old.id, { overlapSeconds: 3600 });
  expect(made).toMatchObject({
    status: 201,
    json: {
      name: "Kiosk",
      scopes: ["orders:read"],
      allLocations: false,
      ipAllowList: ["203.0.113.0/24"],
      expiresAt: timestamp(Date.now() + 30 * dayMs),
      successorId: null,
    },
  });
  const retiresAt = timestamp(Date.now() + hourMs);
  const answers = [await listOrders(tenant, old.key, at), await listOrders(tenant, made.json.key, at)];
  expect(answers.map(({ status, headers }) => [status, headers.get("x-keyline-key-retires")])).toEqual([
    [200, retiresAt],
    [200, null],
  ]);
  expect((await listOrders(tenant, made.json.key)).status).toBe(403);
  const { json } = await call("api-keys.list", { ...as(tenant), query: { limit: "5" } });
  expect(json.data.find(({ id }: { id: string }) => id === old.id)).toMatchObject({
    successorId: made.json.id,
    rotatedAt: timestamp(Date.now()),
    retiresAt,
  });
  expect(await eventsOf(tenant, "api_key.rotated")).toEqual([
    { apiKeyId: old.id, successorId: made.json.id },
  ]);
  vi.setSystemTime(Date.now() + hourMs - 1);
  expect((await listOrders(tenant, old.key, at)).status).toBe(200);
  vi.setSystemTime(Date.now() + 1);
  expect((await listOrders(tenant, old.key, at)).status).toBe(401);
  expect((await listOrders(tenant, made.json.key, at)).status).toBe(200);
});

test("a rotation that is asked for again with its Idempotency-Key is the same, and shows no key a second time", async () => {
  const tenant = await newTenant();
  const old = await newKey(tenant);
  const asked = { ...as(tenant), params: { apiKeyId: old.id }, body: {} };
  const headers = { "Idempotency-Key": "rotate-once" };
  const [first, again] = [
    await call("api-keys.rotate", { ...asked, headers }),
    await call("api-keys.rotate", { ...asked, headers }),
  ];
  expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([201, null]);
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
  expect(again.json).toEqual({ ...first.json, key: null });
});

test("without an overlap the old key is refused at once, though its gate was warm and never told", async () => {
  const tenant = await newTenant();
  const old = await newKey(tenant);
  expect((await listOrders(tenant, old.key)).status).toBe(200);
  const made = await rotate(tenant, old.id, { overlapSeconds: 0 });
  expect((await listOrders(tenant, old.key)).status).toBe(401);
  expect((await listOrders(tenant, made.json.key)).status).toBe(200);
});

test("a key is rotated once, while it lasts, and by who may do all that it may", async () => {
  const tenant = await newTenant();
  const old = await newKey(tenant);
  const answers = await Promise.all([1, 2, 3, 4].map(() => rotate(tenant, old.id)));
  // Whose rights moved under them twice are asked to come again.
  const statuses = answers.map(({ status }) => status).filter((status) => status !== 503);
  expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  expect(statuses.every((status) => [201, 409].includes(status))).toBe(true);
  expect(await rotate(tenant, old.id)).toMatchObject({ status: 409, ...problem("key-not-active") });
  const revoked = await newKey(tenant);
  await call("api-keys.revoke", { ...as(tenant), params: { apiKeyId: revoked.id } });
  expect(await rotate(tenant, revoked.id)).toMatchObject(problem("key-not-active"));
  const wide = await newKey(tenant, { scopes: ["orders:read", "tenant:delete"] });
  const { as: admin } = await newColleague(tenant, { role: "admin" }, null);
  expect(await rotate(tenant, wide.id, {}, admin)).toMatchObject(problem("scopes-exceed-creator"));
  const narrow = await newKey(tenant, { scopes: ["api-keys:write"], locationIds: [tenant.locationIds[0]] });
  const everywhere = await newKey(tenant, { scopes: ["api-keys:write"] });
  expect(await rotate(tenant, everywhere.id, {}, narrow.key)).toMatchObject(problem("scopes-exceed-creator"));
  for (const overlapSeconds of [-1, 604_801, 1.5])
    expect((await rotate(tenant, wide.id, { overlapSeconds })).status).toBe(422);
  const past = { expiresAt: timestamp(Date.now() - 1) };
  expect((await rotate(tenant, wide.id, past)).status).toBe(422);
});

test("while a key is rotated under load no request fails: each client goes over when it is told", async () => {
  const tenant = await newTenant("signs", { plan: "enterprise" });
  const old = await newKey(tenant);
  let successor: string | null = null;
  const seen = { old: 0, both: 0, failed: 0 };
  const client = async () => {
    let key = old.key;
    for (let calls = 0, after = 0; calls < 500 && after < 5; calls += 1) {
      if (key !== old.key) after += 1;
      await scheduler.wait(1);
      const { status, headers } = await listOrders(tenant, key);
      if (status !== 200) seen.failed += 1;
      if (key === old.key) seen.old += 1;
      if (headers.get("x-keyline-key-retires") && successor) {
        seen.both += 1;
        key = successor;
      }
    }
    return key;
  };
  const clients = Array.from({ length: 8 }, client);
  const made = await rotate(tenant, old.id, { overlapSeconds: 600 });
  successor = made.json.key;
  const keys = await Promise.all(clients);
  expect(seen.failed).toBe(0);
  expect([seen.old > 0, seen.both > 0]).toEqual([true, true]);
  expect(new Set(keys)).toEqual(new Set([successor]));
});

test("a successor is held to the limit that its key was held to", async () => {
  const tenant = await newTenant("signs", { plan: "pro" });
  const old = await newKey(tenant);
  const limit = {
    perMinute: 6,
    burst: 2,
    reason: "An import",
    expiresAt: timestamp(Date.now() + dayMs),
  };
  const params = { apiKeyId: old.id };
  expect((await call("api-keys.setLimit", { ...as(tenant), params, body: limit })).status).toBe(200);
  const { json } = await rotate(tenant, old.id);
  const held = await call("api-keys.limit", { ...as(tenant), params: { apiKeyId: json.id } });
  expect(held.json).toMatchObject(limit);
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => listOrders(tenant, json.key)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 429, 429, 429]);
});

test("what retires makes nothing that outlives it, and no key lifts what it is held to", async () => {
  const tenant = await newTenant("signs", { plan: "pro" });
  const scopes = ["api-keys:write", "api-keys:read", "orders:read"];
  const old = await newKey(tenant, { scopes });
  const { json } = await rotate(tenant, old.id, { overlapSeconds: 3600 });
  const make = (key: string, terms: object = {}) =>
    call("api-keys.create", {
      tenant: tenant.slug,
      as: key,
      body: { name: "Later", scopes: ["orders:read"], ...terms },
    });
  expect(await make(old.key)).toMatchObject({ status: 422, ...problem("scopes-exceed-creator") });
  const within = { expiresAt: timestamp(Date.now() + 60_000) };
  for (const made of [await make(old.key, within), await make(json.key)]) expect(made.status).toBe(201);
  const own = { tenant: tenant.slug, as: json.key, params: { apiKeyId: json.id } };
  const limit = { perMinute: 60, burst: 20, reason: "Less", expiresAt: timestamp(Date.now() + dayMs) };
  expect(
    (await call("api-keys.setLimit", { ...as(tenant), ...{ params: own.params, body: limit } })).status,
  ).toBe(200);
  expect(await call("api-keys.setLimit", { ...own, body: limit })).toMatchObject({ status: 403 });
  expect(await call("api-keys.removeLimit", own)).toMatchObject({ status: 403 });
});

test("an endpoint that a key answers for is its successor's from then on", async () => {
  const tenant = await newTenant();
  const old = await newKey(tenant, { scopes: ["orders:read", "integrations:manage"] });
  const body = { url: "https://hooks.example/in", eventTypes: ["order.placed"] };
  const endpoint = await call("webhook-endpoints.create", { tenant: tenant.slug, as: old.key, body });
  expect(endpoint.status).toBe(201);
  const made = await rotate(tenant, old.id);
  const params = { webhookEndpointId: endpoint.json.id };
  const { json } = await call("webhook-endpoints.get", { ...as(tenant), params });
  expect(json.creatorId).toBe(made.json.id);
});

test("a key that is still used near its end is told of, once", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const [old, unused] = [await newKey(tenant), await newKey(tenant)];
  const { json } = await rotate(tenant, old.id, { overlapSeconds: 40_000 });
  await rotate(tenant, unused.id, { overlapSeconds: 40_000 });
  const used = () =>
    rowsOf(
      tenant.cell.database,
      "update api_keys set last_used_at = ? where tenant_id = ? and id = ?",
      timestamp(Date.now()),
      tenant.tenantId,
      old.id,
    );
  await used();
  vi.setSystemTime(Date.now() + 30_001_000);
  await tellOfKeys(testEnv(), tenant.cell, Date.now());
  expect(await eventsOf(tenant, "api_key.still_used")).toEqual([]);
  await used();
  for (let times = 0; times < 3; times += 1) {
    await Promise.all([1, 2].map(() => tellOfKeys(testEnv(), tenant.cell, Date.now())));
    vi.setSystemTime(Date.now() + minuteMs);
  }
  expect(await eventsOf(tenant, "api_key.still_used")).toEqual([
    { apiKeyId: old.id, successorId: json.id, retiresAt: expect.any(String) },
  ]);
});

test("a business asks keys to be no older than so many days: at four fifths it is told, and at the end they are refused", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const key = await newKey(tenant);
  const other = await newKey(tenant);
  await rotate(tenant, other.id, { overlapSeconds: 604_800 });
  expect((await setPolicy(tenant, 50)).json).toMatchObject({ longestKeyAge: 50 });
  const told = async () => {
    await tellOfKeys(testEnv(), tenant.cell, Date.now());
    return (await eventsOf(tenant, "api_key.rotation_due")).filter(({ apiKeyId }: { apiKeyId: string }) =>
      [key.id, other.id].includes(apiKeyId),
    );
  };
  vi.setSystemTime(Date.now() + 39 * dayMs);
  expect(await told()).toEqual([]);
  vi.setSystemTime(Date.now() + dayMs + hourMs);
  expect(await told()).toEqual([{ apiKeyId: key.id, longestKeyAge: 50 }]);
  expect(await told()).toHaveLength(1);
  // Kept for a month alone, events of before are gone by then.
  expect((await listOrders(tenant, key.key)).status).toBe(200);
  vi.setSystemTime(Date.now() + 9 * dayMs);
  expect((await listOrders(tenant, key.key)).status).toBe(200);
  vi.setSystemTime(Date.now() + dayMs);
  expect((await listOrders(tenant, key.key)).status).toBe(401);
});

test("who asks for less than before gives a week: no key ends by a change of the policy alone", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const key = await newKey(tenant);
  await rowsOf(
    tenant.cell.database,
    "update api_keys set created_at = ? where tenant_id = ? and id = ?",
    timestamp(Date.now() - 100 * dayMs),
    tenant.tenantId,
    key.id,
  );
  const since = async (days: number | null) => (await setPolicy(tenant, days)).json.longestKeyAgeSince;
  const first = await since(365);
  vi.setSystemTime(Date.now() + dayMs);
  // For longer, or the same: nothing begins anew.
  expect(await since(365)).toBe(first);
  expect(await since(400)).toBe(first);
  expect(await since(30)).toBe(timestamp(Date.now()));
  await gateOf(key.id).forget();
  expect((await listOrders(tenant, key.key)).status).toBe(200);
  vi.setSystemTime(Date.now() + 7 * dayMs);
  expect((await listOrders(tenant, key.key)).status).toBe(401);
  expect(await since(null)).toBeNull();
  // A gate that refuses reads its rights anew within a minute.
  vi.setSystemTime(Date.now() + minuteMs);
  expect((await listOrders(tenant, key.key)).status).toBe(200);
});
