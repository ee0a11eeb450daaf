import { beforeAll, expect, test } from "vitest";
import { dayMs, hourMs, hourStart, timestamp } from "#lib/time.ts";
import { callAt, consumed, logOf, messageOf, nothingOf } from "#test/call-log.ts";
import { envWith, newTenant, tapped } from "#test/world.ts";

let now: number;

beforeAll(() => {
  now = Date.now();
});

test("a message's calls are rows, counted by the hour, principal, operation and status", async () => {
  const tenant = await newTenant();
  const start = hourStart(now) - hourMs;
  const place = { operation: "orders.place", route: "POST /v1/tenants/{tenant}/orders/{orderId}/place" };
  const other = { actorId: tenant.memberIds.owner };
  const calls = [
    callAt(tenant, start, { durationMs: 12 }),
    callAt(tenant, start + hourMs - 1),
    callAt(tenant, start + hourMs),
    callAt(tenant, start, { ...place, status: 409, problem: "transition-not-allowed" }),
    callAt(tenant, start, other),
    callAt(tenant, start, { status: 429, problem: "rate-limited", times: 40 }),
  ];
  const result = await consumed([messageOf(tenant, calls)]);
  expect([result.explicitAcks, result.retryMessages]).toEqual([["m0"], []]);
  const log = await logOf(tenant);
  const [first] = calls;
  expect(log.calls).toHaveLength(6);
  expect(log.calls.find(({ id }) => id === first?.id)).toEqual({
    tenant_id: tenant.tenantId,
    id: first?.id,
    actor_id: tenant.keyId,
    operation: "orders.list",
    route: "GET /v1/tenants/{tenant}/orders",
    status: 200,
    problem: null,
    duration_ms: 12,
    times: 1,
  });
  expect(countsOf(log)).toEqual(
    [
      [timestamp(start), tenant.keyId, "orders.list", 200, 2],
      [timestamp(start), tenant.keyId, "orders.list", 429, 40],
      [timestamp(start), tenant.keyId, "orders.place", 409, 1],
      [timestamp(start), tenant.memberIds.owner, "orders.list", 200, 1],
      [timestamp(start + hourMs), tenant.keyId, "orders.list", 200, 1],
    ].toSorted(),
  );
  expect(log.hours.map(({ hour, logged }) => [hour, logged])).toEqual([
    [timestamp(start), 44],
    [timestamp(start + hourMs), 1],
  ]);
});

test("a message that comes twice, together or later, counts once", async () => {
  const tenant = await newTenant();
  const calls = Array.from({ length: 30 }, (_, index) =>
    callAt(tenant, now - index, { times: 1 + (index % 3), status: 200 + (index % 2) }),
  );
  const whole = messageOf(tenant, calls);
  await consumed([whole, whole]);
  const once = await logOf(tenant);
  expect([once.calls.length, total(once)]).toEqual([30, 60]);
  await consumed([whole]);
  expect(await logOf(tenant)).toEqual(once);
  await consumed([whole, messageOf(tenant, [callAt(tenant, now)])]);
  const after = await logOf(tenant);
  expect([
    after.calls.length,
    total(after),
    after.hours.reduce((sum, { logged }) => sum + Number(logged), 0),
  ]).toEqual([31, 61, 61]);
});

test("a message whose first calls are too late when it comes again counts once", async () => {
  const tenant = await newTenant();
  const sent = now - 6 * dayMs;
  const message = messageOf(
    tenant,
    [1, 2, 3, 4].map((ms) => callAt(tenant, sent + ms)),
  );
  await consumed([message], undefined, now);
  await consumed([message], undefined, now + 2);
  const log = await logOf(tenant);
  expect([log.calls.length, total(log)]).toEqual([4, 4]);
});

test("two consumers of the same message at once count it once", async () => {
  const tenant = await newTenant();
  const message = messageOf(
    tenant,
    Array.from({ length: 100 }, () => callAt(tenant, now)),
  );
  await Promise.all(Array.from({ length: 8 }, () => consumed([message])));
  const log = await logOf(tenant);
  expect([log.calls.length, total(log), log.hours.map(({ logged }) => logged)]).toEqual([100, 100, [100]]);
});

test("a batch that was committed though its answer was lost is counted once when it comes again", async () => {
  const tenant = await newTenant();
  let batches = 0;
  const database = tapped(tenant.cell.log, async (_texts, run) => {
    batches += 1;
    const done = await run();
    if (batches <= 2) throw new Error("D1_ERROR: Network connection lost.");
    return done;
  });
  const message = messageOf(tenant, [callAt(tenant, now), callAt(tenant, now)]);
  const env = envWith({ LOG_US1: database });
  const failed = await consumed([message], env);
  expect([failed.explicitAcks, failed.retryMessages.map(({ msgId }) => msgId)]).toEqual([[], ["m0"]]);
  expect((await consumed([message], env)).explicitAcks).toEqual(["m0"]);
  const log = await logOf(tenant);
  expect([log.calls.length, total(log)]).toEqual([2, 2]);
});

