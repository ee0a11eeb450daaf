import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { expect, test } from "vitest";
import { cellKinds } from "#db/retention.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#lib/time.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf } from "#test/examples.ts";
import { type Delivered, type Receiver, Simulation } from "#test/simulation.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const taken: Receiver = () => new Response("thanks");
const failing: Receiver = () => new Response("out of order", { status: 500 });

test("an event is sent as Standard Webhooks says, with the thing as a GET answers it", async () => {
  const { sim, tenant, ask, endpoint } = await listening(["order.placed"], taken);
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
  expectGenuine(endpoint.secret, sim.delivered);
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
  const { sim } = await listening(["order.placed", "order.ready"], taken, tenant);
  await orderAt(sim, tenant, ["place", "start", "finish"]);
  await sim.run(10 * secondMs);
  expect(typesOf(sim.delivered).toSorted()).toEqual(["order.placed", "order.ready"]);
});

test("a failed delivery is tried ten times at the agreed times, with the same id and bytes, and each try is kept", async () => {
  const { sim, tenant, ask, endpoint } = await listening(["order.placed"], failing);
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
  expectGenuine(endpoint.secret, sim.delivered);
  const delivery = await only(ask);
  expect(delivery).toMatchObject({ state: "failed", tries: 10, outcome: "refused", dueAt: null });
  expect(delivery.attempts).toHaveLength(10);
  for (const attempt of delivery.attempts)
    expect(attempt).toMatchObject({ outcome: "refused", status: 500, excerpt: "out of order" });
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
    expect(sim.strayed).toEqual([]);
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

test("an endpoint that answers 410 is disabled at once and says so", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], () => new Response(null, { status: 410 }));
  const others = await listeningToo(sim, tenant, "watch.example", ["webhook_endpoint.disabled"]);
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
  expectGenuine(others.secret, [notice]);
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
  await sim.run(2 * dayMs);
  expect((await ask("get", {})).json.disabledBecause).toBe("failing");
  await ask("enable", {});
  await orderAt(sim, tenant);
  await sim.run(dayMs);
  expect((await ask("get", {})).json.state).toBe("enabled");
});

test("a test event goes to the endpoint that is tested, whatever it listens to, and to no other", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], taken);
  await listeningToo(sim, tenant, "watch.example", ["webhook_endpoint.tested"]);
  expect((await ask("test", {})).status).toBe(200);
  await sim.run(10 * secondMs);
  expect(sim.delivered.map(({ url }) => new URL(url).host)).toEqual(["shop.example"]);
  expect(typesOf(sim.delivered)).toEqual(["webhook_endpoint.tested"]);
});

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

test("both secrets sign while they overlap, afterwards the new one alone", async () => {
  const { sim, tenant, ask, endpoint } = await listening(["order.placed"], taken);
  const rotated = await ask("rotate", { body: { overlapHours: 1 } });
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  expectGenuine(endpoint.secret, sim.delivered);
  expectGenuine(rotated.json.secret, sim.delivered);
  await sim.run(hourMs);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  expectGenuine(rotated.json.secret, sim.delivered.slice(1));
  expect(() => expectGenuine(endpoint.secret, sim.delivered.slice(1))).toThrow("No matching signature");
});

test("an endpoint is sent what happens at its creator's locations alone", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const limited = await keyWith(tenant, ["integrations:manage", "orders:read", "customers:read"], [here]);
  const { sim } = await listening(["order.placed", "customer.created"], taken, tenant, limited.key);
  const placed = await orderAt(sim, tenant, ["place"], { locationId: here });
  await orderAt(sim, tenant, ["place"], { locationId: there });
  await call("customers.create", { ...as(tenant), body: { name: "Ada" }, env: sim.env });
  await sim.run(minuteMs);
  expect(sim.delivered.map(({ body }) => JSON.parse(body).data.id)).toEqual([placed]);
});

const losses: Readonly<
  Record<string, { because: string; lose: (tenant: TestTenant, keyId: string) => Promise<unknown> }>
> = {
  "was revoked": {
    because: "creator-gone",
    lose: (tenant, apiKeyId) => call("api-keys.revoke", { ...as(tenant), params: { apiKeyId } }),
  },
  expired: {
    because: "creator-gone",
    lose: ({ cell, tenantId }, keyId) =>
      changed(cell.database, "api_keys set expires_at = '2020-01-01T00:00:00.000Z'", tenantId, keyId),
  },
  "may no longer read orders": {
    because: "creator-lacks-rights",
    lose: ({ cell, tenantId }, keyId) =>
      changed(cell.database, `api_keys set scopes = '${"0".repeat(32)}'`, tenantId, keyId),
  },
  "lost a location": {
    because: "creator-lacks-rights",
    lose: ({ cell, tenantId }, keyId) =>
      changed(cell.database, "api_keys set all_locations = 0", tenantId, keyId),
  },
};

