import { afterEach, expect, test, vi } from "vitest";
import { systemSession } from "#db/open-tenant.ts";
import { hourMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { webhookEndpoints } from "#resources/webhook-endpoints/table.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const url = "https://shop.example/hooks?token=their-own-secret";

afterEach(() => void vi.useRealTimers());

test("an endpoint's secret is in the answer that created it and nowhere else", async () => {
  const tenant = await newTenant();
  const headers = { "Idempotency-Key": "k" };
  const created = await create(tenant, {}, { headers });
  expect(created.status, created.text).toBe(201);
  const { secret, ...endpoint } = created.json;
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const params = { webhookEndpointId: endpoint.id };
  expect((await ask(tenant, "get", { params })).json).toEqual(endpoint);
  const [newest] = (await ask(tenant, "list")).json.data;
  expect(newest).toEqual(endpoint);
  const replayed = await create(tenant, {}, { headers });
  expect([replayed.headers.get("idempotency-replayed"), replayed.json]).toEqual([
    "true",
    { ...endpoint, secret: null },
  ]);
});

test("address and secrets lie sealed, and neither the audit nor a record has them", async () => {
  const tenant = await newTenant();
  const created = await create(tenant, {}, { headers: { "Idempotency-Key": "k" } });
  const params = { webhookEndpointId: created.json.id };
  const rotated = await ask(tenant, "rotate", { params, body: {} });
  const [row] = await rowsOf(
    tenant.cell.database,
    "select * from webhook_endpoints where tenant_id = ? and id = ?",
    tenant.tenantId,
    created.json.id,
  );
  for (const column of ["url", "secret", "previous_secret"]) expect(row?.[column]).toMatch(/^v1\./);
  expect(row?.host).toBe("shop.example");
  const audit = await rowsOf(
    tenant.cell.database,
    "select * from audit_log where tenant_id = ?",
    tenant.tenantId,
  );
  const records = await rowsOf(
    tenant.cell.database,
    "select * from idempotency where tenant_id = ?",
    tenant.tenantId,
  );
  const kept = JSON.stringify([audit, records, row]);
  for (const secret of [created.json.secret, rotated.json.secret]) expect(kept).not.toContain(secret);
  const audited = audit.filter((entry) => entry.entity_id === created.json.id);
  expect(audited.map(({ operation, action }) => `${operation} ${action}`)).toEqual([
    "webhook-endpoints.create created",
    "webhook-endpoints.rotate updated",
  ]);
  expect(JSON.parse(String(audited[1]?.changed))).toEqual([
    "secret",
    "previousSecret",
    "previousSecretUntil",
    "secretCreatedAt",
    "secretVersion",
  ]);
  for (const { row: copy } of audited) {
    expect(JSON.parse(String(copy))).toMatchObject({ host: "shop.example", creatorId: tenant.keyId });
    for (const column of ["url", "secret", "previousSecret"])
      expect(JSON.parse(String(copy))).not.toHaveProperty(column);
  }
});

test("a client may bring a secret of its own, if it is one", async () => {
  const tenant = await newTenant();
  const own = `whsec_${btoa("k".repeat(24))}`;
  expect((await create(tenant, { secret: own })).json.secret).toBe(own);
  for (const secret of ["", "secret", `whsec_${btoa("k".repeat(23))}`, `whsec_${btoa("k".repeat(65))}`]) {
    const refused = await create(tenant, { secret });
    expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/secret"]);
  }
});

test("rotation signs with both secrets until the overlap is over", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const { json: first } = await create(tenant);
  expect(first).toMatchObject({ secretCreatedAt: timestamp(Date.now()), secretVersion: 1 });
  vi.setSystemTime(Date.now() + hourMs);
  const params = { webhookEndpointId: first.id };
  const rotated = await ask(tenant, "rotate", { params, body: {} });
  expect(rotated.json).toMatchObject({ secretCreatedAt: timestamp(Date.now()), secretVersion: 2 });
  expect([rotated.status, rotated.json.previousSecretUntil]).toEqual([
    200,
    timestamp(Date.now() + 24 * hourMs),
  ]);
  expect(rotated.json.secret).not.toBe(first.secret);
  expect(await stored(tenant, first.id)).toMatchObject({
    secret: rotated.json.secret,
    previousSecret: first.secret,
  });
  const again = await ask(tenant, "rotate", { params, body: { overlapHours: 0 } });
  expect(again.json.previousSecretUntil).toBeNull();
  expect(await stored(tenant, first.id)).toMatchObject({ secret: again.json.secret, previousSecret: null });
  for (const overlapHours of [-1, 169, 1.5]) {
    const refused = await ask(tenant, "rotate", { params, body: { overlapHours } });
    expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/overlapHours"]);
  }
});

