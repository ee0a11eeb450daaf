import { expect, test } from "vitest";
import { dayMs, hourMs, minuteMs, secondMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import type { Receiver } from "#test/simulation.ts";
import { as, rowsOf } from "#test/world.ts";
import { emitMany, endpointAt, eventsOf, failing, listening, only, orderAt, sentTo, taken } from "./kit.ts";

const { call } = clientOf();

test("an endpoint that answers 410 is disabled at once and says so", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], () => new Response(null, { status: 410 }));
  await endpointAt(sim, tenant, "watch.example", ["webhook_endpoint.disabled"], taken);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  expect((await ask("get", {})).json).toMatchObject({ state: "disabled", disabledBecause: "gone" });
  expect(await only(ask)).toMatchObject({ state: "failed", tries: 1, outcome: "gone" });
  await orderAt(sim, tenant);
  await sim.run(dayMs);
  const [notice, ...rest] = sim.delivered.filter(({ url }) => url.includes("watch"));
  expect(rest).toEqual([]);
  expect(JSON.parse(notice?.body ?? "")).toMatchObject({
    type: "webhook_endpoint.disabled",
    data: { state: "disabled", disabledBecause: "gone" },
  });
  expect(sim.delivered.filter(({ url }) => url.includes("shop"))).toHaveLength(1);
});

test("after five days of nothing but failure an endpoint is disabled, with a notice and an audit row", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], failing);
  const states: string[] = [];
  for (let day = 0; day < 6; day += 1) {
    await orderAt(sim, tenant);
    await sim.run(dayMs);
    states.push((await ask("get", {})).json.state);
  }
  expect(states).toEqual(["enabled", "enabled", "enabled", "enabled", "enabled", "disabled"]);
  expect((await ask("get", {})).json.disabledBecause).toBe("failing");
  expect(await eventsOf(tenant, "webhook_endpoint.disabled")).toHaveLength(1);
  const [row] = await rowsOf(
    tenant.cell.database,
    "select actor_kind, operation from audit_log where tenant_id = ? and entity = 'webhook-endpoint' and action = 'updated'",
    tenant.tenantId,
  );
  expect(row).toEqual({ actor_kind: "system", operation: "jobs.webhooks" });
  const tries = sim.delivered.length;
  await sim.run(2 * dayMs);
  expect(sim.delivered).toHaveLength(tries);
  const { json } = await ask("deliveries", { query: { state: "pending" } });
  expect(json.data).toEqual([]);
});

test("one success in between starts the five days again, and so does being enabled", async () => {
  let isUp = false;
  const { sim, tenant, ask } = await listening(
    ["order.placed"],
    () => new Response(null, { status: isUp ? 200 : 500 }),
  );
  for (let day = 0; day < 9; day += 1) {
    isUp = day === 4;
    await orderAt(sim, tenant);
    await sim.run(dayMs);
  }
  expect((await ask("get", {})).json.state).toBe("enabled");
  await orderAt(sim, tenant);
  // Until the tries of what was made on the ninth day have ended, however they were jittered.
  await sim.run(3 * dayMs);
  expect((await ask("get", {})).json.disabledBecause).toBe("failing");
  await ask("enable", {});
  await orderAt(sim, tenant);
  await sim.run(dayMs);
  expect((await ask("get", {})).json.state).toBe("enabled");
});

test("an endpoint that is seldom sent anything is disabled too, with the second delivery it never took", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], failing);
  const states: string[] = [];
  await orderAt(sim, tenant);
  // All tries of a delivery take three days, give or take some hours.
  for (const days of [6, 2, 2]) {
    await sim.run(days * dayMs);
    states.push((await ask("get", {})).json.state);
    if (days === 6) await orderAt(sim, tenant);
  }
  expect(states).toEqual(["enabled", "enabled", "disabled"]);
  expect((await ask("get", {})).json.disabledBecause).toBe("failing");
  expect((await ask("deliveries", {})).json.data).toMatchObject([
    { state: "failed", tries: 10 },
    { state: "failed", tries: 10 },
  ]);
});

test("what it takes between two that it does not, starts the time again, however seldom anything is sent", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], failing);
  const states: string[] = [];
  for (const receiver of [failing, taken, failing, failing]) {
    sim.receivers.set("shop.example", receiver);
    await orderAt(sim, tenant);
    await sim.run(6 * dayMs);
    states.push((await ask("get", {})).json.state);
  }
  expect(states).toEqual(["enabled", "enabled", "enabled", "disabled"]);
});

test("a failure long after another does not disable: who was mended meanwhile, or is now, is sent what waits", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], failing);
  await orderAt(sim, tenant);
  await sim.run(30 * dayMs);
  expect((await ask("deliveries", {})).json.data).toMatchObject([{ state: "failed" }]);
  await orderAt(sim, tenant);
  await sim.run(2 * dayMs);
  expect((await ask("get", {})).json.state).toBe("enabled");
  sim.receivers.set("shop.example", taken);
  await sim.run(dayMs);
  const { data } = (await ask("deliveries", { query: { state: "delivered" } })).json;
  expect(data).toHaveLength(1);
});

