import { afterEach, expect, test, vi } from "vitest";
import { update } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { members } from "#gate/tables.ts";
import { dayMs, minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { envWith, memberToken, newTenant, rowsOf, type Tap, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

const person = {
  name: "Wilhelmina Quartermain",
  email: "wilhelmina@quartermain.example",
  phone: "+44 20 7946 0123",
  note: "Allergic to turpentine.",
};

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

test("an API key's text is in the first answer and in no replay, nor in the record", async () => {
  const tenant = await newTenant();
  const create = () =>
    call("api-keys.create", {
      ...as(tenant),
      body: { name: "Kiosk by the door", scopes: ["orders:read"] },
      headers: { "Idempotency-Key": "k" },
    });
  const first = await create();
  const again = await create();
  expect(first.json.key).toMatch(/^kl_live_us1_/);
  expect(again.json).toEqual({ ...first.json, key: null });
  expect([again.status, isReplay(again)]).toEqual([201, true]);
  const records = JSON.stringify(await recordsOf(tenant));
  expect(records).toContain("api-keys.create");
  for (const canary of [first.json.key, first.json.key.slice(-40), "Kiosk by the door"])
    expect(records).not.toContain(canary);
});

test("a stored record holds nothing of the person, the key or the body in plain", async () => {
  const tenant = await newTenant();
  await createCustomer(tenant, { key: "do-not-keep-this-key" });
  const [record] = await recordsOf(tenant);
  expect(record).toMatchObject({ operation: "customers.create", status: 201 });
  expect(record?.answer).toMatch(/^v1\./);
  const text = JSON.stringify(record);
  for (const canary of [...Object.values(person), "Wilhelmina", "quartermain", "do-not-keep"])
    expect(text).not.toContain(canary);
});

test("what was as wished already is recorded under the key of the person read, and replays", async () => {
  const tenant = await newTenant();
  const { json: made } = await createCustomer(tenant);
  const restore = () =>
    call("customers.restore", {
      ...as(tenant),
      params: { customerId: String(made.id) },
      headers: keyed("restore-once"),
    });
  const [first, again] = [await restore(), await restore()];
  expect([first.status, isReplay(first), isReplay(again), again.text]).toEqual([
    200,
    false,
    true,
    first.text,
  ]);
  const records = await recordsOf(tenant);
  expect(records.map(({ operation }) => operation)).toEqual(["customers.restore"]);
  expect(records[0]?.answer).toMatch(/^v1\./);
});

test("a replay carries the bookmark that a first answer would", async () => {
  const tenant = await newTenant();
  const [first, again] = [await createOrder(tenant, { key: "k" }), await createOrder(tenant, { key: "k" })];
  expect([isReplay(first), isReplay(again)]).toEqual([false, true]);
  for (const { headers } of [first, again]) expect(headers.get("x-keyline-bookmark")).toMatch(/~/);
});

test("If-Match has no meaning for a create", async () => {
  const tenant = await newTenant();
  const made = await call("customers.create", {
    ...as(tenant),
    body: person,
    headers: { "If-Match": '"1"' },
  });
  expect(made.status).toBe(201);
});

test("a replay whose person's key was destroyed answers not found and reveals nothing", async () => {
  const tenant = await newTenant();
  const { json } = await createCustomer(tenant, { key: "k" });
  await tenant.cell.database
    .prepare("delete from subject_keys where tenant_id = ? and subject_id = ?")
    .bind(tenant.tenantId, json.id)
    .run();
  const again = await createCustomer(tenant, { key: "k" });
  expect([again.status, again.text.includes("Wilhelmina")]).toEqual([404, false]);
  expect(await countOf(tenant, "customers")).toBe(3);
});

test("401, 403, 422, 429 and refusals are not stored: the same key succeeds afterwards", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan: "free" });
  const token = await memberToken(tenant, "viewer");
  const attempt = (given: Partial<Parameters<typeof createCustomer>[1]>) =>
    createCustomer(tenant, { key: "k", as: token, ...given });
  expect((await attempt({ as: token.slice(0, -4) })).status).toBe(401);
  expect((await attempt({})).status).toBe(403);
  await changeRole(tenant, tenant.memberIds.viewer, "sales");
  vi.setSystemTime(Date.now() + minuteMs);
  expect((await attempt({ body: { name: "" } })).status).toBe(422);
  while ((await call("tenants.ping", { tenant: tenant.slug, as: token })).status === 200);
  expect((await attempt({})).status).toBe(429);
  vi.setSystemTime(Date.now() + minuteMs);
  // Tokens live for five minutes, so this one still does.
  const fine = await attempt({});
  expect([fine.status, isReplay(fine)]).toEqual([201, false]);
  expect(isReplay(await attempt({}))).toBe(true);
});

