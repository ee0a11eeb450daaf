import { expect, test } from "vitest";
import { hourMs, minuteMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import type { Receiver, Simulation } from "#test/simulation.ts";
import type { TestTenant } from "#test/world.ts";
import { as } from "#test/world.ts";
import { emitMany, idsOf, listening } from "./kit.ts";
import { unreliable } from "./unreliable.ts";

const { call } = clientOf();
const events = 10_000;

test("of 10,000 events none is lost on a receiver that does everything wrong, and pulling proves it", async () => {
  const receiver = unreliable();
  const { sim, tenant } = await listening(["order.updated"], receiver.take);
  await emitMany(tenant, events);
  let batches = 0;
  // The database is no better: of every hundred batches one is lost, and one is committed and its answer lost.
  sim.tap = async (_texts, run) => {
    batches += 1;
    if (batches % 100 === 33) throw new Error("Network connection lost.");
    const results = await run();
    if (batches % 100 === 66) throw new Error("Network connection lost.");
    return results;
  };
  for (let hours = 0; hours < 48 && receiver.processed.size < events; hours += 1) await sim.run(hourMs);
  expect(receiver.processed.size, "events that arrived").toBe(events);
  expect([...receiver.met].toSorted()).toEqual([
    ...["answer-lost", "garbage", "hangs", "redirects", "refuses", "slow", "takes", "unreachable"],
  ]);
  // Every try of one event has one id and the same bytes, and no two events share an id.
  const byId = Map.groupBy(sim.delivered, ({ headers }) => headers.get("webhook-id"));
  expect(byId.size).toBe(events);
  for (const tries of byId.values()) expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
  expect(new Set(sim.delivered.map(({ body }) => JSON.parse(body).eventId)).size).toBe(events);
  expect(sim.delivered.length).toBeGreaterThan(events);
  expect(batches).toBeGreaterThan(500);
  sim.tap = (_texts, run) => run();
  const pulled = await pull(tenant, sim);
  expect(pulled.map(({ seq }) => seq)).toEqual(pulled.map((_, index) => index + 1));
  const updates = pulled.filter(({ type }) => type === "order.updated").map(({ id }) => id);
  expect([...receiver.processed].toSorted()).toEqual(updates.toSorted());
}, 120_000);

test("a consumer that lost deliveries finds out which by pulling, and a replay brings exactly these", async () => {
  const got = new Set<string>();
  let isForgetful = true;
  // Answers that all is well, and has kept only some.
  const forgetful: Receiver = ({ body }) => {
    const { eventId, seq } = JSON.parse(body);
    if (!isForgetful || seq % 3 === 0) got.add(eventId);
    return new Response();
  };
  const { sim, tenant, ask } = await listening(["order.updated"], forgetful);
  await emitMany(tenant, 600);
  await sim.run(5 * minuteMs);
  const updates = (await pull(tenant, sim)).filter(({ type }) => type === "order.updated");
  const lost = updates.filter(({ id }) => !got.has(id));
  expect([updates.length, lost.length]).toEqual([600, 400]);
  isForgetful = false;
  const before = sim.delivered.splice(0);
  await ask("replay", { body: { since: updates[0]?.at } });
  await sim.run(5 * minuteMs);
  expect([...got].toSorted()).toEqual(updates.map(({ id }) => id).toSorted());
  expect(idsOf(sim.delivered).toSorted()).toEqual(idsOf(before).toSorted());
});

interface Pulled {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  readonly at: string;
}

async function pull(tenant: TestTenant, sim: Simulation): Promise<Pulled[]> {
  const all: Pulled[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const query = { after: String(after), limit: "100" };
    const { status, text, json } = await call("events.list", { ...as(tenant), query, env: sim.env });
    expect(status, text).toBe(200);
    all.push(...json.data);
    after = json.nextAfter;
  }
  return all;
}