const badAddresses: readonly [url: string, detail: string][] = [
  ["http://shop.example/", "is not https"],
  ["https://127.0.0.1/", "names an IP address; use a host name"],
  ["https://user@shop.example/", "has a user or password in it"],
  ["https://localhost/", "is not a public host name"],
  ["https://shop.example:25/", "has a port below 1024 other than 443"],
  ["https://shop.example/#x", "has a fragment"],
  ["nonsense", "is not a URL in plain ASCII without spaces"],
  ["https://a-10-0-0-1-end.dns.example/", "names a host that is not on the public internet"],
  ["https://unknown.dns.example/", "names a host that could not be looked up"],
];

test("an address that nothing may be sent to is refused, when created and when changed", async () => {
  const tenant = await newTenant();
  const { json: endpoint } = await create(tenant);
  const params = { webhookEndpointId: endpoint.id };
  for (const [bad, detail] of badAddresses) {
    for (const answer of [
      await create(tenant, { url: bad }),
      await ask(tenant, "update", { params, body: { url: bad } }),
    ])
      expect([answer.status, answer.json.errors], bad).toEqual([422, [{ pointer: "/url", detail }]]);
  }
  expect((await ask(tenant, "get", { params })).json.url).toBe(url);
});

test("event types are of the closed list, each once", async () => {
  const tenant = await newTenant();
  const doubled = await create(tenant, { eventTypes: ["order.placed", "order.placed", "customer.created"] });
  expect(doubled.json.eventTypes).toEqual(["order.placed", "customer.created"]);
  for (const eventTypes of [[], ["order.exploded"], ["order.*"], ["*"], "order.placed"])
    expect((await create(tenant, { eventTypes })).status).toBe(422);
});

test("nobody has sent to themselves what they may not read", async () => {
  const tenant = await newTenant();
  const limited = await keyWith(tenant, ["integrations:manage", "orders:read"]);
  const orders = ["order.placed", "webhook_endpoint.disabled"];
  expect((await create(tenant, { eventTypes: orders }, { as: limited.key })).status).toBe(201);
  for (const type of ["customer.created", "settings.updated", "api_key.created", "location.updated"]) {
    const refused = await create(tenant, { eventTypes: [...orders, type] }, { as: limited.key });
    expect([refused.status, refused.json.type, refused.json.errors[0].pointer]).toEqual([
      422,
      "/problems/events-exceed-creator",
      "/eventTypes",
    ]);
  }
});

test("nobody turns another's endpoint to themselves, nor learns what it is signed with", async () => {
  const tenant = await newTenant();
  const { json: endpoint } = await create(tenant, { eventTypes: ["customer.created"] });
  const params = { webhookEndpointId: endpoint.id };
  const limited = await keyWith(tenant, ["integrations:manage", "orders:read"]);
  const body = { url: "https://elsewhere.example/" };
  for (const [verb, given] of [
    ["update", body],
    ["update", {}],
    ["rotate", {}],
  ] as const) {
    const refused = await ask(tenant, verb, { params, body: given, as: limited.key });
    expect([refused.status, refused.json.type]).toEqual([422, "/problems/events-exceed-creator"]);
  }
  await ask(tenant, "disable", { params, as: limited.key });
  expect((await ask(tenant, "enable", { params, as: limited.key })).status).toBe(422);
  expect((await ask(tenant, "get", { params })).json).toMatchObject({
    url,
    state: "disabled",
    creatorId: tenant.keyId,
  });
});

test("whoever changes or enables an endpoint answers for it from then on", async () => {
  const tenant = await newTenant();
  const { json: endpoint } = await create(tenant, { eventTypes: ["order.placed"] });
  const params = { webhookEndpointId: endpoint.id };
  const other = await keyWith(tenant, ["integrations:manage", "orders:read"]);
  const changed = await ask(tenant, "update", {
    params,
    body: { eventTypes: ["order.ready"] },
    as: other.key,
  });
  expect(changed.json).toMatchObject({ creatorId: other.id, eventTypes: ["order.ready"], version: 2 });
  await ask(tenant, "disable", { params });
  expect((await ask(tenant, "enable", { params })).json).toMatchObject({
    creatorId: tenant.keyId,
    state: "enabled",
  });
});

test("an endpoint has its creator's locations, and who is limited touches none that reaches further", async () => {
  const tenant = await newTenant();
  const [here] = tenant.locationIds;
  const limited = await keyWith(tenant, ["integrations:manage", "orders:read"], [here]);
  const own = await create(tenant, { eventTypes: ["order.placed"] }, { as: limited.key });
  expect(own.json.locationIds).toEqual([here]);
  const { json: whole } = await create(tenant, { eventTypes: ["order.placed"] });
  expect(whole.locationIds).toBeNull();
  const params = { webhookEndpointId: whole.id };
  const refused = await ask(tenant, "update", { params, body: { url }, as: limited.key });
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/forbidden"]);
  const taken = await ask(tenant, "update", { params: { webhookEndpointId: own.json.id }, body: { url } });
  expect(taken.json).toMatchObject({ creatorId: tenant.keyId, locationIds: [here] });
});

