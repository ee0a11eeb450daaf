import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { directoryTenants } from "#db/directory-tables.ts";
import { dispatchPending } from "#db/outbox.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { consume } from "#jobs/consume.ts";
import { sweepEvents, WakeUp } from "#jobs/dispatch-events.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { dayMs, minuteMs, secondMs, timestamp } from "#lib/time.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { as, envWith, newTenant, proxied, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();
const queueName = "keyline-audit-events-us1";

afterEach(() => void vi.useRealTimers());

test("an event has ids, enums and amounts, the place of its row and who caused it", async () => {
  const tenant = await newTenant();
  const { env } = deaf();
  const answer = await createOrder(tenant, env);
  const [event] = await eventsOf(tenant, "order.created");
  expect(event).toMatchObject({
    location_id: tenant.locationIds[0],
    assignee_id: tenant.memberIds.designer,
    actor_kind: "api-key",
    actor_id: tenant.keyId,
    request_id: answer.headers.get("x-request-id"),
    created_at: answer.json.createdAt,
    dispatched_at: null,
  });
  expect(JSON.parse(String(event?.data))).toEqual({
    orderId: answer.json.id,
    customerId: tenant.customerIds[0],
    locationId: tenant.locationIds[0],
    total: 1000,
    currency: "USD",
  });
});

test("no event tells anything of a person", async () => {
  const tenant = await newTenant();
  const person = { name: "Peregrine Ashdown", email: "p.ashdown@example.com", phone: "+44 20 7946 0555" };
  const { env, sent } = deaf();
  const created = await call("customers.create", { ...as(tenant), body: { ...person, note: "Tall" }, env });
  const params = { customerId: created.json.id };
  await call("customers.update", { ...as(tenant), params, body: { name: "Perry Ashdown" }, env });
  await call("customers.remove", { ...as(tenant), params, env });
  const text = JSON.stringify([await eventsOf(tenant), sent()]);
  expect(text).toContain(created.json.id);
  for (const canary of ["Peregrine", "Perry", "ashdown", "7946", "Tall"]) expect(text).not.toContain(canary);
});

test("a commit with events sends one wake-up that names the tenant alone, any other commit none", async () => {
  const tenant = await newTenant();
  const { env, sent } = deaf();
  await createOrder(tenant, env);
  expect(sent()).toEqual([{ v: 1, tenantId: tenant.tenantId }]);
  await call("customers.restore", {
    ...as(tenant),
    params: { customerId: tenant.customerIds[0] ?? "" },
    env,
  });
  await call("customers.create", { ...as(tenant), body: { name: "" }, env });
  await call("orders.list", { ...as(tenant), env });
  expect(sent()).toHaveLength(1);
});

test("the commits of a moment are told once for each tenant, and those of the next one again", async () => {
  const tenants = [await newTenant(), await newTenant()];
  let committed = 0;
  const counting = tapped(testEnv().CELL_US1 as D1Database, async (_texts, commit) => {
    const results = await commit();
    committed += 1;
    return results;
  });
  const { env, sent } = deaf({ WAKE_UP_WAIT_MS: "60000", CELL_US1: counting });
  const told = tenants.map(({ tenantId }) => tenantId).toSorted();
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  for (let moment = 1; moment <= 2; moment += 1) {
    const writes = tenants.flatMap((tenant) => Array.from({ length: 5 }, () => createOrder(tenant, env)));
    while (committed < 10 * moment) await scheduler.wait(10);
    // What a commit is followed by without waiting for anything.
    await scheduler.wait(10);
    expect(sent()).toHaveLength(2 * (moment - 1));
    vi.advanceTimersByTime(60_000);
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual(Array(10).fill(201));
    const latest = sent()
      .slice(-2)
      .map((body) => WakeUp.parse(body).tenantId);
    expect([sent().length, latest.toSorted()]).toEqual([2 * moment, told]);
  }
});

test("a queue that refuses messages costs nobody their write, and the sweeper makes good for it", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await consumeNow(tenant);
  const broken = proxied(testEnv().AUDIT_EVENTS_US1 as Queue, {
    send: () => Promise.reject(new Error("Queue send failed")),
    sendBatch: () => Promise.reject(new Error("Queue send failed")),
  });
  expect((await createOrder(tenant, envWith({ AUDIT_EVENTS_US1: broken }))).status).toBe(201);
  expect(await pendingOf(tenant)).toEqual(["order.created"]);

  const { cell, swept } = sweeping();
  vi.setSystemTime(Date.now() + 29 * secondMs);
  await sweepEvents(cell, Date.now());
  expect(swept()).not.toContain(tenant.tenantId);
  vi.setSystemTime(Date.now() + secondMs);
  await expect(sweepEvents({ ...cell, queue: broken }, Date.now())).rejects.toThrow("Queue send failed");
  await sweepEvents(cell, Date.now());
  expect(swept().filter((id) => id === tenant.tenantId)).toHaveLength(1);
  expect(await pendingOf(tenant)).toEqual(["order.created"]);

  await consumeNow(tenant);
  expect(await pendingOf(tenant)).toEqual([]);
  await sweepEvents(cell, Date.now());
  expect(swept().filter((id) => id === tenant.tenantId)).toHaveLength(1);
});