test("one batch of messages is one round trip, whoever's they are", async () => {
  const tenants = [await newTenant(), await newTenant(), await newTenant()];
  let trips = 0;
  const database = tapped(tenants[0]?.cell.log as D1Database, (_texts, run) => {
    trips += 1;
    return run();
  });
  const messages = tenants.flatMap((tenant) => [
    messageOf(tenant, [callAt(tenant, now)]),
    messageOf(tenant, [callAt(tenant, now)]),
  ]);
  await consumed(messages, envWith({ LOG_US1: database }));
  expect(trips).toBe(1);
  for (const tenant of tenants) expect(total(await logOf(tenant))).toBe(2);
});

test("more calls of one tenant than a statement takes are all stored and counted", async () => {
  const tenant = await newTenant();
  const messages = Array.from({ length: 25 }, (_, index) =>
    messageOf(
      tenant,
      Array.from({ length: 100 }, () => callAt(tenant, now, { actorId: `key_${index}` })),
    ),
  );
  await consumed(messages);
  const log = await logOf(tenant);
  expect([log.calls.length, log.counts.length, total(log)]).toEqual([2500, 25, 2500]);
});

test("a tenant whose calls cannot be stored takes no other tenant's with it", async () => {
  const [failing, tenant] = [await newTenant(), await newTenant()];
  let trips = 0;
  // The first batch holds both; then each tenant's comes alone, in the order of the messages.
  const database = tapped(tenant.cell.log, (_texts, run) => {
    trips += 1;
    return trips <= 2 ? Promise.reject(new Error("D1_ERROR: out of service")) : run();
  });
  const result = await consumed(
    [messageOf(failing, [callAt(failing, now)]), messageOf(tenant, [callAt(tenant, now)])],
    envWith({ LOG_US1: database }),
  );
  expect([result.explicitAcks, result.retryMessages.map(({ msgId }) => msgId)]).toEqual([["m1"], ["m0"]]);
  expect((await logOf(tenant)).calls).toHaveLength(1);
  expect(await logOf(failing)).toEqual(nothingOf);
});

test("a message of no known form is retried alone, and none may name another tenant's rows", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const call = callAt(tenant, now);
  const wrong = [
    "nonsense",
    { ...messageOf(tenant, [call]), v: 2 },
    messageOf(tenant, []),
    messageOf(tenant, [{ ...call, id: "ord_01" }]),
    messageOf(tenant, [{ ...call, times: 0 }]),
    messageOf(tenant, [{ ...call, operation: "x".repeat(65) }]),
    { ...messageOf(tenant, [call]), calls: [callAt(tenant, now)] },
    messageOf(
      tenant,
      Array.from({ length: 401 }, () => call),
    ),
  ];
  const result = await consumed([...wrong, messageOf(other, [callAt(other, now)])]);
  expect(result.explicitAcks).toEqual(["m8"]);
  expect(result.retryMessages.map(({ msgId }) => msgId)).toEqual(wrong.map((_, index) => `m${index}`));
  expect((await logOf(tenant)).calls).toEqual([]);
  // The same request id, in the name of two tenants: each has its own row.
  await consumed([messageOf(tenant, [call]), messageOf(other, [call])]);
  expect((await logOf(tenant)).calls).toHaveLength(1);
  expect((await logOf(other)).calls).toHaveLength(2);
});

test("calls that come after their rows could be gone are left out, lest they count twice", async () => {
  const tenant = await newTenant();
  const late = callAt(tenant, now - 6 * dayMs);
  const inTime = callAt(tenant, now - 6 * dayMs + 1);
  const result = await consumed(
    [messageOf(tenant, [late, inTime]), messageOf(tenant, [late])],
    undefined,
    now,
  );
  expect(result.explicitAcks).toEqual(["m0", "m1"]);
  expect((await logOf(tenant)).calls.map(({ id }) => id)).toEqual([inTime.id]);
});

test("a queue of another name is refused whole", async () => {
  const tenant = await newTenant();
  const env = envWith({ CELLS: "eu1:eu" });
  await expect(consumed([messageOf(tenant, [callAt(tenant, now)])], env)).rejects.toThrow(
    "keyline-calls-us1",
  );
});

type Log = Awaited<ReturnType<typeof logOf>>;

function countsOf({ counts }: Log) {
  return counts
    .map(({ hour, actor_id: actor, operation, status, calls }) => [hour, actor, operation, status, calls])
    .toSorted();
}

function total({ counts }: Log): number {
  return counts.reduce((sum, { calls }) => sum + Number(calls), 0);
}
