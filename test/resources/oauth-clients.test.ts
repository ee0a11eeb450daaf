import { expect, test } from "vitest";
import { type Capability, capabilities, isCapability, maskOf } from "#gate/capabilities.ts";
import { parseClientId } from "#lib/oauth-client-id.ts";
import { type Call, clientOf } from "#test/client.ts";
import { keyOf } from "#test/every-operation/trial.ts";
import { as, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

const planner = {
  name: "Route planner of Ada",
  type: "confidential",
  redirectUris: ["https://planner.example/callback"],
  grantTypes: ["authorization_code", "refresh_token"],
  scopes: ["orders:read"],
};

function create(tenant: TestTenant, changes: object = {}, by: Call = {}) {
  return call("oauth-clients.create", { ...as(tenant), body: { ...planner, ...changes }, ...by });
}

test("a client's secret is in the answer that makes it and in no other, and nothing of it is stored", async () => {
  const tenant = await newTenant();
  const headers = { "Idempotency-Key": "planner" };
  const made = await create(tenant, {}, { headers });
  expect(made.status).toBe(201);
  const { id, clientSecret } = made.json;
  expect(parseClientId(made.json.clientId)).toEqual({ cell: tenant.cell.id, tenantId: tenant.tenantId, id });
  expect(made.json).toMatchObject({ ...planner, creatorId: tenant.keyId, lastUsedAt: null });
  const secret = String(clientSecret).split("_").at(-2) ?? "";
  expect(secret).toHaveLength(52);
  const again = await create(tenant, {}, { headers });
  expect(again.json).toEqual({ ...made.json, clientSecret: null });
  const params = { oauthClientId: id };
  const others = [
    await call("oauth-clients.get", { ...as(tenant), params }),
    await call("oauth-clients.list", as(tenant)),
    await call("oauth-clients.update", { ...as(tenant), params, body: { name: "Planner" } }),
    await call("audit.list", { ...as(tenant), query: { limit: "100" } }),
  ];
  for (const { status, text } of others) {
    expect(status).toBe(200);
    expect(text).not.toContain(secret);
    expect(text).not.toContain("secretHash");
  }
  const rows = await rowsOf(tenant.cell.database, "select * from oauth_clients where id = ?", id);
  expect(rows).toHaveLength(1);
  for (const hidden of [secret, "Ada", "Planner"]) expect(JSON.stringify(rows)).not.toContain(hidden);
});

test("a secret opens nothing by itself: it is no bearer", async () => {
  const tenant = await newTenant();
  const { clientSecret } = (await create(tenant)).json;
  expect((await call("tenants.get", { tenant: tenant.slug, as: clientSecret })).status).toBe(401);
});

test("a public client has no secret, and so cannot act for itself", async () => {
  const tenant = await newTenant();
  const made = await create(tenant, { type: "public" });
  expect([made.status, made.json.clientSecret]).toEqual([201, null]);
  const rotated = await call("oauth-clients.rotate", {
    ...as(tenant),
    params: { oauthClientId: made.json.id },
  });
  expect(rotated.status).toBe(422);
  const before = await written();
  const refused = await create(tenant, { type: "public", grantTypes: ["client_credentials"] });
  expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/grantTypes"]);
  expect(grown(before, await written())).toEqual({});
});

test.each([
  [{ redirectUris: [] }, "/redirectUris"],
  [{ redirectUris: ["https://planner.example/callback", "http://planner.example/"] }, "/redirectUris/1"],
  [{ redirectUris: ["https://planner.example/#fragment"] }, "/redirectUris/0"],
  [{ grantTypes: ["refresh_token"] }, "/grantTypes"],
  [{ grantTypes: [] }, "/grantTypes"],
  [{ grantTypes: ["implicit"] }, "/grantTypes/0"],
  [{ scopes: ["session"] }, "/scopes/0"],
  [{ scopes: ["openid"] }, "/scopes/0"],
])("%o is refused", async (changes, pointer) => {
  const tenant = await newTenant();
  const refused = await create(tenant, changes);
  expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, pointer]);
  const { id } = (await create(tenant)).json;
  const params = { oauthClientId: id };
  const kept = await call("oauth-clients.update", { ...as(tenant), params, body: changes });
  expect([kept.status, kept.json.errors[0].pointer]).toEqual([422, pointer]);
});

test("nobody lets a client do what they may not do themselves, nor has a secret of such a client made", async () => {
  const tenant = await newTenant();
  const { id } = (await create(tenant, { scopes: ["orders:read", "payments:refund"] })).json;
  const params = { oauthClientId: id };
  const { as: key } = await keyOf(tenant, maskOf(["integrations:manage", "orders:read"]));
  const by = { tenant: tenant.slug, as: key };
  const allowed = await create(tenant, { scopes: ["orders:read"] }, by);
  expect(allowed.status).toBe(201);
  const tries = [
    await create(tenant, { scopes: ["orders:read", "payments:refund"] }, by),
    await call("oauth-clients.update", { ...by, params, body: { name: "Mine now" } }),
    await call("oauth-clients.update", { ...by, params, body: { redirectUris: ["https://mine.example/"] } }),
    await call("oauth-clients.rotate", { ...by, params }),
  ];
  for (const { status, json } of tries) {
    expect(status).toBe(422);
    expect(json.type).toBe("/problems/scopes-exceed-creator");
  }
});