test("whoever has a backlog leaves the others of the same batch their share of it", async () => {
  const [hog, tenant] = [await newTenant(), await newTenant()];
  const { env } = deaf();
  const { database } = hog.cell;
  for (const each of [hog, tenant])
    await database
      .prepare(
        "update webhook_endpoints set state = 'enabled', disabled_because = null, event_types = '[\"order.created\"]', location_ids = null, created_at = '2019' where tenant_id = ?",
      )
      .bind(each.tenantId)
      .run();
  // Each tells of another order, which takes a question of its own.
  await database
    .prepare(
      "with recursive n (i) as (select 1 union all select i + 1 from n where i < 700) insert into events (tenant_id, seq, id, type, data, actor_kind, actor_id, request_id, created_at) select ?1, 1000000 + i, 'evt_' || i, 'order.created', json_object('orderId', 'ord_' || i), 'system', 'job', 'req', '2020-01-01T00:00:00.000Z' from n",
    )
    .bind(hog.tenantId)
    .run();
  await createOrder(tenant, env);
  await consumed([wakeUp(hog), wakeUp(tenant)], Date.now(), env);
  expect(await pendingOf(tenant)).toEqual([]);
  expect((await pendingOf(hog)).length).toBeGreaterThan(0);
  for (const table of ["events", "webhook_deliveries", "webhook_bodies"])
    await database.prepare(`delete from ${table} where tenant_id = ?`).bind(hog.tenantId).run();
});

test("however many events of one tenant were left behind, those of the others are found", async () => {
  const tenants = [await newTenant(), await newTenant(), await newTenant()];
  const [before, hog, after] = tenants.toSorted((one, other) => (one.tenantId < other.tenantId ? -1 : 1));
  if (!before || !hog || !after) throw new Error("There are three tenants.");
  const { env } = deaf();
  for (const tenant of [before, after]) await createOrder(tenant, env);
  const { cell, swept } = sweeping();
  await cell.database
    .prepare(
      "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1500) insert into events (tenant_id, seq, id, type, data, actor_kind, actor_id, request_id, created_at) select ?1, 1000000 + i, 'evt_' || i, 'order.created', '{}', 'system', 'job', 'req', '2020-01-01T00:00:00.000Z' from n",
    )
    .bind(hog.tenantId)
    .run();
  await sweepEvents(cell, Date.now() + minuteMs);
  for (const { tenantId } of tenants) expect(swept().filter((id) => id === tenantId)).toHaveLength(1);
  await cell.database
    .prepare("delete from events where tenant_id = ? and seq > 1000000")
    .bind(hog.tenantId)
    .run();
});

test("a message marks all of its tenant's events, more than a hundred too, and no other tenant's", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const { env } = deaf();
  await Promise.all(Array.from({ length: 120 }, () => createOrder(tenant, env)));
  await createOrder(other, env);
  const now = Date.now();
  const result = await consumed([wakeUp(tenant)], now);
  expect([result.explicitAcks, result.retryMessages]).toEqual([["m0"], []]);
  expect(await pendingOf(tenant)).toEqual([]);
  expect(await pendingOf(other)).toContain("order.created");
  const marked = await eventsOf(tenant, "order.created");
  expect(marked).toHaveLength(120);
  expect(new Set(marked.map(({ dispatched_at: at }) => at))).toEqual(new Set([timestamp(now)]));
});

test("a message that comes twice, together or later, changes nothing", async () => {
  const tenant = await newTenant();
  await createOrder(tenant, deaf().env);
  const now = Date.now();
  const result = await consumed([wakeUp(tenant), wakeUp(tenant)], now);
  expect(result.explicitAcks).toEqual(["m0", "m1"]);
  const marked = await eventsOf(tenant);
  await consumed([wakeUp(tenant)], now + 1000);
  expect(await eventsOf(tenant)).toEqual(marked);
});

test("ten consumers at once mark each event once", async () => {
  const tenant = await newTenant();
  await consumeNow(tenant);
  const { env } = deaf();
  await Promise.all(Array.from({ length: 30 }, () => createOrder(tenant, env)));
  const driver = () => new TenantDriver(new Store(tenant.cell.database, "first-primary"), tenant.tenantId);
  const marked = await Promise.all(Array.from({ length: 10 }, () => dispatchPending(driver(), Date.now())));
  expect(marked.reduce((sum, count) => sum + count, 0)).toBe(30);
  expect(await pendingOf(tenant)).toEqual([]);
});