for (const [how, { because, lose }] of Object.entries(losses)) {
  test(`an endpoint whose creator ${how} is sent nothing more, not even a retry, and says why`, async () => {
    const tenant = await newTenant();
    const key = await keyWith(tenant, ["integrations:manage", "orders:read"]);
    const { sim, ask } = await listening(["order.placed"], failing, tenant, key.key);
    await orderAt(sim, tenant);
    await sim.run(minuteMs);
    expect(sim.delivered).toHaveLength(2);
    await lose(tenant, key.id);
    await orderAt(sim, tenant);
    await sim.run(dayMs);
    expect(sim.delivered).toHaveLength(2);
    expect((await ask("get", {})).json).toMatchObject({ state: "disabled", disabledBecause: because });
    expect((await ask("deliveries", { query: { state: "pending" } })).json.data).toEqual([]);
  });
}

test("where nothing new happens, a retry finds out that its creator's rights have ended", async () => {
  const tenant = await newTenant();
  const key = await keyWith(tenant, ["integrations:manage", "orders:read"]);
  const { sim, ask } = await listening(["order.placed"], failing, tenant, key.key);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  await changed(tenant.cell.database, `api_keys set scopes = '${"0".repeat(32)}'`, tenant.tenantId, key.id);
  await sim.run(10 * minuteMs);
  expect(sim.delivered).toHaveLength(2);
  expect((await ask("get", {})).json.disabledBecause).toBe("creator-lacks-rights");
});

test("a member who was demoted no longer has events sent to their endpoint", async () => {
  const tenant = await newTenant();
  const admin = await memberToken(tenant, "admin");
  const { sim, ask } = await listening(["customer.created", "api_key.created"], taken, tenant, admin);
  await call("customers.create", { ...as(tenant), body: { name: "Ada" }, env: sim.env });
  await sim.run(minuteMs);
  expect(sim.delivered).toHaveLength(1);
  await changed(tenant.cell.database, "members set role = 'sales'", tenant.tenantId, tenant.memberIds.admin);
  await call("customers.create", { ...as(tenant), body: { name: "Grace" }, env: sim.env });
  await sim.run(minuteMs);
  expect(sim.delivered).toHaveLength(1);
  expect((await ask("get", {})).json.disabledBecause).toBe("creator-lacks-rights");
});

test("what is sent of a person lies under that person's key, and is gone with it", async () => {
  const { sim, tenant, ask } = await listening(
    ["customer.created"],
    (request) => new Response(request.body, { status: 500 }),
  );
  const created = await call("customers.create", {
    ...as(tenant),
    body: { name: "Ada Lovelace" },
    env: sim.env,
  });
  await sim.run(minuteMs);
  expect((await only(ask)).attempts[0].excerpt).toContain("Ada Lovelace");
  const tables = ["webhook_deliveries", "webhook_attempts"];
  const texts = await Promise.all(
    tables.map((table) =>
      rowsOf(tenant.cell.database, `select * from ${table} where tenant_id = ?`, tenant.tenantId),
    ),
  );
  expect(JSON.stringify(texts)).not.toContain("Lovelace");
  expect(texts[0]?.[0]).toMatchObject({
    subject_id: created.json.id,
    body: expect.stringMatching(/^v1\.sky_/),
  });
  await changed(
    tenant.cell.database,
    "subject_keys set wrapped = ''",
    tenant.tenantId,
    created.json.id,
    "subject_id",
  );
  await tenant.cell.database
    .prepare("delete from subject_keys where subject_id = ?")
    .bind(created.json.id)
    .run();
  const before = sim.delivered.length;
  await sim.run(10 * minuteMs);
  expect(sim.delivered).toHaveLength(before);
  const delivery = await only(ask);
  expect(delivery).toMatchObject({ state: "failed", outcome: "unreadable" });
  for (const { excerpt } of delivery.attempts) expect(excerpt).toBeNull();
});

test("who may not read what was sent does not read it from what the receiver answered", async () => {
  const { sim, tenant, ask } = await listening(
    ["customer.created"],
    (request) => new Response(request.body, { status: 500 }),
  );
  await call("customers.create", { ...as(tenant), body: { name: "Ada Lovelace" }, env: sim.env });
  await sim.run(minuteMs);
  const limited = await keyWith(tenant, ["integrations:manage"]);
  const [{ id: deliveryId }] = (await ask("deliveries", {})).json.data;
  const seen = await ask("delivery", { as: limited.key, params: { deliveryId } });
  expect(seen.json.attempts.length).toBeGreaterThan(0);
  expect(seen.text).not.toContain("Lovelace");
});

