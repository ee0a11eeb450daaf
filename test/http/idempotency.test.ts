import { afterEach, expect, test, vi } from "vitest";
import { dayMs, minuteMs } from "#lib/time.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { as, memberToken, newTenant, type TestTenant } from "#test/world.ts";
import {
  countOf,
  countsOf,
  createCustomer,
  createOrder,
  eventsOf,
  grownBy,
  inParallel,
  isReplay,
  keyed,
  person,
  tapEnv,
} from "./kit.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

test("of 50 parallel order creates with one key one commits and 49 replay the same bytes", async () => {
  const tenant = await newTenant();
  const before = await countsOf(tenant);
  const answers = await inParallel(50, () => createOrder(tenant, { key: "one" }));
  expectOneCommit(answers);
  expect(await grownBy(tenant, before)).toEqual({
    orders: 1,
    order_lines: 2,
    customers: 0,
    audit_log: 3,
    events: 1,
    idempotency: 1,
    commits: 1,
    subject_keys: 0,
  });
});

test("of 50 parallel customer creates with one key one commits and 49 replay the same bytes", async () => {
  const tenant = await newTenant();
  const before = await countsOf(tenant);
  const answers = await inParallel(50, () => createCustomer(tenant, { key: "one" }));
  expectOneCommit(answers);
  expect(answers[0]?.json).toMatchObject(person);
  expect(await grownBy(tenant, before)).toEqual({
    orders: 0,
    order_lines: 0,
    customers: 1,
    audit_log: 1,
    events: 1,
    idempotency: 1,
    commits: 1,
    subject_keys: 1,
  });
});

test("creates without a key are as many as were asked for", async () => {
  const tenant = await newTenant();
  const before = await countsOf(tenant);
  const answers = await inParallel(5, () => createOrder(tenant));
  expect(new Set(answers.map(({ json }) => json.id)).size).toBe(5);
  expect(answers.filter(isReplay)).toEqual([]);
  expect(await grownBy(tenant, before)).toMatchObject({ orders: 5, idempotency: 0 });
});

test("a replayed transition finds its own answer and no other key does", async () => {
  const tenant = await newTenant();
  const placed = await place(tenant, "mine");
  expect([placed.status, placed.json.status]).toEqual([200, "placed"]);
  const again = await place(tenant, "mine");
  expect([again.status, again.text, isReplay(again)]).toEqual([200, placed.text, true]);
  const other = await place(tenant, "another");
  expect([other.status, other.json.type, isReplay(other)]).toEqual([
    409,
    "/problems/transition-not-allowed",
    false,
  ]);
  expect((await place(tenant)).status).toBe(409);
  expect(await eventsOf(tenant, "order.placed")).toHaveLength(1);
});

test("of 20 parallel transitions with one key one happens and every one is answered by it", async () => {
  const tenant = await newTenant();
  const answers = await inParallel(20, () => place(tenant, "mine"));
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(answers[0]?.json).toMatchObject({ status: "placed", version: 2 });
  expect(answers.filter(isReplay)).toHaveLength(19);
  expect(await eventsOf(tenant, "order.placed")).toHaveLength(1);
});

test("a rerun after a lost version still finds the answer that its own key got meanwhile", async () => {
  const tenant = await newTenant();
  let batches = 0;
  const env = tapEnv(async (_texts, run) => {
    batches += 1;
    // Between this request's read and its commit the order changes; before its rerun reads, its twin is answered.
    if (batches === 2) await reassign(tenant, tenant.memberIds.sales);
    if (batches === 4) expect((await place(tenant, "mine")).status).toBe(200);
    return await run();
  });
  const answer = await call("orders.place", { ...placeCall(tenant, "mine"), env });
  expect([answer.status, answer.json.status, isReplay(answer)]).toEqual([200, "placed", true]);
  expect(await eventsOf(tenant, "order.placed")).toHaveLength(1);
});

test("one key with another body, or for another order, is refused and changes nothing", async () => {
  const tenant = await newTenant();
  const first = await createCustomer(tenant, { key: "k" });
  const other = await createCustomer(tenant, { key: "k", body: { ...person, name: "Somebody Else" } });
  expect([other.status, other.json.type]).toEqual([422, "/problems/idempotency-key-reused"]);
  const { json: second } = await createOrder(tenant);
  expect((await place(tenant, "k")).status).toBe(200);
  const elsewhere = await call("orders.place", {
    ...placeCall(tenant, "k"),
    params: { orderId: second.id },
  });
  expect([elsewhere.status, elsewhere.json.type]).toEqual([422, "/problems/idempotency-key-reused"]);
  const { json } = await call("orders.get", { ...as(tenant), params: { orderId: second.id } });
  expect(json.status).toBe("draft");
  expect(await createCustomer(tenant, { key: "k" })).toMatchObject({ status: 201, text: first.text });
});