test("a refused create is not stored and its key makes the order once it is right", async () => {
  const tenant = await newTenant();
  const wrong = await createOrder(tenant, { key: "k", customerId: newId("cus") });
  expect([wrong.status, wrong.json.errors[0].pointer]).toEqual([422, "/customerId"]);
  const right = await createOrder(tenant, { key: "k" });
  expect([right.status, isReplay(right)]).toEqual([201, false]);
});

test("a malformed key is refused before anything is done", async () => {
  const tenant = await newTenant();
  for (const key of ["", "two words", "x".repeat(256), "\t"]) {
    const answer = await createCustomer(tenant, { key });
    expect([key, answer.status, answer.json.errors?.[0]?.parameter]).toEqual([key, 400, "Idempotency-Key"]);
  }
  expect(await countOf(tenant, "customers")).toBe(2);
});

test("a connection lost after the batch was committed makes no second order and the answer has its number", async () => {
  const tenant = await newTenant();
  for (const key of ["k", undefined]) {
    const before = await countsOf(tenant);
    const lose = losing("after", 1);
    const answer = await createOrder(tenant, { key, env: tapEnv(lose.tap) });
    expect([answer.status, isReplay(answer), lose.lost()]).toEqual([201, false, 1]);
    const [row] = await rowsOf(
      tenant.cell.database,
      "select number from orders where id = ?",
      answer.json.id,
    );
    expect(answer.json.number).toBe(row?.number);
    expect(await grownBy(tenant, before)).toMatchObject({ orders: 1, commits: 1, events: 1, audit_log: 3 });
  }
});

test("a connection lost before the batch was committed is tried once more and commits once", async () => {
  const tenant = await newTenant();
  const before = await countsOf(tenant);
  const lose = losing("before", 1);
  const answer = await createOrder(tenant, { key: "k", env: tapEnv(lose.tap) });
  expect([answer.status, answer.json.number, lose.lost()]).toEqual([201, 2, 1]);
  expect(await grownBy(tenant, before)).toMatchObject({ orders: 1, commits: 1, events: 1, idempotency: 1 });
});

test("a connection lost twice is answered 503 and the client's retry finds what was committed", async () => {
  for (const when of ["after", "before"] as const) {
    const tenant = await newTenant();
    const before = await countsOf(tenant);
    const failed = await createOrder(tenant, { key: "k", env: tapEnv(losing(when, 2).tap) });
    expect([failed.status, failed.json.type]).toEqual([503, "/problems/unavailable"]);
    const retried = await createOrder(tenant, { key: "k" });
    expect([retried.status, retried.json.number, isReplay(retried)]).toEqual([201, 2, when === "after"]);
    expect(await grownBy(tenant, before)).toMatchObject({ orders: 1, commits: 1, events: 1 });
  }
});

test("what is not worth a retry is not tried again", async () => {
  const tenant = await newTenant();
  let commits = 0;
  const overloaded: Tap = async (texts, run) => {
    if (!isCommit(texts)) return await run();
    commits += 1;
    throw new Error("D1_ERROR: D1 DB is overloaded. Requests queued for too long.");
  };
  const answer = await createOrder(tenant, { key: "k", env: tapEnv(overloaded) });
  expect([answer.status, commits]).toEqual([503, 1]);
  expect(answer.text).not.toContain("overloaded");
  expect(await countOf(tenant, "orders")).toBe(1);
});

