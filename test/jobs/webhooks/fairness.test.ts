import { expect, test } from "vitest";
import { minuteMs, secondMs } from "#lib/time.ts";
import { type Receiver, Simulation } from "#test/simulation.ts";
import { newTenant } from "#test/world.ts";
import { emitMany, endpointAt, failing, hanging, listening, sentTo, taken } from "./kit.ts";
import { unreliable } from "./unreliable.ts";

const wanted = ["order.updated"];

/** How many tries reached a receiver in each second after the first. */
function perSecond(sim: Simulation, host: string, fromMs: number, seconds: number): number[] {
  const counts = Array.from({ length: seconds }, () => 0);
  for (const { atMs } of sentTo(sim, host)) {
    const second = Math.floor((atMs - fromMs) / secondMs);
    if (second < seconds) counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

/** What a receiver that takes its fifth of a second is sent in the first ten, with this neighbour beside it. */
async function besideOne(neighbour: Receiver): Promise<{ counts: number[]; sim: Simulation }> {
  const quick: Receiver = () => ({ afterMs: 200, answer: new Response() });
  const { sim, tenant } = await listening(wanted, quick);
  await endpointAt(sim, tenant, "neighbour.example", wanted, neighbour);
  await emitMany(tenant, 300);
  await sim.run(2 * minuteMs);
  const [first] = sentTo(sim, "shop.example");
  return { counts: perSecond(sim, "shop.example", first?.atMs ?? 0, 30), sim };
}

const neighbours: Readonly<Record<string, () => Receiver>> = {
  hangs: () => hanging,
  "takes nine seconds": () => () => ({ afterMs: 9 * secondMs, answer: new Response() }),
  refuses: () => failing,
  "does everything wrong, in turns": () => unreliable().take,
};

for (const [how, neighbour] of Object.entries(neighbours)) {
  test(`beside a receiver that ${how}, another is sent as much in each second as beside one that answers`, async () => {
    const undisturbed = await besideOne(taken);
    expect(undisturbed.counts.reduce((sum, count) => sum + count)).toBe(300);
    const disturbed = await besideOne(neighbour());
    expect(disturbed.counts).toEqual(undisturbed.counts);
    expect(sentTo(disturbed.sim, "neighbour.example").length).toBeGreaterThan(50);
  });
}

test("an endpoint has five requests under way at most, however much waits and however often it is woken", async () => {
  const { sim } = await besideOne(hanging);
  expect(sim.mostAtOnce.get("neighbour.example")).toBe(5);
  expect(sim.mostAtOnce.get("shop.example")).toBe(5);
});

/** Two tenants on consumers that one of them, without a cap, would take all of. */
async function besideMany(receivers: Receiver) {
  const [loud, quiet] = [await newTenant(), await newTenant()];
  const sim = await Simulation.begin({ consumersAtOnce: 12 });
  const hosts = Array.from({ length: 20 }, (_, index) => `loud${index}.example`);
  for (const host of hosts) await endpointAt(sim, loud, host, wanted, receivers);
  await endpointAt(sim, quiet, "quiet.example", wanted, taken);
  await emitMany(loud, 40);
  await sim.run(minuteMs);
  // Cron finds these a minute later, while all that the loud one may take is taken.
  await emitMany(quiet, 60);
  const fromMs = Date.now();
  await sim.run(75 * secondMs);
  return { sim, hosts, counts: perSecond(sim, "quiet.example", fromMs, 75) };
}

test("twenty receivers of one tenant that hang delay no other tenant by a second", async () => {
  const disturbed = await besideMany(hanging);
  const undisturbed = await besideMany(taken);
  expect(undisturbed.counts.reduce((sum, count) => sum + count)).toBe(60);
  expect(disturbed.counts).toEqual(undisturbed.counts);
  // Ten endpoints of five each, whatever there is.
  expect(disturbed.sim.mostUnderWay).toBeLessThanOrEqual(50 + 5);
  expect(disturbed.sim.mostUnderWay).toBeGreaterThanOrEqual(50);
}, 60_000);

test("of twenty receivers that hang none gets two turns more than another", async () => {
  const { sim, hosts } = await besideMany(hanging);
  const counts = hosts.map((host) => sentTo(sim, host).length);
  // A turn is of twenty seconds, so two rounds of five.
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(20);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(10);
});
