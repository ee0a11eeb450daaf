import { expect, test } from "vitest";
import { dispatchEvents } from "#jobs/dispatch-events.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import type { Receiver } from "#test/simulation.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import {
  emitMany,
  endpointAt,
  eventsOf,
  failing,
  idsOf,
  listening,
  only,
  orderAt,
  taken,
  typesOf,
} from "./kit.ts";

const { call } = clientOf();

test("an event is sent as Standard Webhooks says, with the thing as a GET answers it", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], taken);
  const orderId = await orderAt(sim, tenant);
  await sim.run(10 * secondMs);
  const [delivered, ...more] = sim.delivered;
  expect(more).toEqual([]);
  const order = await call("orders.get", { ...as(tenant), params: { orderId } });
  const [event] = await eventsOf(tenant, "order.placed");
  expect(delivered?.body).toBe(
    JSON.stringify({
      type: "order.placed",
      timestamp: event?.created_at,
      data: order.json,
      eventId: event?.id,
      seq: event?.seq,
    }),
  );
  expect(Object.fromEntries(delivered?.headers ?? [])).toMatchObject({
    "content-type": "application/json",
    "webhook-timestamp": String(Math.floor((delivered?.atMs ?? 0) / 1000)),
  });
  const { json } = await ask("deliveries", {});
  expect(json.data).toMatchObject([
    {
      id: delivered?.headers.get("webhook-id"),
      state: "delivered",
      tries: 1,
      outcome: "accepted",
      dueAt: null,
    },
  ]);
});

test("only the types that were asked for are sent, and nothing that was before", async () => {
  const tenant = await newTenant();
  await orderAt({ env: testEnv() }, tenant);
  const { sim } = await listening(["order.placed", "order.ready"], taken, { tenant });
  await orderAt(sim, tenant, ["place", "start", "finish"]);
  await sim.run(10 * secondMs);
  expect(typesOf(sim.delivered).toSorted()).toEqual(["order.placed", "order.ready"]);
});

test("an endpoint is told of its own tenant's events alone, though another's wait in the same cell", async () => {
  const { sim, tenant } = await listening(["order.updated"], taken);
  const other = await newTenant();
  await emitMany(other, 3);
  await emitMany(tenant, 2);
  await sim.run(minuteMs);
  const own = (await eventsOf(tenant, "order.updated")).map(({ id }) => id);
  expect(own).toHaveLength(2);
  expect(sim.delivered.map(({ body }) => JSON.parse(body).eventId).toSorted()).toEqual(own.toSorted());
});

test("what one tenant's endpoints are told of leaves another's events of the same number waiting", async () => {
  const { sim, tenant } = await listening(["order.placed"], taken);
  const other = await newTenant();
  for (const each of [tenant, other, other]) await orderAt(sim, each);
  const waiting = ({ tenantId }: TestTenant) =>
    rowsOf(
      tenant.cell.database,
      "select seq from events where tenant_id = ? and dispatched_at is null order by seq",
      tenantId,
    );
  const [told, theirs] = [await waiting(tenant), await waiting(other)];
  expect(theirs).toEqual(expect.arrayContaining(told));
  await dispatchEvents(sim.env, tenant.cell, tenant.tenantId, Date.now());
  expect([await waiting(tenant), await waiting(other)]).toEqual([[], theirs]);
});