test("a frozen tenant is sent nothing, and loses nothing", async () => {
  const { sim, tenant } = await listening(["order.placed"], taken);
  await orderAt(sim, tenant);
  const freeze = (state: string) =>
    tenant.cell.database
      .prepare("update tenant_state set state = ?, epoch = epoch + 1 where tenant_id = ?")
      .bind(state, tenant.tenantId)
      .run();
  await freeze("frozen");
  await sim.run(3 * hourMs);
  expect(sim.delivered).toEqual([]);
  await freeze("active");
  await sim.run(2 * hourMs);
  expect(sim.delivered).toHaveLength(1);
});

test("what waits for an endpoint that is disabled by hand has failed at once, and a replay sends it", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], failing);
  for (let made = 0; made < 3; made += 1) await orderAt(sim, tenant);
  await sim.run(10 * minuteMs);
  await ask("disable", {});
  await sim.run(secondMs);
  const { data } = (await ask("deliveries", {})).json;
  expect(data).toHaveLength(3);
  for (const delivery of data)
    expect(delivery).toMatchObject({ state: "failed", outcome: "endpoint-disabled", dueAt: null });
  sim.delivered.length = 0;
  sim.receivers.set("shop.example", taken);
  await ask("enable", {});
  await sim.run(dayMs);
  expect(sim.delivered).toEqual([]);
  await ask("replay", { body: { failed: true } });
  await sim.run(secondMs);
  expect(sim.delivered).toHaveLength(3);
});

test("of an endpoint that is removed nothing is sent any more, and its queue is gone", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], failing);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  const queues = () =>
    rowsOf(tenant.cell.database, "select * from webhook_queues where tenant_id = ?", tenant.tenantId);
  expect(await queues()).toHaveLength(1);
  expect((await ask("remove", {})).status).toBe(204);
  await sim.run(secondMs);
  expect(await queues()).toEqual([]);
  const before = sim.delivered.length;
  await orderAt(sim, tenant);
  await sim.run(dayMs);
  expect(sim.delivered).toHaveLength(before);
  expect(await queues()).toEqual([]);
});

test("more than one statement gives up is given up all the same", async () => {
  const { sim, tenant, ask } = await listening(["order.updated"], failing);
  await emitMany(tenant, 1200);
  await sim.run(3 * minuteMs);
  await ask("disable", {});
  await sim.run(secondMs);
  const states = await rowsOf(
    tenant.cell.database,
    "select state, count(*) as count from webhook_deliveries where tenant_id = ? group by state",
    tenant.tenantId,
  );
  expect(states).toEqual([{ state: "failed", count: 1200 }]);
});

test("the pause that one receiver asked for is not the next one's", async () => {
  const busy: Receiver = () => new Response(null, { status: 429, headers: { "Retry-After": "86400" } });
  const { sim, tenant, ask, endpoint } = await listening(["order.placed"], busy);
  await orderAt(sim, tenant);
  await sim.run(hourMs);
  expect(sim.delivered).toHaveLength(1);
  sim.receivers.set("next.example", taken);
  sim.secrets.set("next.example", [endpoint.secret]);
  await ask("update", { body: { eventTypes: ["order.placed", "order.ready"] } });
  await orderAt(sim, tenant);
  await sim.run(hourMs);
  expect(sim.delivered).toHaveLength(1);
  await ask("update", { body: { url: "https://next.example/" } });
  await sim.run(minuteMs);
  expect(sentTo(sim, "next.example")).toHaveLength(1);
  await sim.run(dayMs);
  expect(sentTo(sim, "next.example")).toHaveLength(2);
  expect(sentTo(sim, "shop.example")).toHaveLength(1);
});

test("what can no longer be read says nothing of the receiver", async () => {
  const { sim, tenant, ask } = await listening(["customer.created"], taken);
  sim.receivers.set("shop.example", failing);
  const created = await call("customers.create", { ...as(tenant), body: { name: "Ada" }, env: sim.env });
  await sim.run(secondMs);
  sim.receivers.set("shop.example", taken);
  await call("customers.create", { ...as(tenant), body: { name: "Grace" }, env: sim.env });
  await sim.run(secondMs);
  await tenant.cell.database
    .prepare("delete from subject_keys where subject_id = ?")
    .bind(created.json.id)
    .run();
  await sim.run(10 * minuteMs);
  const { data } = (await ask("deliveries", {})).json;
  expect(data.map(({ outcome }: { outcome: string }) => outcome).toSorted()).toEqual([
    "accepted",
    "unreadable",
  ]);
  const [queue] = await rowsOf(
    tenant.cell.database,
    "select failing_since from webhook_queues where tenant_id = ?",
    tenant.tenantId,
  );
  expect(queue?.failing_since).toBeNull();
});
