import { expect, test } from "vitest";
import { clientOf } from "#test/client.ts";
import { newTenant } from "#test/world.ts";

const { call } = clientOf();

test("a client creates a customer and an order and reads them back", async () => {
  const { slug, key, locationIds, tenantId } = await newTenant();
  const as = { tenant: slug, as: key };
  const ping = await call("tenants.ping", as);
  console.log(ping.status, ping.text, [...ping.headers]);
  const customer = await call("customers.create", {
    ...as,
    body: { name: "Ada Lovelace", email: "ada@example.com" },
  });
  console.log(customer.text);
  const order = await call("orders.create", {
    ...as,
    body: {
      customerId: customer.json.id,
      locationId: locationIds[0],
      lines: [{ description: "x", quantityThousandths: 1500, unitPrice: 1000 }],
    },
    headers: { "Idempotency-Key": "k1" },
  });
  console.log(order.text);
  const replay = await call("orders.create", {
    ...as,
    body: {
      customerId: customer.json.id,
      locationId: locationIds[0],
      lines: [{ description: "x", quantityThousandths: 1500, unitPrice: 1000 }],
    },
    headers: { "Idempotency-Key": "k1" },
  });
  expect(replay.text).toBe(order.text);
  expect((await call("orders.get", { ...as, params: { orderId: order.json.id } })).text).toBe(order.text);
  const found = await call("customers.search", { ...as, body: { name: "ada lov" } });
  console.log(found.text);
  const audit = await call("audit.list", as);
  console.log(audit.text.slice(0, 1500));
  console.log((await call("system.ready")).text, tenantId);
});