test("deliveries and tries are kept for thirty days, and what still waits for longer", async () => {
  const { sim, tenant } = await listening(["order.placed"], taken);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  sim.receivers.set("shop.example", failing);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  const kept = async (afterMs: number) => {
    await deleteExpired(tenant.cell.database, Date.now() + afterMs, cellKinds);
    const count = (table: string) =>
      rowsOf(tenant.cell.database, `select id from ${table} where tenant_id = ?`, tenant.tenantId);
    return [(await count("webhook_deliveries")).length, (await count("webhook_attempts")).length];
  };
  expect(await kept(30 * dayMs - 3 * minuteMs)).toEqual([2, 3]);
  expect(await kept(30 * dayMs)).toEqual([1, 0]);
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

async function listening(
  eventTypes: readonly string[],
  receiver: Receiver,
  given?: TestTenant,
  key?: string,
) {
  const tenant = given ?? (await newTenant());
  const sim = await Simulation.begin();
  sim.receivers.set("shop.example", receiver);
  const ofTenant = { ...as(tenant), env: sim.env };
  const created = await call("webhook-endpoints.create", {
    ...ofTenant,
    as: key ?? tenant.key,
    body: { url: "https://shop.example/hooks", eventTypes },
  });
  expect(created.status, created.text).toBe(201);
  const ask = (verb: string, { params, ...changes }: Call): Promise<Answer> =>
    call(`webhook-endpoints.${verb}`, {
      ...ofTenant,
      params: { webhookEndpointId: created.json.id, ...params },
      ...changes,
    });
  return { sim, tenant, ask, endpoint: created.json as { id: string; secret: string } };
}

async function listeningToo(
  sim: Simulation,
  tenant: TestTenant,
  host: string,
  eventTypes: readonly string[],
) {
  sim.receivers.set(host, taken);
  const body = { url: `https://${host}/`, eventTypes };
  return (await call("webhook-endpoints.create", { ...as(tenant), body, env: sim.env })).json;
}

async function only(ask: (verb: string, given: Call) => Promise<Answer>) {
  const [first, ...others] = (await ask("deliveries", {})).json.data;
  expect(others).toEqual([]);
  return (await ask("delivery", { params: { deliveryId: first.id } })).json;
}

function as({ slug, key }: TestTenant) {
  return { tenant: slug, as: key };
}

function typesOf(delivered: readonly Delivered[]): string[] {
  return delivered.map(({ body }) => JSON.parse(body).type);
}

/** npm's two verifiers accept each of them. */
function expectGenuine(secret: string, delivered: readonly (Delivered | undefined)[]): void {
  expect(delivered.length).toBeGreaterThan(0);
  for (const each of delivered) {
    if (!each) throw new Error("Nothing was delivered.");
    const headers = Object.fromEntries(each.headers);
    // Both hold the timestamp against the clock, which a later retry has left behind.
    const now = Date.now();
    const sentAt = Number(headers["webhook-timestamp"]) * 1000;
    withClock(sentAt, () => {
      new Webhook(secret).verify(each.body, headers);
      new SvixWebhook(secret).verify(each.body, headers);
    });
    expect(Date.now()).toBe(now);
  }
}

function withClock(atMs: number, run: () => void): void {
  const { now } = Date;
  Date.now = () => atMs;
  try {
    run();
  } finally {
    Date.now = now;
  }
}

/** An order after these transitions, made in the simulation's time. */
async function orderAt(
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

async function keyWith(tenant: TestTenant, scopes: readonly string[], locationIds?: readonly string[]) {
  const body = { name: "Limited", scopes, locationIds };
  const { status, text, json } = await call("api-keys.create", { ...as(tenant), body, env: testEnv() });
  expect(status, text).toBe(201);
  return json as { id: string; key: string };
}

async function changed(database: D1Database, change: string, tenantId: string, id: string, column = "id") {
  await database.prepare(`update ${change} where tenant_id = ? and ${column} = ?`).bind(tenantId, id).run();
  await database
    .prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?")
    .bind(tenantId)
    .run();
}

function eventsOf({ cell, tenantId }: TestTenant, type: string) {
  return rowsOf<{ seq: number; id: string; created_at: string }>(
    cell.database,
    "select seq, id, created_at from events where tenant_id = ? and type = ? order by seq",
    tenantId,
    type,
  );
}