test("If-Match lets the version it names through and answers 412 to any other", async () => {
  const tenant = await newTenant();
  const params = { orderId: tenant.orderId };
  const patch = (etag: string, dueAt: string) =>
    call("orders.update", { ...as(tenant), params, body: { dueAt }, headers: { "If-Match": etag } });
  const read = await call("orders.get", { ...as(tenant), params });
  expect(read.headers.get("etag")).toBe('"1"');
  const first = await patch('"1"', "2027-01-01T00:00:00Z");
  expect([first.status, first.headers.get("etag")]).toEqual([200, '"2"']);
  for (const stale of ['"1"', '"3"', 'W/"2"', "2", '""']) {
    const answer = await patch(stale, "2027-02-02T00:00:00Z");
    expect([stale, answer.status, answer.json.type]).toEqual([stale, 412, "/problems/precondition-failed"]);
  }
  expect((await patch('"7", "2"', "2027-03-03T00:00:00Z")).status).toBe(200);
  expect((await patch("*", "2027-04-04T00:00:00Z")).status).toBe(200);
  const { json } = await call("orders.get", { ...as(tenant), params });
  expect(json).toMatchObject({ version: 4, dueAt: "2027-04-04T00:00:00.000Z" });
});

test("of 10 parallel changes that name the present version one succeeds and nine are told 412", async () => {
  const tenant = await newTenant();
  const answers = await inParallel(10, (index) =>
    call("customers.update", {
      ...as(tenant),
      params: { customerId: tenant.customerIds[0] ?? "" },
      body: { note: `by ${index}` },
      headers: { "If-Match": '"1"' },
    }),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
});

test("If-Match holds for what is as wished already, by its present version", async () => {
  const tenant = await newTenant();
  const params = { customerId: tenant.customerIds[0] ?? "" };
  const restore = (etag: string) =>
    call("customers.restore", { ...as(tenant), params, headers: { "If-Match": etag } });
  expect((await restore('"1"')).status).toBe(200);
  expect((await restore("*")).status).toBe(200);
  expect((await restore('"2"')).status).toBe(412);
});

test("If-None-Match spares the body of what the client holds", async () => {
  const tenant = await newTenant();
  const get = (held: string) =>
    call("orders.get", {
      ...as(tenant),
      params: { orderId: tenant.orderId },
      headers: { "If-None-Match": held },
    });
  for (const held of ['"1"', 'W/"1"', '"0", "1"', "*"]) {
    const answer = await get(held);
    expect([held, answer.status, answer.text, answer.headers.get("etag")]).toEqual([held, 304, "", '"1"']);
  }
  const changed = await get('"0"');
  expect([changed.status, changed.json.id]).toEqual([200, tenant.orderId]);
});

test("20 parallel changes without If-Match succeed or conflict, and the version counts the successes", async () => {
  const tenant = await newTenant();
  const params = { customerId: tenant.customerIds[0] ?? "" };
  const answers = await inParallel(20, (index) =>
    call("customers.update", { ...as(tenant), params, body: { note: `by ${index}` } }),
  );
  const won = answers.filter(({ status }) => status === 200);
  const lost = answers.filter(({ status, json }) => status === 409 && json.type === "/problems/conflict");
  expect(won.length + lost.length).toBe(20);
  expect(won.length).toBeGreaterThan(0);
  expect(won.map(({ json }) => json.version).sort((a, b) => a - b)).toEqual(won.map((_, index) => index + 2));
  const { json } = await call("customers.get", { ...as(tenant), params });
  expect(json.version).toBe(1 + won.length);
  expect(won.find(({ json: { version } }) => version === json.version)?.json.note).toBe(json.note);
  expect(await eventsOf(tenant, "customer.updated")).toHaveLength(won.length);
});

test("parallel order creates are numbered without gaps, and a refused one leaves none", async () => {
  const tenant = await newTenant();
  const answers = await inParallel(60, (index) =>
    createOrder(tenant, index % 3 === 1 ? { customerId: newId("cus") } : {}),
  );
  const numbers = answers.filter(({ status }) => status === 201).map(({ json }) => json.number);
  expect(answers.filter(({ status }) => status === 422)).toHaveLength(20);
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index + 2));
  expect((await createOrder(tenant)).json.number).toBe(42);
});