test("a failed delivery is tried ten times at the agreed times, with the same id and bytes, and each try is kept", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], failing);
  await orderAt(sim, tenant);
  await sim.run(4 * dayMs);
  const waits = sim.delivered.slice(1).map(({ atMs }, index) => atMs - (sim.delivered[index]?.atMs ?? 0));
  const agreed = [
    5 * secondMs,
    5 * minuteMs,
    30 * minuteMs,
    2 * hourMs,
    5 * hourMs,
    10 * hourMs,
    14 * hourMs,
    20 * hourMs,
    24 * hourMs,
  ];
  expect(waits).toHaveLength(agreed.length);
  for (const [index, wait] of waits.entries()) {
    const expected = agreed[index] ?? 0;
    expect(wait, `wait ${index + 1}`).toBeGreaterThanOrEqual(0.9 * expected);
    // Cron comes once a minute, a queue's delay has whole seconds.
    expect(wait, `wait ${index + 1}`).toBeLessThanOrEqual(
      1.1 * expected + (index === 0 ? secondMs : minuteMs),
    );
  }
  expect(new Set(sim.delivered.map(({ body }) => body)).size).toBe(1);
  expect(new Set(sim.delivered.map(({ headers }) => headers.get("webhook-id"))).size).toBe(1);
  expect(new Set(sim.delivered.map(({ headers }) => headers.get("webhook-timestamp"))).size).toBe(10);
  const delivery = await only(ask);
  expect(delivery).toMatchObject({ state: "failed", tries: 10, outcome: "refused", dueAt: null });
  expect(delivery.attempts).toHaveLength(10);
  for (const attempt of delivery.attempts)
    expect(attempt).toMatchObject({ outcome: "refused", status: 500, excerpt: "out of order" });
});

test("what failed together does not come back together", async () => {
  const { sim, tenant, ask } = await listening(["order.updated"], failing);
  await emitMany(tenant, 20);
  await sim.run(secondMs);
  expect(new Set(idsOf(sim.delivered)).size).toBe(20);
  expect(new Set(sim.delivered.map(({ atMs }) => atMs)).size).toBe(1);
  const { data } = (await ask("deliveries", { query: { state: "pending" } })).json;
  expect(data).toHaveLength(20);
  expect(new Set(data.map(({ dueAt }: { dueAt: string }) => dueAt)).size).toBeGreaterThan(1);
});

test("what changed since is not in a retry: its bytes are those of the first try", async () => {
  let isUp = false;
  const { sim, tenant } = await listening(
    ["customer.created"],
    () => new Response(null, { status: isUp ? 204 : 500 }),
  );
  const created = await call("customers.create", { ...as(tenant), body: { name: "Ada" }, env: sim.env });
  await sim.run(minuteMs);
  const params = { customerId: created.json.id };
  await call("customers.update", { ...as(tenant), params, body: { name: "Grace" }, env: sim.env });
  isUp = true;
  await sim.run(10 * minuteMs);
  const bodies = new Set(sim.delivered.map(({ body }) => body));
  expect(bodies.size).toBe(1);
  expect([...bodies][0]).toContain('"name":"Ada"');
});

const badReceivers: Readonly<Record<string, { receiver: Receiver; outcome: string; status: number | null }>> =
  {
    hangs: { receiver: () => "never", outcome: "timed-out", status: null },
    "cannot be reached": { receiver: () => "unreachable", outcome: "unreachable", status: null },
    redirects: {
      receiver: () =>
        new Response(null, { status: 307, headers: { Location: "https://elsewhere.example/" } }),
      outcome: "redirected",
      status: 307,
    },
    "says it is not modified": {
      receiver: () => new Response(null, { status: 304 }),
      outcome: "redirected",
      status: 304,
    },
    refuses: { receiver: () => new Response("no", { status: 404 }), outcome: "refused", status: 404 },
  };

for (const [how, { receiver, outcome, status }] of Object.entries(badReceivers)) {
  test(`a receiver that ${how} is tried again`, async () => {
    const { sim, tenant, ask } = await listening(["order.placed"], receiver);
    await orderAt(sim, tenant);
    await sim.run(30 * secondMs);
    expect(sim.delivered).toHaveLength(2);
    const delivery = await only(ask);
    expect(delivery).toMatchObject({ state: "pending", tries: 2, outcome });
    expect(delivery.attempts[0]).toMatchObject({ outcome, status });
    sim.receivers.set("shop.example", taken);
    await sim.run(10 * minuteMs);
    expect(await only(ask)).toMatchObject({ state: "delivered", tries: 3 });
  });
}