test("who is held to an address, a page, a place or a date sets up no client, which is held to none", async () => {
  const tenant = await newTenant();
  const scopes = Object.keys(capabilities).filter(isCapability) satisfies Capability[];
  const later = new Date(Date.now() + 3_600_000).toISOString();
  for (const limit of [
    { ipAllowList: ["203.0.113.0/24"] },
    { locationIds: [tenant.locationIds[0]] },
    { expiresAt: later },
  ]) {
    const { json } = await call("api-keys.create", {
      ...as(tenant),
      body: { name: "Till", scopes, ...limit },
    });
    const headers = { "CF-Connecting-IP": "203.0.113.9" };
    const refused = await create(tenant, {}, { as: json.key, headers });
    expect(refused.json.type, JSON.stringify(limit)).toBe("/problems/forbidden");
  }
  expect((await create(tenant, {}, { as: await memberToken(tenant, "admin") })).status).toBe(201);
});

test("a removed client is there for nobody, and its row and name stay in the audit", async () => {
  const tenant = await newTenant();
  const { id } = (await create(tenant)).json;
  const params = { oauthClientId: id };
  expect((await call("oauth-clients.remove", { ...as(tenant), params })).status).toBe(204);
  expect((await call("oauth-clients.get", { ...as(tenant), params })).status).toBe(404);
  expect((await call("oauth-clients.rotate", { ...as(tenant), params })).status).toBe(404);
  expect((await call("oauth-clients.list", as(tenant))).json.data).toEqual([]);
  const { data } = (await call("audit.list", { ...as(tenant), query: { entityId: id } })).json;
  const told = data.map(({ operation, action }: Record<string, string>) => `${operation} ${action}`);
  expect(told).toEqual([
    "oauth-clients.remove note",
    "oauth-clients.remove updated",
    "oauth-clients.create created",
  ]);
});

test("a tenant has a hundred clients at most, however many are made at once; one that was removed makes room", async () => {
  const tenant = await newTenant();
  const [first] = [(await create(tenant)).json];
  const { database } = tenant.cell;
  const filled =
    "insert into oauth_clients (tenant_id, id, name, type, redirect_uris, grant_types, scopes, secret_hash, pepper_version, creator_id, version, created_at, updated_at) select tenant_id, 'cli_' || value, name, oauth_clients.type, redirect_uris, grant_types, scopes, secret_hash, pepper_version, creator_id, version, created_at, updated_at from oauth_clients, json_each(?) where oauth_clients.id = ?";
  await rowsOf(database, filled, JSON.stringify(Array.from({ length: 95 }, (_, at) => at)), first.id);
  // Each that comes into being moves the rights which the others were let in with: those are told to ask again.
  const persist = async (): Promise<Awaited<ReturnType<typeof create>>> => {
    const answer = await create(tenant);
    return answer.status === 503 ? await persist() : answer;
  };
  const answers = await Promise.all(Array.from({ length: 8 }, persist));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(4);
  for (const { json } of answers.filter(({ status }) => status !== 201))
    expect([json.status, json.type]).toEqual([409, "/problems/too-many-clients"]);
  const present = "select count(*) as count from oauth_clients where tenant_id = ? and deleted_at is null";
  expect(await rowsOf(database, present, tenant.tenantId)).toEqual([{ count: 100 }]);
  const params = { oauthClientId: first.id };
  expect((await call("oauth-clients.remove", { ...as(tenant), params })).status).toBe(204);
  expect((await create(tenant)).status).toBe(201);
  expect((await create(tenant)).status).toBe(409);
});

test("what becomes of a client is told, by its id and nothing else", async () => {
  const tenant = await newTenant();
  const { id: oauthClientId } = (await create(tenant)).json;
  const params = { oauthClientId };
  await call("oauth-clients.update", { ...as(tenant), params, body: { name: "Planner of Ada" } });
  await call("oauth-clients.rotate", { ...as(tenant), params });
  await call("oauth-clients.remove", { ...as(tenant), params });
  await call("oauth-clients.remove", { ...as(tenant), params });
  const { data } = (await call("events.list", { ...as(tenant), query: { limit: "100" } })).json;
  const told = data.filter(({ type }: { type: string }) => type.startsWith("oauth_client."));
  expect(told.map((event: { type: string; data: object }) => [event.type, event.data])).toEqual(
    ["created", "updated", "secret_rotated", "deleted"].map((what) => [`oauth_client.${what}`, params]),
  );
});
