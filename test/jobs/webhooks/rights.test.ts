import { expect, test } from "vitest";
import { dayMs, minuteMs, secondMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import type { Receiver } from "#test/simulation.ts";
import { as, memberToken, newTenant, type TestTenant } from "#test/world.ts";
import { changed, emitMany, endpointAt, failing, keyWith, listening, orderAt, sentTo, taken } from "./kit.ts";

const { call } = clientOf();

test("an endpoint is sent what happens at its creator's locations alone", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const limited = await keyWith(tenant, ["integrations:manage", "orders:read", "customers:read"], [here]);
  const { sim } = await listening(["order.placed", "customer.created"], taken, { tenant, key: limited.key });
  const placed = await orderAt(sim, tenant, ["place"], { locationId: here });
  await orderAt(sim, tenant, ["place"], { locationId: there });
  await call("customers.create", { ...as(tenant), body: { name: "Ada" }, env: sim.env });
  await sim.run(minuteMs);
  expect(sim.delivered.map(({ body }) => JSON.parse(body).data.id)).toEqual([placed]);
});

const losses: Readonly<
  Record<string, { because: string; lose: (tenant: TestTenant, keyId: string) => Promise<unknown> }>
> = {
  "was revoked": {
    because: "creator-gone",
    lose: (tenant, apiKeyId) => call("api-keys.revoke", { ...as(tenant), params: { apiKeyId } }),
  },
  expired: {
    because: "creator-gone",
    lose: ({ cell, tenantId }, keyId) =>
      changed(cell.database, "api_keys set expires_at = '2020-01-01T00:00:00.000Z'", tenantId, keyId),
  },
  "may no longer read orders": {
    because: "creator-lacks-rights",
    lose: ({ cell, tenantId }, keyId) =>
      changed(cell.database, `api_keys set scopes = '${"0".repeat(32)}'`, tenantId, keyId),
  },
  "lost a location": {
    because: "creator-lacks-rights",
    lose: ({ cell, tenantId }, keyId) =>
      changed(cell.database, "api_keys set all_locations = 0", tenantId, keyId),
  },
};

for (const [how, { because, lose }] of Object.entries(losses)) {
  test(`an endpoint whose creator ${how} is sent nothing more, not even a retry, and says why`, async () => {
    const tenant = await newTenant();
    const key = await keyWith(tenant, ["integrations:manage", "orders:read"]);
    const { sim, ask, endpoint } = await listening(["order.placed"], failing, { tenant, key: key.key });
    await endpointAt(sim, tenant, "watch.example", ["webhook_endpoint.disabled"], taken);
    await orderAt(sim, tenant);
    await sim.run(minuteMs);
    expect(sim.delivered).toHaveLength(2);
    await lose(tenant, key.id);
    await orderAt(sim, tenant);
    await sim.run(dayMs);
    expect(sentTo(sim, "shop.example")).toHaveLength(2);
    expect((await ask("get", {})).json).toMatchObject({ state: "disabled", disabledBecause: because });
    expect(sentTo(sim, "watch.example").map(({ body }) => JSON.parse(body))).toMatchObject([
      {
        type: "webhook_endpoint.disabled",
        data: { id: endpoint.id, state: "disabled", disabledBecause: because },
      },
    ]);
    expect((await ask("deliveries", { query: { state: "pending" } })).json.data).toEqual([]);
  });
}

test("where nothing new happens, a retry finds out that its creator's rights have ended", async () => {
  const tenant = await newTenant();
  const key = await keyWith(tenant, ["integrations:manage", "orders:read"]);
  const { sim, ask } = await listening(["order.placed"], failing, { tenant, key: key.key });
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  await changed(tenant.cell.database, `api_keys set scopes = '${"0".repeat(32)}'`, tenant.tenantId, key.id);
  await sim.run(10 * minuteMs);
  expect(sim.delivered).toHaveLength(2);
  expect((await ask("get", {})).json.disabledBecause).toBe("creator-lacks-rights");
});