test("who is held to their assignments has no endpoint", async () => {
  const tenant = await newTenant();
  await rowsOf(
    tenant.cell.database,
    "update members set grants = ? where tenant_id = ? and id = ?",
    "f".repeat(32),
    tenant.tenantId,
    tenant.memberIds.installer,
  );
  const as = await memberToken(tenant, "installer");
  const refused = await create(tenant, { eventTypes: ["order.placed"] }, { as });
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/forbidden"]);
});

test("disabling and enabling say when and why, and doing it twice changes nothing", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const { json: endpoint } = await create(tenant);
  const params = { webhookEndpointId: endpoint.id };
  const disabled = await ask(tenant, "disable", { params });
  expect(disabled.json).toMatchObject({
    state: "disabled",
    disabledBecause: "by-hand",
    disabledAt: timestamp(Date.now()),
  });
  expect((await ask(tenant, "disable", { params })).json).toEqual(disabled.json);
  for (const [verb, body] of [
    ["test", undefined],
    ["replay", { failed: true }],
  ] as const) {
    const refused = await ask(tenant, verb, { params, body });
    expect([refused.status, refused.json.type]).toEqual([409, "/problems/endpoint-disabled"]);
  }
  const enabled = await ask(tenant, "enable", { params });
  expect(enabled.json).toMatchObject({ state: "enabled", disabledBecause: null, disabledAt: null });
  expect((await ask(tenant, "enable", { params })).json).toEqual(enabled.json);
});

test("a tenant has fifty endpoints at most, even where two are asked for at once", async () => {
  const tenant = await newTenant();
  // The seed has one.
  for (let made = 1; made < 49; made += 1) expect((await create(tenant)).status).toBe(201);
  const last = await Promise.all([create(tenant), create(tenant), create(tenant)]);
  expect(last.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  expect(last.find(({ status }) => status === 409)?.json.type).toBe("/problems/too-many-endpoints");
});

test("a removed endpoint is gone, with its deliveries from sight", async () => {
  const tenant = await newTenant();
  const { json: endpoint } = await create(tenant);
  const params = { webhookEndpointId: endpoint.id };
  expect((await ask(tenant, "remove", { params })).status).toBe(204);
  for (const verb of ["get", "deliveries", "remove", "enable", "test"])
    expect((await ask(tenant, verb, { params })).status, verb).toBe(404);
});

test("a replay asks for exactly one thing", async () => {
  const tenant = await newTenant();
  const { json: endpoint } = await create(tenant);
  const params = { webhookEndpointId: endpoint.id };
  const replay = (body: object) => ask(tenant, "replay", { params, body });
  for (const body of [
    {},
    { failed: true, since: "2026-01-01T00:00:00Z" },
    { failed: false },
    { since: "yesterday" },
  ])
    expect((await replay(body)).status, JSON.stringify(body)).toBe(422);
  const absent = await replay({ deliveryId: newId("msg") });
  expect([absent.status, absent.json.errors[0].pointer]).toEqual([422, "/deliveryId"]);
  expect((await replay({ failed: true })).json).toMatchObject({
    webhookEndpointId: endpoint.id,
    kind: "failed",
  });
  const [note] = await rowsOf(
    tenant.cell.database,
    "select row, actor_id from audit_log where tenant_id = ? and operation = 'webhook-endpoints.replay'",
    tenant.tenantId,
  );
  expect([note?.actor_id, JSON.parse(String(note?.row))]).toEqual([
    tenant.keyId,
    { replay: "failed", deliveryId: null, since: null },
  ]);
});

function ask(tenant: TestTenant, verb: string, given: Call = {}): Promise<Answer> {
  return call(`webhook-endpoints.${verb}`, { tenant: tenant.slug, as: tenant.key, ...given });
}

function create(tenant: TestTenant, changes: object = {}, given: Call = {}): Promise<Answer> {
  return ask(tenant, "create", { body: { url, eventTypes: ["order.placed"], ...changes }, ...given });
}

async function keyWith(
  tenant: TestTenant,
  scopes: readonly string[],
  locationIds?: readonly string[],
): Promise<{ id: string; key: string }> {
  const body = { name: "Limited", scopes, locationIds };
  const { status, text, json } = await call("api-keys.create", { tenant: tenant.slug, as: tenant.key, body });
  expect(status, text).toBe(201);
  return json;
}

async function stored({ cell, tenantId }: TestTenant, id: string) {
  return await (await systemSession(testEnv(), cell.database, tenantId)).get(webhookEndpoints, id);
}
