import { afterEach, expect, test, vi } from "vitest";
import { minuteMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { memberToken, newTenant, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

// What reads before it writes looks for its key in that read, so here nothing but the look-up keeps two apart.
test("two principals' transitions under one key are each their own", async () => {
  const tenant = await newTenant();
  const other = await draftLike(tenant);
  const mine = await place(tenant, tenant.key, tenant.orderId);
  const theirs = await place(tenant, await memberToken(tenant, "owner"), other);
  expect([mine.status, theirs.status, theirs.json.id]).toEqual([200, 200, other]);
  expect(theirs.headers.get("idempotency-replayed")).toBeNull();
});

test("a replay finds its answer though its handler would refuse by now, without a look at the store", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const expiresAt = new Date(Date.now() + minuteMs).toISOString();
  const create = () =>
    call("api-keys.create", {
      tenant: tenant.slug,
      as: tenant.key,
      body: { name: "For a minute", scopes: ["orders:read"], expiresAt },
      headers: { "Idempotency-Key": "k" },
    });
  const first = await create();
  vi.setSystemTime(Date.now() + 2 * minuteMs);
  const again = await create();
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
  expect(again.json).toEqual({ ...first.json, key: null });
});

function place(tenant: TestTenant, as: string, orderId: string) {
  const headers = { "Idempotency-Key": "same" };
  return call("orders.place", { tenant: tenant.slug, as, params: { orderId }, headers });
}

async function draftLike(tenant: TestTenant): Promise<string> {
  const as = { tenant: tenant.slug, as: tenant.key };
  const { json } = await call("orders.get", { ...as, params: { orderId: tenant.orderId } });
  const { customerId, locationId } = json;
  const lines = [{ description: "Banner", quantityThousandths: 1000, unitPrice: 4500 }];
  const { status, json: order } = await call("orders.create", {
    ...as,
    body: { customerId, locationId, lines },
  });
  expect(status).toBe(201);
  return String(order.id);
}