test("a member who was demoted no longer has events sent to their endpoint", async () => {
  const tenant = await newTenant();
  const admin = await memberToken(tenant, "admin");
  const { sim, ask } = await listening(["customer.created", "api_key.created"], taken, {
    tenant,
    key: admin,
  });
  await call("customers.create", { ...as(tenant), body: { name: "Ada" }, env: sim.env });
  await sim.run(minuteMs);
  expect(sim.delivered).toHaveLength(1);
  await changed(tenant.cell.database, "members set role = 'sales'", tenant.tenantId, tenant.memberIds.admin);
  await call("customers.create", { ...as(tenant), body: { name: "Grace" }, env: sim.env });
  await sim.run(minuteMs);
  expect(sim.delivered).toHaveLength(1);
  expect((await ask("get", {})).json.disabledBecause).toBe("creator-lacks-rights");
});

test("a demotion in the middle of a backlog ends it with the page that is being sent", async () => {
  const tenant = await newTenant();
  const key = await keyWith(tenant, ["integrations:manage", "orders:read"]);
  const slow: Receiver = () => ({ afterMs: secondMs, answer: new Response() });
  const { sim, ask } = await listening(["order.updated"], slow, { tenant, key: key.key });
  await emitMany(tenant, 300);
  await sim.run(3 * secondMs);
  const before = sim.delivered.length;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThanOrEqual(50);
  await changed(tenant.cell.database, `api_keys set scopes = '${"0".repeat(32)}'`, tenant.tenantId, key.id);
  await sim.run(10 * minuteMs);
  expect(sim.delivered.length).toBeLessThanOrEqual(50);
  expect((await ask("get", {})).json.disabledBecause).toBe("creator-lacks-rights");
});

test("who narrows an endpoint and moves it is sent nothing of what it asked for before, not by a replay either", async () => {
  const tenant = await newTenant();
  const { sim, ask } = await listening(["order.placed", "customer.created"], failing, { tenant });
  await call("customers.create", { ...as(tenant), body: { name: "Ada" }, env: sim.env });
  await sim.run(secondMs);
  const before = sim.delivered.length;
  expect(before).toBeGreaterThan(0);

  const thief = await keyWith(tenant, ["integrations:manage", "orders:read"]);
  const moved = { url: "https://elsewhere.example/hooks", eventTypes: ["order.placed"] };
  expect((await ask("update", { as: thief.key, body: moved })).status).toBe(200);
  const since = new Date(Date.now() - dayMs).toISOString();
  for (const replay of [{ since }, { failed: true }])
    expect((await ask("replay", { as: thief.key, body: replay })).status).toBeLessThan(300);
  await sim.run(dayMs);
  expect(sim.delivered.slice(before).map(({ body }) => JSON.parse(body).type)).toEqual([]);
  const { json } = await ask("deliveries", { as: thief.key, query: {} });
  expect(json.data).toMatchObject([
    { eventType: "customer.created", state: "failed", outcome: "unsubscribed" },
  ]);
});

test("who is held to a place is told of a file there, but not where it has gone", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const limited = await keyWith(tenant, ["integrations:manage", "files:read"], [here]);
  const { sim } = await listening(["file.created"], taken, { tenant, key: limited.key });
  const [first, second] = [
    await orderAt(sim, tenant, [], { locationId: here }),
    await orderAt(sim, tenant, [], { locationId: there }),
  ];
  const body = { name: "secret plan.pdf", mediaType: "application/pdf", orderId: first };
  const files = [];
  for (const moves of [false, true]) {
    const created = await call("files.create", { ...as(tenant), body, env: sim.env });
    expect(created.status, created.text).toBe(201);
    const fileId = String(created.json.id);
    files.push(fileId);
    const move = { ...as(tenant), params: { fileId }, body: { orderId: second }, env: sim.env };
    if (moves) expect((await call("files.update", move)).status).toBe(200);
  }
  await sim.run(minuteMs);
  const [stayed, moved] = files.map((id) => {
    const sent = sim.delivered.map(({ body: text }) => JSON.parse(text).data);
    return sent.find((data) => data.id === id || data.fileId === id);
  });
  expect(stayed).toMatchObject({ id: files[0], name: "secret plan.pdf" });
  expect(moved).toMatchObject({ fileId: files[1] });
  expect(JSON.stringify(moved)).not.toContain("plan");
  expect(JSON.stringify(moved)).not.toContain(String(second));
});