test("a message that fails is retried alone", async () => {
  const [tenant, failing] = [await newTenant(), await newTenant()];
  const { env } = deaf();
  for (const each of [tenant, failing]) await createOrder(each, env);
  const result = await consumed(
    [{ v: 1, tenantId: 7 }, wakeUp(tenant), { v: 2, tenantId: failing.tenantId }, "nonsense"],
    Date.now(),
  );
  expect(result.explicitAcks).toEqual(["m1"]);
  expect(result.retryMessages.map(({ msgId }) => msgId)).toEqual(["m0", "m2", "m3"]);
  expect(await pendingOf(tenant)).toEqual([]);
  expect(await pendingOf(failing)).toContain("order.created");
});

test("a message whose database fails is retried, and those after it are served", async () => {
  const [failing, tenant] = [await newTenant(), await newTenant()];
  const { env } = deaf();
  for (const each of [tenant, failing]) await createOrder(each, env);
  let batches = 0;
  const database = tapped(tenant.cell.database, (_texts, run) => {
    batches += 1;
    return batches === 1 ? Promise.reject(new Error("D1_ERROR: out of service")) : run();
  });
  const result = await consumed(
    [wakeUp(failing), wakeUp(tenant)],
    Date.now(),
    envWith({ CELL_US1: database }),
  );
  expect([result.explicitAcks, result.retryMessages.map(({ msgId }) => msgId)]).toEqual([["m1"], ["m0"]]);
  expect(await pendingOf(tenant)).toEqual([]);
  expect(await pendingOf(failing)).toContain("order.created");
});

test("a queue of no cell is refused whole", async () => {
  const batch = createMessageBatch("keyline-audit-events-mars1", []);
  await expect(consume(testEnv(), batch, Date.now())).rejects.toThrow("keyline-audit-events-mars1");
});

test("retention deletes what is past its time to the millisecond and nothing else", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  await consumeNow(tenant);
  const key = { headers: { "Idempotency-Key": "k" } };
  await createOrder(tenant, testEnv(), key);
  const { createdAt } = await consumedOrder(tenant);
  await createOrder(tenant, deaf().env);
  await intentOf(tenant, "settled");
  await intentOf(tenant, "intended");
  const start = Date.parse(createdAt);
  const after = async (ms: number) => {
    await deleteExpired(tenant.cell.database, start + ms);
    return await countsOf(tenant);
  };
  const fresh = await after(dayMs - 1);
  expect(fresh).toMatchObject({ idempotency: 1, intents: 2 });
  expect(fresh.commits).toBeGreaterThanOrEqual(3);
  expect(await after(dayMs)).toEqual({ ...fresh, idempotency: 0 });
  expect(await after(30 * dayMs - 1)).toEqual({ ...fresh, idempotency: 0 });
  const month = await after(30 * dayMs + 10 * secondMs);
  // What was never settled or dispatched stays, however old.
  expect(month).toEqual({ ...fresh, idempotency: 0, intents: 1, events: 1 });
  expect(await pendingOf(tenant)).toEqual(["order.created"]);
  const last = await after(31 * dayMs + 10 * secondMs);
  expect(last).toEqual({ ...month, commits: 0 });
});

test("retention works off in one run more than one statement finds", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const { database } = tenant.cell;
  await database
    .prepare(
      "insert into commits (tenant_id, id, created_at) select ?1, 'cmt_' || value, '2020-01-01T00:00:00.' || value || 'Z' from (with recursive n(value) as (select 100 union all select value + 1 from n where value < 549) select value from n)",
    )
    .bind(tenant.tenantId)
    .run();
  await deleteExpired(database, Date.now());
  const old = "select id from commits where tenant_id = ? and created_at < '2021'";
  expect(await rowsOf(database, old, tenant.tenantId)).toEqual([]);
  expect((await countsOf(tenant)).commits).toBeGreaterThan(0);
});

test("one run of retention ends, whatever is left: oldest first", async () => {
  const tenant = await newTenant();
  const { database } = tenant.cell;
  await database
    .prepare(
      "insert into commits (tenant_id, id, created_at) select ?1, 'cmt_' || value, '2020-01-01T00:00:00.' || value || 'Z' from (with recursive n(value) as (select 100000 union all select value + 1 from n where value < 125999) select value from n)",
    )
    .bind(tenant.tenantId)
    .run();
  await deleteExpired(database, Date.now());
  const old =
    "select min(id) as first, count(*) as count from commits where tenant_id = ? and created_at < '2021'";
  expect(await rowsOf(database, old, tenant.tenantId)).toEqual([{ first: "cmt_120000", count: 6000 }]);
});