test("two tenants of one cell count their orders apart", async () => {
  const [one, two] = [await newTenant(), await newTenant()];
  const answers = await Promise.all([one, two, one, two].map((tenant) => createOrder(tenant)));
  expect(answers.map(({ json }) => json.number).sort()).toEqual([2, 2, 3, 3]);
});

interface Create {
  readonly key?: string | undefined;
  readonly as?: string;
  readonly body?: object;
  readonly env?: ReturnType<typeof envWith>;
}

function createCustomer(tenant: TestTenant, { key, as = tenant.key, body = person, env }: Create = {}) {
  return call("customers.create", {
    tenant: tenant.slug,
    as,
    body,
    headers: keyed(key),
    ...(env && { env }),
  });
}

function createOrder(
  tenant: TestTenant,
  { key, customerId = tenant.customerIds[0], env }: Create & { customerId?: string | undefined } = {},
) {
  const lines = [
    { description: "Banner", quantityThousandths: 2000, unitPrice: 4500 },
    { description: "Eyelets", quantityThousandths: 8000, unitPrice: 25 },
  ];
  return call("orders.create", {
    ...as(tenant),
    body: { customerId, locationId: tenant.locationIds[0], lines },
    headers: keyed(key),
    ...(env && { env }),
  });
}

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

async function changeRole(tenant: TestTenant, memberId: string, role: string) {
  const session = await systemSession(testEnv(), tenant.cell.database, tenant.tenantId);
  const member = await session.get(members, memberId);
  if (!member) throw new Error("There is no such member.");
  const run = { job: "test", requestId: newId("run"), now: Date.now() };
  await commitAsSystem(session, run, [update(members, member, { role }, Date.now())]);
}

function as({ slug, key }: TestTenant) {
  return { tenant: slug, as: key };
}

function keyed(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { "Idempotency-Key": key };
}

function isReplay({ headers }: Answer): boolean {
  return headers.get("idempotency-replayed") === "true";
}

function inParallel(count: number, one: (index: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => one(index)));
}

function expectOneCommit(answers: readonly Answer[]) {
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter(isReplay)).toHaveLength(answers.length - 1);
  expect(new Set(answers.map(({ headers }) => headers.get("etag")))).toEqual(new Set(['"1"']));
}

const tables = [
  "orders",
  "order_lines",
  "customers",
  "audit_log",
  "events",
  "idempotency",
  "commits",
  "subject_keys",
];

async function countsOf(tenant: TestTenant): Promise<Record<string, number>> {
  const counts = await Promise.all(tables.map(async (table) => [table, await countOf(tenant, table)]));
  return Object.fromEntries(counts);
}

async function countOf({ cell, tenantId }: TestTenant, table: string): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(
    cell.database,
    `select count(*) as n from ${table} where tenant_id = ?`,
    tenantId,
  );
  return row?.n ?? -1;
}

async function grownBy(tenant: TestTenant, before: Record<string, number>) {
  const after = await countsOf(tenant);
  return Object.fromEntries(tables.map((table) => [table, (after[table] ?? 0) - (before[table] ?? 0)]));
}

function eventsOf({ cell, tenantId }: TestTenant, type: string) {
  return rowsOf(cell.database, "select * from events where tenant_id = ? and type = ?", tenantId, type);
}

function recordsOf({ cell, tenantId }: TestTenant) {
  return rowsOf<Record<string, unknown>>(
    cell.database,
    "select * from idempotency where tenant_id = ?",
    tenantId,
  );
}

function isCommit(texts: readonly string[]): boolean {
  return texts.some((text) => text.startsWith('insert into "commits"'));
}

function tapEnv(tap: Tap) {
  return envWith({ CELL_US1: tapped(testEnv().CELL_US1 as D1Database, tap) });
}

/** Loses the connection of the first `times` commits, before or after the first of them was really done. */
function losing(when: "before" | "after", times: number): { tap: Tap; lost: () => number } {
  let lost = 0;
  const tap: Tap = async (texts, run) => {
    if (!isCommit(texts) || lost === times) return await run();
    lost += 1;
    if (when === "after" && lost === 1) await run();
    throw new Error("D1_ERROR: Network connection lost.");
  };
  return { tap, lost: () => lost };
}
