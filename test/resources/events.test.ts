import { expect, test } from "vitest";
import { eventTypes } from "#db/event-types.ts";
import { maskOf } from "#gate/capabilities.ts";
import { readCapabilities } from "#gate/event-rights.ts";
import { dispatchEvents } from "#jobs/dispatch-events.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { dayMs } from "#lib/time.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf, newOrderAt } from "#test/examples.ts";
import { changeMember } from "#test/gate/kit.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

test("all events come in their order, each number once and none left out, however they are paged", async () => {
  const tenant = await newTenant();
  await Promise.all(Array.from({ length: 30 }, () => newOrderAt(tenant)));
  for (const limit of [1, 7, 100]) {
    const seqs = (await pulled(tenant, limit)).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => index + 1));
    expect(seqs.length).toBeGreaterThanOrEqual(30);
  }
});

test("an event says what happened, where, when and by whom, in ids, enums and amounts", async () => {
  const tenant = await newTenant();
  const orderId = await newOrderAt(tenant, "place");
  const events = await pulled(tenant, 100);
  expect(events.at(-1)).toMatchObject({
    type: "order.placed",
    data: { orderId, status: "placed", currency: "USD" },
    locationId: tenant.locationIds[0],
    actor: { kind: "api-key", id: tenant.keyId },
  });
  expect(events.at(-1)?.id).toMatch(/^evt_/);
});

test("what comes later is found after the last number seen, and nothing is where all was seen", async () => {
  const tenant = await newTenant();
  const seen = (await pulled(tenant, 100)).at(-1)?.seq ?? 0;
  expect((await page(tenant, { after: String(seen) })).json).toEqual({ data: [], nextAfter: null });
  await newOrderAt(tenant);
  const { json } = await page(tenant, { after: String(seen) });
  expect(json.data.map(({ seq, type }: Event) => [seq, type])).toEqual([[seen + 1, "order.created"]]);
});

test("who is limited to a location pulls its events alone", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  await newOrderAt(tenant, "draft", { locationId: here });
  await newOrderAt(tenant, "draft", { locationId: there });
  const key = await call("api-keys.create", {
    tenant: tenant.slug,
    as: tenant.key,
    body: { name: "There", scopes: ["events:read"], locationIds: [there] },
  });
  const events = await pulled({ ...tenant, key: key.json.key }, 100);
  expect(events.map(({ locationId, type }) => [locationId, type])).toEqual([[there, "order.created"]]);
});

test("who sees assigned work alone pulls the events of that work, at their own locations", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const { installer, designer } = tenant.memberIds;
  await changeMember(tenant, installer, { grants: maskOf(["events:read"]) });
  const mine = await newOrderAt(tenant, "draft", { locationId: here, assigneeId: installer });
  for (const place of [
    { locationId: here, assigneeId: null },
    { locationId: here, assigneeId: designer },
    { locationId: there, assigneeId: installer },
  ])
    await newOrderAt(tenant, "draft", place);
  const events = await pulled({ ...tenant, key: await memberToken(tenant, "installer") }, 100);
  expect(events).toMatchObject([{ type: "order.created", data: { orderId: mine } }]);
});

test("a number that is none is refused", async () => {
  const tenant = await newTenant();
  for (const after of ["-1", "1.5", "x", "99999999999999999999"]) {
    const refused = await page(tenant, { after });
    expect([refused.status, refused.json.errors[0].parameter]).toEqual([422, "after"]);
  }
});

test("events are there for thirty days", async () => {
  const tenant = await newTenant();
  await dispatchEvents(testEnv(), tenant.cell, tenant.tenantId, Date.now());
  await deleteExpired(tenant.cell.database, Date.now() + 30 * dayMs - 60_000);
  expect((await pulled(tenant, 100)).length).toBeGreaterThan(0);
  await deleteExpired(tenant.cell.database, Date.now() + 30 * dayMs);
  expect(await pulled(tenant, 100)).toEqual([]);
});

test("every type that is emitted is on the list, and its subject says who may be told", async () => {
  const tenant = await newTenant();
  for (const name of [
    "orders.create",
    "customers.create",
    "customers.remove",
    "locations.create",
    "settings.update",
  ])
    await call(name, { tenant: tenant.slug, as: tenant.key, ...(await exampleOf(name).make(tenant)) });
  const emitted = await rowsOf<{ type: string }>(tenant.cell.database, "select distinct type from events");
  for (const { type } of emitted) expect(eventTypes).toContain(type);
  expect(new Set(eventTypes).size).toBe(eventTypes.length);
  // By hand: whoever may read a thing may be told of it.
  expect(readCapabilities).toEqual({
    alert: "security:read",
    api_key: "api-keys:read",
    customer: "customers:read",
    customer_consent: "customers:consent",
    customer_dietary: "customers:sensitive",
    file: "files:read",
    invitation: "members:read",
    location: "locations:read",
    member: "members:read",
    mfa: "audit:read",
    oauth_client: "integrations:manage",
    order: "orders:read",
    role: "members:read",
    security_policy: "security:read",
    settings: "settings:read",
    sso_connection: "security:read",
    sso_domain: "security:read",
    support: "support:read",
    tenant: "tenant:read",
    user: "audit:read",
    vault: "audit:read",
    webhook_endpoint: "integrations:manage",
  });
});

interface Event {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  readonly locationId: string | null;
}

function page({ slug, key }: TestTenant, query: Record<string, string>): Promise<Answer> {
  return call("events.list", { tenant: slug, as: key, query });
}

async function pulled(tenant: TestTenant, limit: number): Promise<Event[]> {
  const events: Event[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const { json } = await page(tenant, { after: String(after), limit: String(limit) });
    events.push(...json.data);
    after = json.nextAfter;
  }
  return events;
}