test("a receiver that takes its time is waited for, ten seconds long", async () => {
  const slow: Receiver = () => ({ afterMs: 9_900, answer: new Response("at last") });
  const { sim, tenant, ask } = await listening(["order.placed"], slow);
  await orderAt(sim, tenant);
  await sim.run(20 * secondMs);
  const delivery = await only(ask);
  expect(delivery).toMatchObject({ state: "delivered", tries: 1 });
  expect(delivery.attempts[0].durationMs).toBe(9_900);
});

test("Retry-After holds back this delivery and all others of the endpoint", async () => {
  const busy: Receiver = () => new Response(null, { status: 429, headers: { "Retry-After": "3600" } });
  const { sim, tenant } = await listening(["order.placed"], busy);
  await orderAt(sim, tenant);
  await sim.run(10 * minuteMs);
  expect(sim.delivered).toHaveLength(1);
  await orderAt(sim, tenant);
  await sim.run(45 * minuteMs);
  expect(sim.delivered).toHaveLength(1);
  sim.receivers.set("shop.example", taken);
  await sim.run(10 * minuteMs);
  expect(new Set(typesOf(sim.delivered.slice(1)))).toEqual(new Set(["order.placed"]));
  expect(new Set(sim.delivered.map(({ headers }) => headers.get("webhook-id"))).size).toBe(2);
});

test("a test event goes to the endpoint that is tested, whatever it listens to, and to no other", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], taken);
  await endpointAt(sim, tenant, "watch.example", ["webhook_endpoint.tested"], taken);
  expect((await ask("test", {})).status).toBe(200);
  await sim.run(10 * secondMs);
  expect(sim.delivered.map(({ url }) => new URL(url).host)).toEqual(["shop.example"]);
  expect(typesOf(sim.delivered)).toEqual(["webhook_endpoint.tested"]);
});

for (const [when, isCommitted] of [
  ["before it is committed", false],
  ["after it was committed", true],
] as const) {
  test(`where the database is lost ${when}, nothing is lost, and what is sent again has its id`, async () => {
    const { sim, tenant, ask } = await listening(["order.placed"], taken);
    await orderAt(sim, tenant);
    const toFail = new Set(['insert or ignore into "webhook_deliveries"', 'insert into "webhook_attempts"']);
    sim.tap = async (texts, run) => {
      const found = [...toFail].find((begin) => texts.some((text) => text.startsWith(begin)));
      if (!found) return await run();
      toFail.delete(found);
      if (isCommitted) await run();
      throw new Error("Network connection lost.");
    };
    await sim.run(5 * minuteMs);
    expect(toFail.size).toBe(0);
    expect(sim.delivered).toHaveLength(isCommitted ? 1 : 2);
    expect(new Set(sim.delivered.map(({ body }) => body)).size).toBe(1);
    const delivery = await only(ask);
    expect(delivery).toMatchObject({ state: "delivered", tries: 1 });
    expect(new Set(idsOf(sim.delivered))).toEqual(new Set([delivery.id]));
  });
}

test("both secrets sign while they overlap, afterwards the new one alone", async () => {
  const { sim, tenant, ask, endpoint } = await listening(["order.placed"], taken);
  const rotated = await ask("rotate", { body: { overlapHours: 1 } });
  const signatures = async (secrets: string[]) => {
    sim.secrets.set("shop.example", secrets);
    await orderAt(sim, tenant);
    await sim.run(minuteMs);
    return sim.delivered.at(-1)?.headers.get("webhook-signature")?.split(" ").length;
  };
  expect(await signatures([endpoint.secret, rotated.json.secret])).toBe(2);
  await sim.run(hourMs);
  expect(await signatures([rotated.json.secret])).toBe(1);
});
