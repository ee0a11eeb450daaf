import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { expect, test } from "vitest";
import { emit } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { hourMs, secondMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { orders } from "#resources/orders/table.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { type Delivered, type Receiver, Simulation } from "#test/simulation.ts";
import { newTenant, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const events = 10_000;
const eventsPerCommit = 200;

test("of 10,000 events none is lost on a receiver that does everything wrong, and pulling proves it", async () => {
  const tenant = await newTenant();
  const sim = await Simulation.begin();
  const { json: endpoint } = await call("webhook-endpoints.create", {
    ...as(tenant, sim),
    body: { url: "https://shop.example/hooks", eventTypes: ["order.updated"] },
  });
  const receiver = unreliable();
  sim.receivers.set("shop.example", receiver.take);
  const t0 = performance.now();
  const lap = (n: string) =>
    console.log("LAP", n, Math.round(performance.now() - t0), sim.delivered.length, receiver.processed.size);
  await emitMany(tenant, events);
  lap("emitted");

  for (let hours = 0; hours < 48 && receiver.processed.size < events; hours += 1) {
    await sim.run(hourMs);
    lap("hour" + hours);
  }
  expect(receiver.processed.size, "events that arrived").toBe(events);
  const outcomes = [...receiver.met].toSorted();
  expect(outcomes).toEqual([
    "answer-lost",
    "garbage",
    "hangs",
    "redirects",
    "refuses",
    "slow",
    "takes",
    "unreachable",
  ]);

  // Every try of one event has one id and the same bytes, and no two events share an id.
  const byId = Map.groupBy(sim.delivered, ({ headers }) => headers.get("webhook-id"));
  expect(byId.size).toBe(events);
  for (const tries of byId.values()) expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
  expect(sim.delivered.length).toBeGreaterThan(events);
  expect(sim.strayed).toEqual([]);
  lap("before verify");
  expectGenuine(endpoint.secret, sim.delivered);
  await new Promise((r) => queueMicrotask(() => r(0)));
  lap("verified");
  const pulled = await pull(tenant, sim);
  lap("pulled");
  const updates = pulled.filter(({ type }) => type === "order.updated");
  expect(pulled.map(({ seq }) => seq)).toEqual(pulled.map((_, index) => index + 1));
  expect(updates.map(({ id }) => id)).toEqual([...receiver.processed].toSorted(bySeq(updates)));
}, 120_000);

test("a consumer that lost deliveries finds out which by pulling, and a replay brings exactly these", async () => {
  const tenant = await newTenant();
  const sim = await Simulation.begin();
  const got = new Set<string>();
  let isForgetful = true;
  sim.receivers.set("shop.example", ({ body }) => {
    const { eventId, seq } = JSON.parse(body);
    // Answers that all is well, and has kept only some.
    if (!isForgetful || seq % 3 === 0) got.add(eventId);
    return new Response();
  });
  const { json: endpoint } = await call("webhook-endpoints.create", {
    ...as(tenant, sim),
    body: { url: "https://shop.example/hooks", eventTypes: ["order.updated"] },
  });
  await emitMany(tenant, 600);
  await sim.run(10 * 60 * secondMs);
  const wanted = (await pull(tenant, sim)).filter(({ type }) => type === "order.updated").map(({ id }) => id);
  const lost = wanted.filter((id) => !got.has(id));
  expect([wanted.length, lost.length]).toEqual([600, 400]);
  isForgetful = false;
  const params = { webhookEndpointId: endpoint.id };
  await call("webhook-endpoints.replay", {
    ...as(tenant, sim),
    params,
    body: { since: "2020-01-01T00:00:00Z" },
  });
  await sim.run(10 * 60 * secondMs);
  expect([...got].toSorted()).toEqual(wanted.toSorted());
});

/** Each try of an event goes wrong in another way, drawn by its id; after six it is taken at last. */
function unreliable() {
  const processed = new Set<string>();
  const met = new Set<string>();
  const tries = new Map<string, number>();
  const ways: readonly [string, number, (keep: () => void) => ReturnType<Receiver>][] = [
    ["refuses", 10, () => new Response("no", { status: 500 })],
    [
      "redirects",
      5,
      () => new Response(null, { status: 302, headers: { Location: "https://elsewhere.example/" } }),
    ],
    ["unreachable", 5, () => "unreachable"],
    ["hangs", 1, () => "never"],
    ["garbage", 5, () => new Response(new Uint8Array(2000).fill(0xfe), { status: 599 })],
    ["slow", 1, (keep) => (keep(), { afterMs: 9_000, answer: new Response("slowly") })],
    ["answer-lost", 3, (keep) => (keep(), "unreachable")],
  ];
  const take = ({ headers, body }: Delivered): ReturnType<Receiver> => {
    const id = headers.get("webhook-id") ?? "";
    const keep = () => void processed.add(JSON.parse(body).eventId);
    const nth = (tries.get(id) ?? 0) + 1;
    tries.set(id, nth);
    let drawn = hashOf(`${id} ${nth}`) % 100;
    for (const [name, share, way] of nth > 6 ? [] : ways) {
      drawn -= share;
      if (drawn >= 0) continue;
      met.add(name);
      return way(keep);
    }
    met.add("takes");
    keep();
    return new Response("thanks");
  };
  return { take, processed, met };
}

function hashOf(text: string): number {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619) >>> 0;
  return hash;
}

async function emitMany({ cell, tenantId, orderId, locationIds }: TestTenant, count: number): Promise<void> {
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const row = { locationId: locationIds[0], assigneeId: null };
  for (let done = 0; done < count; done += eventsPerCommit) {
    const some = Array.from({ length: Math.min(eventsPerCommit, count - done) }, () =>
      emit("order.updated", { orderId }, { table: orders, row }),
    );
    const run = { job: "test", requestId: newId("run"), now: Date.now() };
    expect((await commitAsSystem(session, run, some)).kind).toBe("committed");
  }
}

interface Pulled {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
}

async function pull(tenant: TestTenant, sim: Simulation): Promise<Pulled[]> {
  const all: Pulled[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const query = { after: String(after), limit: "100" };
    const { status, text, json } = await call("events.list", { ...as(tenant, sim), query });
    expect(status, text).toBe(200);
    all.push(...json.data);
    after = json.nextAfter;
  }
  return all;
}

function bySeq(known: readonly Pulled[]) {
  const seqs = new Map(known.map(({ id, seq }) => [id, seq]));
  return (a: string, b: string) => (seqs.get(a) ?? 0) - (seqs.get(b) ?? 0);
}

function as({ slug, key }: TestTenant, { env }: Simulation) {
  return { tenant: slug, as: key, env };
}

function expectGenuine(secret: string, delivered: readonly Delivered[]): void {
  const verifiers = [new Webhook(secret), new SvixWebhook(secret)];
  const { now } = Date;
  for (const { headers, body } of delivered) {
    const given = Object.fromEntries(headers);
    // Both hold the timestamp against the clock, which has moved on since.
    Date.now = () => Number(given["webhook-timestamp"]) * 1000;
    for (const verifier of verifiers) verifier.verify(body, given);
  }
  Date.now = now;
}