test("the directory's own technical rows have the same end", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const directory = await openDirectory(testEnv());
  const row = await directory.get(directoryTenants, tenant.tenantId);
  if (!row) throw new Error("The directory does not know the tenant.");
  const run = { job: "test", requestId: newId("run"), now: Date.now() };
  await commitAsSystem(directory, run, [update(directoryTenants, row, {}, run.now)]);
  const commits = async (ms: number) => {
    await deleteExpired(testEnv().DIRECTORY, Date.now() + ms);
    const rows = await rowsOf(testEnv().DIRECTORY, "select created_at from commits");
    return rows.filter(({ created_at: at }) => at === timestamp(run.now)).length;
  };
  expect(await commits(31 * dayMs - 1)).toBeGreaterThan(0);
  while ((await commits(31 * dayMs)) > 0);
  expect(await rowsOf(testEnv().DIRECTORY, "select 1 from audit_log limit 1")).toHaveLength(1);
});

function createOrder(tenant: TestTenant, env: TestEnv, given: object = {}): Promise<Answer> {
  return call("orders.create", {
    ...as(tenant),
    body: {
      customerId: tenant.customerIds[0],
      locationId: tenant.locationIds[0],
      assigneeId: tenant.memberIds.designer,
      lines: [{ description: "Sign", quantityThousandths: 1000, unitPrice: 1000 }],
    },
    env,
    ...given,
  });
}

/** An env whose queue takes messages and delivers none. */
function deaf(vars: Partial<TestEnv> = {}): { env: TestEnv; sent: () => readonly unknown[] } {
  const sent: unknown[] = [];
  const sendBatch = async (messages: Iterable<MessageSendRequest>) => {
    for (const { body } of messages) sent.push(body);
  };
  const queue = proxied(testEnv().AUDIT_EVENTS_US1 as Queue, { sendBatch });
  return { env: envWith({ AUDIT_EVENTS_US1: queue, ...vars }), sent: () => sent };
}

function sweeping(): { cell: Cell; swept: () => readonly unknown[] } {
  const swept: unknown[] = [];
  const cell = cellOf(testEnv(), "us1");
  if (!cell) throw new Error("There is no cell us1.");
  const sendBatch = async (messages: Iterable<MessageSendRequest<{ tenantId: string }>>) => {
    for (const { body } of messages) swept.push(body.tenantId);
  };
  return { cell: { ...cell, queue: proxied(cell.queue, { sendBatch }) }, swept: () => swept };
}

function wakeUp({ tenantId }: TestTenant) {
  return { v: 1, tenantId };
}

async function consumed(bodies: readonly unknown[], now: number, env: TestEnv = testEnv()) {
  const messages = bodies.map((body, index) => ({ id: `m${index}`, timestamp: now, attempts: 1, body }));
  const batch = createMessageBatch(queueName, messages);
  const context = createExecutionContext();
  await consume(env, batch, now);
  return await getQueueResult(batch, context);
}

async function consumeNow(tenant: TestTenant): Promise<void> {
  await consumed([wakeUp(tenant)], Date.now());
}

/** The one order that was created by now, with its event dispatched. */
async function consumedOrder(tenant: TestTenant): Promise<{ createdAt: string }> {
  await consumeNow(tenant);
  const [event] = await eventsOf(tenant, "order.created");
  return { createdAt: String(event?.created_at) };
}

async function intentOf({ cell, tenantId }: TestTenant, state: string): Promise<void> {
  await cell.database
    .prepare(
      "insert into intents (tenant_id, id, operation, principal_id, request_id, state, intent, due_at, created_at) values (?, ?, 'test.effect', 'key', 'req', ?, '{}', ?, ?)",
    )
    .bind(tenantId, newId("int"), state, timestamp(Date.now()), timestamp(Date.now()))
    .run();
}

function eventsOf({ cell, tenantId }: TestTenant, type = "%") {
  return rowsOf<Record<string, unknown>>(
    cell.database,
    "select * from events where tenant_id = ? and type like ? order by seq",
    tenantId,
    type,
  );
}

async function pendingOf(tenant: TestTenant): Promise<unknown[]> {
  return (await eventsOf(tenant)).filter(({ dispatched_at: at }) => at === null).map(({ type }) => type);
}

async function countsOf({ cell, tenantId }: TestTenant): Promise<Record<string, number>> {
  const tables = ["idempotency", "commits", "intents", "events", "audit_log", "orders", "customers"];
  const counts = tables.map(async (table) => {
    const text = `select count(*) as n from ${table} where tenant_id = ?`;
    const [row] = await rowsOf<{ n: number }>(cell.database, text, tenantId);
    return [table, row?.n ?? -1];
  });
  return Object.fromEntries(await Promise.all(counts));
}