test("the same body written in another order is the same request", async () => {
  const tenant = await newTenant();
  const first = await createCustomer(tenant, { key: "k" });
  const { name, ...rest } = person;
  const again = await createCustomer(tenant, { key: "k", body: { ...rest, name: `  ${name} ` } });
  expect([again.text, isReplay(again)]).toEqual([first.text, true]);
});

test("another principal's same key, and another operation's, are their own", async () => {
  const tenant = await newTenant();
  const created = await call("api-keys.create", {
    ...as(tenant),
    body: { name: "Second", scopes: ["customers:write"] },
  });
  const mine = await createCustomer(tenant, { key: "k" });
  const theirs = await createCustomer(tenant, { key: "k", as: created.json.key });
  const member = await createCustomer(tenant, { key: "k", as: await memberToken(tenant, "sales") });
  const place = await call("locations.create", {
    ...as(tenant),
    body: { name: "Annexe", timezone: "UTC" },
    headers: { "Idempotency-Key": "k" },
  });
  const answers = [mine, theirs, member, place];
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(answers.filter(isReplay)).toEqual([]);
  expect(new Set(answers.map(({ json }) => json.id)).size).toBe(4);
});

test("two principals' transitions under one key are each their own", async () => {
  const tenant = await newTenant();
  const { json: other } = await createOrder(tenant);
  const mine = await place(tenant, "same");
  const theirs = await call("orders.place", {
    ...placeCall(tenant, "same"),
    as: await memberToken(tenant, "owner"),
    params: { orderId: other.id },
  });
  expect([mine.status, theirs.status, theirs.json.id]).toEqual([200, 200, other.id]);
  expect(isReplay(theirs)).toBe(false);
});

test("a key replays until 24 hours have passed and is new afterwards", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const first = await createCustomer(tenant, { key: "k" });
  vi.setSystemTime(Date.now() + dayMs - 1);
  expect(await createCustomer(tenant, { key: "k" })).toMatchObject({ status: 201, text: first.text });
  vi.setSystemTime(Date.now() + 1);
  const anew = await inParallel(5, () => createCustomer(tenant, { key: "k" }));
  expectOneCommit(anew);
  expect(anew[0]?.json.id).not.toBe(first.json.id);
});

test("a replay finds its answer though its handler would refuse by now, without a look at the store", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const expiresAt = new Date(Date.now() + minuteMs).toISOString();
  const create = () =>
    call("api-keys.create", {
      ...as(tenant),
      body: { name: "For a minute", scopes: ["orders:read"], expiresAt },
      headers: keyed("k"),
    });
  const first = await create();
  vi.setSystemTime(Date.now() + 2 * minuteMs);
  const again = await create();
  expect([again.status, isReplay(again)]).toEqual([201, true]);
  expect(again.json).toEqual({ ...first.json, key: null });
});

test("a replay carries the bookmark that a first answer would", async () => {
  const tenant = await newTenant();
  const [first, again] = [await createOrder(tenant, { key: "k" }), await createOrder(tenant, { key: "k" })];
  expect([isReplay(first), isReplay(again)]).toEqual([false, true]);
  for (const { headers } of [first, again]) expect(headers.get("x-keyline-bookmark")).toMatch(/~/);
});

test("a malformed key is refused before anything is done", async () => {
  const tenant = await newTenant();
  for (const key of ["", "two words", "x".repeat(256), "\t"]) {
    const answer = await createCustomer(tenant, { key });
    expect([key, answer.status, answer.json.errors?.[0]?.parameter]).toEqual([key, 400, "Idempotency-Key"]);
  }
  expect(await countOf(tenant, "customers")).toBe(2);
});

function place(tenant: TestTenant, key?: string) {
  return call("orders.place", placeCall(tenant, key));
}

function placeCall(tenant: TestTenant, key?: string) {
  return { ...as(tenant), params: { orderId: tenant.orderId }, headers: keyed(key) };
}

async function reassign(tenant: TestTenant, assigneeId: string) {
  const params = { orderId: tenant.orderId };
  expect((await call("orders.update", { ...as(tenant), params, body: { assigneeId } })).status).toBe(200);
}

function expectOneCommit(answers: readonly Answer[]) {
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter(isReplay)).toHaveLength(answers.length - 1);
  expect(new Set(answers.map(({ headers }) => headers.get("etag")))).toEqual(new Set(['"1"']));
}
