import { afterEach, expect, test, vi } from "vitest";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

test("the settings are read with what they are and nothing of the plan or the state", async () => {
  const tenant = await newTenant("cafe");
  const read = await ask(tenant, "settings.get");
  expect(read.json).toEqual({
    name: "Harbour Café",
    currency: "EUR",
    timezone: "Europe/Lisbon",
    allowedOrigins: [],
    version: 1,
    createdAt: read.json.updatedAt,
    updatedAt: read.json.createdAt,
  });
  expect(read.headers.get("etag")).toBe('"1"');
});

test("a change touches what it names, is told and audited once, and asks every gate to look again", async () => {
  const tenant = await newTenant();
  const before = await written();
  const changed = await update(tenant, { name: " North & Sons ", timezone: "America/New_York" });
  expect([changed.status, changed.headers.get("etag")]).toEqual([200, '"2"']);
  expect(changed.json).toMatchObject({
    name: "North & Sons",
    timezone: "America/New_York",
    currency: "USD",
    allowedOrigins: [],
  });
  expect(grown(before, await written())).toEqual({
    "us1 audit_log": 1,
    "us1 commits": 1,
    "us1 counted": 2,
    "us1 epochs": 1,
    "us1 events": 1,
  });
  expect((await ask(tenant, "settings.get")).text).toBe(changed.text);
});

const wrong: readonly [body: object, pointer: string][] = [
  [{ slug: "taken-over" }, "/slug"],
  [{ plan: "enterprise" }, "/plan"],
  [{ state: "active" }, "/state"],
  [{ trade: "bank" }, "/trade"],
  [{ cell: "eu1" }, "/cell"],
  [{ jurisdiction: "eu" }, "/jurisdiction"],
  [{ id: newId("ten") }, "/id"],
  [{ epoch: 9 }, "/epoch"],
  [{ name: "" }, "/name"],
  [{ name: "Two\nlines" }, "/name"],
  [{ name: null }, "/name"],
  [{ currency: "usd" }, "/currency"],
  [{ currency: "Euro" }, "/currency"],
  [{ currency: "US$" }, "/currency"],
  [{ currency: "USD\n" }, "/currency"],
  [{ timezone: "Mars/Olympus" }, "/timezone"],
  [{ timezone: "+01:00" }, "/timezone"],
  [{ allowedOrigins: "https://shop.example" }, "/allowedOrigins"],
  [{ allowedOrigins: Array(21).fill("https://shop.example") }, "/allowedOrigins"],
  ...[
    "https://shop.example/",
    "https://shop.example/cart",
    "https://Shop.example",
    "https://shop.example:443",
    "https://someone@shop.example",
    "http://shop.example",
    "http://localhost.shop.example",
    "ftp://localhost",
    "ws://localhost:3000",
    "shop.example",
    "*",
    "https://*",
    "null",
    "",
  ].map((origin): [object, string] => [
    { allowedOrigins: ["https://fine.example", origin] },
    "/allowedOrigins/1",
  ]),
];

test("slug, plan and state are no settings, and bad input is refused by its name and writes nothing", async () => {
  const tenant = await newTenant("signs", { plan: "pro" });
  const [read, whole] = [await ask(tenant, "settings.get"), await ask(tenant, "tenants.get")];
  const before = await written();
  for (const [body, pointer] of wrong) {
    const { status, json } = await update(tenant, { ...body });
    expect([body, status, json.errors?.[0]?.pointer]).toEqual([body, 422, pointer]);
  }
  const mixed = await update(tenant, { name: "Renamed", plan: "enterprise" });
  expect([mixed.status, mixed.json.errors.length]).toEqual([422, 1]);
  expect(grown(before, await written())).toEqual({});
  expect((await ask(tenant, "settings.get")).text).toBe(read.text);
  expect((await ask(tenant, "tenants.get")).text).toBe(whole.text);
});

