import { expect, test } from "vitest";
import { dayMs, minuteMs, secondMs } from "#lib/time.ts";
import { newTenant } from "#test/world.ts";
import { emitMany, eventsOf, failing, idsOf, keyWith, listening, orderAt, taken } from "./kit.ts";

test("one delivery, or all that failed, is sent again under its id and with its bytes", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], failing);
  for (let made = 0; made < 3; made += 1) await orderAt(sim, tenant);
  await sim.run(4 * dayMs);
  const failed = (await ask("deliveries", { query: { state: "failed" } })).json.data;
  expect(failed).toHaveLength(3);
  const before = sim.delivered.splice(0);
  sim.receivers.set("shop.example", taken);
  await ask("replay", { body: { deliveryId: failed[1].id } });
  await sim.run(10 * secondMs);
  expect(sim.delivered.map(({ headers }) => headers.get("webhook-id"))).toEqual([failed[1].id]);
  await ask("replay", { body: { failed: true } });
  await sim.run(10 * secondMs);
  expect(sim.delivered.map(({ headers }) => headers.get("webhook-id")).toSorted()).toEqual(
    failed.map(({ id }: { id: string }) => id).toSorted(),
  );
  for (const { headers, body } of sim.delivered) {
    const id = headers.get("webhook-id");
    expect(before.find((other) => other.headers.get("webhook-id") === id)?.body).toBe(body);
  }
  expect((await ask("deliveries", { query: { state: "failed" } })).json.data).toEqual([]);
});

test("a replay since a time sends all there was, also what was never sent, and stops where it was asked", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], taken);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  const since = new Date(Date.now()).toISOString();
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  await ask("disable", {});
  for (let made = 0; made < 120; made += 1) await orderAt(sim, tenant);
  await sim.run(minuteMs);
  await ask("enable", {});
  const first = sim.delivered.splice(0);
  expect(first).toHaveLength(2);
  await ask("replay", { body: { since } });
  await sim.run(2 * minuteMs);
  const seqs = sim.delivered.map(({ body }) => JSON.parse(body).seq).toSorted((a, b) => a - b);
  const events = await eventsOf(tenant, "order.placed");
  expect(seqs).toEqual(events.slice(1).map(({ seq }) => seq));
  const again = sim.delivered.find(({ body }) => body === first[1]?.body);
  expect(again?.headers.get("webhook-id")).toBe(first[1]?.headers.get("webhook-id"));
  await sim.run(dayMs);
  expect(sim.delivered).toHaveLength(121);
});

test("a replay sends nothing of the locations that the endpoint's creator does not see", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const { key } = await keyWith(tenant, ["integrations:manage", "orders:read"], [here]);
  const { sim, ask } = await listening(["order.placed"], taken, { tenant, key });
  const since = new Date(Date.now()).toISOString();
  await ask("disable", {});
  const placed = await orderAt(sim, tenant, ["place"], { locationId: here });
  await orderAt(sim, tenant, ["place"], { locationId: there });
  await sim.run(minuteMs);
  await ask("enable", {});
  await ask("replay", { body: { since } });
  await sim.run(minuteMs);
  expect(sim.delivered.map(({ body }) => JSON.parse(body).data.id)).toEqual([placed]);
});

test("another tenant's later event of the same number does not make one's own be replayed", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], taken);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  const since = new Date(Date.now()).toISOString();
  const [own] = await eventsOf(tenant, "order.placed");
  const other = await newTenant();
  await emitMany(other, 20);
  expect((await eventsOf(other, "order.updated")).map(({ seq }) => seq)).toContain(own?.seq);
  expect(sim.delivered.splice(0)).toHaveLength(1);
  await ask("replay", { body: { since } });
  await sim.run(minuteMs);
  expect(sim.delivered).toEqual([]);
});

test("a replay of more than one statement changes, or one page holds, sends each event once", async () => {
  const { sim, tenant, ask } = await listening(["order.updated"], taken);
  const since = new Date(Date.now()).toISOString();
  await emitMany(tenant, 1200);
  await sim.run(5 * minuteMs);
  await ask("disable", {});
  await emitMany(tenant, 700);
  await sim.run(minuteMs);
  await ask("enable", {});
  const first = sim.delivered.splice(0);
  expect(first).toHaveLength(1200);
  await ask("replay", { body: { since } });
  await sim.run(5 * minuteMs);
  expect(sim.delivered).toHaveLength(1900);
  expect(new Set(idsOf(sim.delivered)).size).toBe(1900);
  expect(new Set(idsOf([...first, ...sim.delivered])).size).toBe(1900);
});
