import { expect } from "vitest";
import { emit } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { newId } from "#platform/ids.ts";
import { orders } from "#resources/orders/table.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf } from "#test/examples.ts";
import { type Delivered, type Receiver, Simulation } from "#test/simulation.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

export const taken: Receiver = () => new Response("thanks");
export const failing: Receiver = () => new Response("out of order", { status: 500 });
export const hanging: Receiver = () => "never";

/** What a test asks of one endpoint: the operations below /webhook-endpoints by their verbs. */
export type Ask = (verb: string, given: Call) => Promise<Answer>;

/** A simulation with one endpoint at shop.example, of a tenant of its own unless given. */
export async function listening(
  eventTypes: readonly string[],
  receiver: Receiver,
  given: { tenant?: TestTenant; key?: string } = {},
) {
  const tenant = given.tenant ?? (await newTenant());
  const sim = await Simulation.begin();
  const endpoint = await endpointAt(sim, tenant, "shop.example", eventTypes, receiver, given.key);
  return { sim, tenant, ...endpoint };
}

/** Has events sent to this host, where the receiver takes them and each one's signature is verified. */
export async function endpointAt(
  sim: Simulation,
  tenant: TestTenant,
  host: string,
  eventTypes: readonly string[],
  receiver: Receiver,
  key = tenant.key,
) {
  const created = await call("webhook-endpoints.create", {
    ...as(tenant),
    as: key,
    env: sim.env,
    body: { url: `https://${host}/hooks`, eventTypes },
  });
  expect(created.status, created.text).toBe(201);
  const endpoint = created.json as { id: string; secret: string };
  sim.receivers.set(host, receiver);
  sim.secrets.set(host, [endpoint.secret]);
  const ask: Ask = (verb, { params, ...changes }) =>
    call(`webhook-endpoints.${verb}`, {
      ...as(tenant),
      env: sim.env,
      params: { webhookEndpointId: endpoint.id, ...params },
      ...changes,
    });
  return { endpoint, ask };
}

/** The one delivery that there is, with its tries. */
export async function only(ask: Ask) {
  const [first, ...others] = (await ask("deliveries", {})).json.data;
  expect(others).toEqual([]);
  return (await ask("delivery", { params: { deliveryId: first.id } })).json;
}

export function sentTo(sim: Simulation, host: string): Delivered[] {
  return sim.delivered.filter(({ url }) => new URL(url).host === host);
}

export function idsOf(delivered: readonly Delivered[]): (string | null)[] {
  return delivered.map(({ headers }) => headers.get("webhook-id"));
}

export function typesOf(delivered: readonly Delivered[]): string[] {
  return delivered.map(({ body }) => JSON.parse(body).type);
}

/** An order after these transitions, made in the simulation's time. */
export async function orderAt(
  { env }: Pick<Simulation, "env">,
  tenant: TestTenant,
  verbs: readonly string[] = ["place"],
  changes: object = {},
): Promise<string> {
  const { body } = await exampleOf("orders.create").make(tenant);
  const made = await call("orders.create", { ...as(tenant), body: { ...Object(body), ...changes }, env });
  const params = { orderId: made.json.id };
  for (const verb of verbs) await call(`orders.${verb}`, { ...as(tenant), params, env });
  return made.json.id;
}

const eventsPerCommit = 200;

/** As many `order.updated` of one order, faster than by as many requests, which also wake nobody. */
export async function emitMany(tenant: TestTenant, count: number): Promise<void> {
  const { cell, tenantId, orderId, locationIds } = tenant;
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

export async function keyWith(
  tenant: TestTenant,
  scopes: readonly string[],
  locationIds?: readonly string[],
) {
  const body = { name: "Limited", scopes, locationIds };
  const { status, text, json } = await call("api-keys.create", { ...as(tenant), body });
  expect(status, text).toBe(201);
  return json as { id: string; key: string };
}

/** Changes a row past the house, as an operation that does not exist yet would, and moves the epoch as that would. */
export async function changed(database: D1Database, change: string, tenantId: string, id: string) {
  await database.batch([
    database.prepare(`update ${change} where tenant_id = ? and id = ?`).bind(tenantId, id),
    database.prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?").bind(tenantId),
  ]);
}

export function eventsOf({ cell, tenantId }: TestTenant, type: string) {
  return rowsOf<{ seq: number; id: string; created_at: string }>(
    cell.database,
    "select seq, id, created_at from events where tenant_id = ? and type = ? order by seq",
    tenantId,
    type,
  );
}
