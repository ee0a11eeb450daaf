import { expect, test } from "vitest";
import { clientOf } from "#test/client.ts";
import { memberToken, newTenant } from "#test/world.ts";

const { call } = clientOf();

// What each store holds, written by hand; the directory is global and says so.
const holdings = [
  "customers, orders, members, keys, audit and events",
  "file bytes",
  "events on their way",
  "webhooks on their way",
  "API calls of 7 days and their hourly counts of 90",
  "API calls of 90 days",
  "the audit's transparency log",
  "API calls on their way",
  "cached rights and rate limits",
  "how many calls there were, when a key was last used, and audit rows, on their way",
  "the tenant's slug and cell; users and their sign-in data",
];

for (const [kind, cell, jurisdiction, plan, trade] of [
  ["cafe", "eu1", "eu", "pro", "venue"],
  ["signs", "us1", null, "enterprise", "print-shop"],
] as const) {
  test(`a tenant of ${cell} is told its cell, its jurisdiction and which store holds what`, async () => {
    const tenant = await newTenant(kind);
    const answer = await call("tenants.get", { tenant: tenant.slug, as: tenant.key });
    expect(answer.json).toMatchObject({
      id: tenant.tenantId,
      slug: tenant.slug,
      plan,
      trade,
      cell,
      jurisdiction,
    });
    expect(answer.headers.get("x-keyline-cell")).toBe(cell);
    const stores: { holds: string; store: string; jurisdiction: string | null }[] = answer.json.stores;
    expect(stores.map(({ holds }) => holds)).toEqual(holdings);
    expect(stores.map((store) => store.jurisdiction)).toEqual([...Array(10).fill(jurisdiction), null]);
    for (const { store } of stores.slice(0, 8)) expect(store).toContain(cell);
    expect(stores.at(-1)?.store).toContain("global directory");
  });
}

test("the tenant is named in the path, by slug or id, and by nothing else", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const byId = await call("tenants.get", { tenant: tenant.tenantId, as: tenant.key });
  const bySlug = await call("tenants.get", {
    tenant: tenant.slug,
    as: tenant.key,
    headers: { "X-Tenant": other.slug, "X-Keyline-Tenant": other.tenantId },
  });
  expect([byId.status, byId.text]).toEqual([200, bySlug.text]);
  const refused = await Promise.all(
    [other.slug, other.tenantId, "nobody", tenant.slug.toUpperCase()].map((name) =>
      call("tenants.get", { tenant: name, as: tenant.key }),
    ),
  );
  expect(
    new Set(refused.map(({ status, text, json }) => status + text.replace(json.requestId, ""))).size,
  ).toBe(1);
  expect(refused[0]?.status).toBe(404);
});

test("ping says who asks, and a principal without any capability may ask it", async () => {
  const tenant = await newTenant();
  const token = await memberToken(tenant, "installer", { scope: "jobs:read" });
  const answer = await call("tenants.ping", { tenant: tenant.slug, as: token });
  expect(answer.json).toEqual({
    principal: tenant.memberIds.installer,
    tenant: tenant.tenantId,
    slug: tenant.slug,
  });
  expect((await call("tenants.get", { tenant: tenant.slug, as: token })).status).toBe(403);
});