test("pages of an allowed origin are served within a minute, and at once no longer when it is taken off", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const shop = "https://shop.example";
  const from = (origin: string) => ask(tenant, "locations.list", { headers: { Origin: origin } });
  const before = await from(shop);
  expect([before.status, before.json.type]).toEqual([403, "/problems/origin-not-allowed"]);
  expect(before.headers.get("access-control-allow-origin")).toBeNull();

  const origins = [shop, "http://localhost:5173", "https://xn--caf-dma.example:8443"];
  expect((await update(tenant, { allowedOrigins: origins })).json.allowedOrigins).toEqual(origins);
  vi.setSystemTime(Date.now() + minuteMs);
  for (const origin of origins) {
    const { status, headers } = await from(origin);
    expect([status, headers.get("access-control-allow-origin")]).toEqual([200, origin]);
  }
  for (const origin of ["https://shop.example.evil.example", "http://shop.example", "https://a.shop.example"])
    expect([origin, (await from(origin)).status]).toEqual([origin, 403]);

  expect((await update(tenant, { name: "Renamed" })).json.allowedOrigins).toEqual(origins);
  await update(tenant, { allowedOrigins: [] });
  const after = await from(shop);
  expect([after.status, after.text.includes("loc_")]).toEqual([403, false]);
});

test("one tenant's origins are nothing to another", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  await update(tenant, { allowedOrigins: ["https://shop.example"] });
  const headers = { Origin: "https://shop.example" };
  const as = await memberToken(tenant, "owner");
  expect((await ask(tenant, "settings.get", { as, headers })).status).toBe(200);
  expect((await ask(other, "settings.get", { headers })).status).toBe(403);
});

test("a new currency is that of new orders, and no order that was drafted before changes", async () => {
  const tenant = await newTenant();
  const { json: before } = await draft(tenant);
  expect(before.currency).toBe("USD");
  await update(tenant, { currency: "GBP" });
  expect((await draft(tenant)).json.currency).toBe("GBP");
  const token = await memberToken(tenant, "sales");
  expect((await draft(tenant, token)).json.currency).toBe("GBP");
  const params = { orderId: before.id };
  expect((await ask(tenant, "orders.get", { params })).json).toEqual(before);
  const lines = [{ description: "Other", quantityThousandths: 1000, unitPrice: 500 }];
  const changed = await ask(tenant, "orders.update", { params, body: { lines } });
  expect(changed.json).toMatchObject({ currency: "USD", total: 500 });
  expect((await ask(tenant, "orders.place", { params })).json.currency).toBe("USD");
});

test("who may not change the settings is refused, which the audit keeps, and nothing changes", async () => {
  const tenant = await newTenant();
  const token = await memberToken(tenant, "manager");
  const refused = await ask(tenant, "settings.update", { as: token, body: { currency: "GBP" } });
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/forbidden"]);
  expect((await ask(tenant, "settings.get")).json).toMatchObject({ currency: "USD", version: 1 });
  const rows = await rowsOf(
    tenant.cell.database,
    "select actor_id, action from audit_log where tenant_id = ? and operation = 'settings.update'",
    tenant.tenantId,
  );
  expect(rows).toEqual([{ actor_id: tenant.memberIds.manager, action: "note" }]);
});

function ask(tenant: TestTenant, name: string, input: Call = {}): Promise<Answer> {
  return call(name, { tenant: tenant.slug, as: tenant.key, ...input });
}

function update(tenant: TestTenant, body: object): Promise<Answer> {
  return ask(tenant, "settings.update", { body });
}

function draft(tenant: TestTenant, as = tenant.key): Promise<Answer> {
  const lines = [{ description: "Banner", quantityThousandths: 1000, unitPrice: 100 }];
  const [customerId, locationId] = [tenant.customerIds[0], tenant.locationIds[0]];
  return ask(tenant, "orders.create", { as, body: { customerId, locationId, lines } });
}
