import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import type { CallRecord } from "#lib/call-record.ts";
import { dayMs, hourMs, hourStart, minuteMs, timestamp } from "#lib/time.ts";
import { callAt, consumed, listening, messageOf } from "#test/call-log.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv, wholeEnv } from "#test/env.ts";
import { memberToken, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const client = clientOf();
/** What these tests ask is not to stand in the logs that they ask about. */
const quiet = listening().env;
const place = { operation: "orders.place", route: "POST /v1/tenants/{tenant}/orders/{orderId}/place" };

/** Two hours ago, so that all of it is past. */
let start: number;
let tenant: TestTenant;
let member: { actorId: string };
let calls: CallRecord[];

beforeAll(async () => {
  start = hourStart(Date.now()) - 2 * hourMs;
  tenant = await newTenant();
  member = { actorId: tenant.memberIds.sales };
  // The oldest first; every third is the member's, every fifth a placing, every seventh refused.
  calls = Array.from({ length: 45 }, (_, index) =>
    callAt(tenant, start + index * 2 * minuteMs, {
      ...(index % 3 === 0 ? member : {}),
      ...(index % 5 === 0 ? place : {}),
      ...(index % 7 === 0 ? { status: 403, problem: "forbidden" } : {}),
    }),
  );
  await consumed([messageOf(tenant, calls)]);
});

afterEach(() => void vi.restoreAllMocks());

test("a call is listed with its actor, template and outcome, and nothing else", async () => {
  const { data } = (await list({ limit: "100", actorId: tenant.memberIds.sales })).json;
  expect(data.at(-1)).toEqual({
    id: calls[0]?.id,
    at: timestamp(start),
    actorId: tenant.memberIds.sales,
    operation: "orders.place",
    route: "POST /v1/tenants/{tenant}/orders/{orderId}/place",
    status: 403,
    problem: "forbidden",
    durationMs: 3,
    times: 1,
  });
});

const at = (index: number) => timestamp(start + index * 2 * minuteMs);

/** Which of the calls each question is answered with, by hand. */
const questions: readonly [query: () => Record<string, string>, of: (index: number) => boolean][] = [
  [() => ({}), () => true],
  [() => ({ actorId: tenant.memberIds.sales }), (index) => index % 3 === 0],
  [() => ({ actorId: tenant.keyId }), (index) => index % 3 !== 0],
  [() => ({ operation: "orders.place" }), (index) => index % 5 === 0],
  [() => ({ operation: "orders" }), () => false],
  [() => ({ status: "403" }), (index) => index % 7 === 0],
  [() => ({ status: "500" }), () => false],
  [() => ({ from: at(10) }), (index) => index >= 10],
  [() => ({ until: at(10) }), (index) => index < 10],
  [() => ({ from: at(7), until: at(22), status: "403" }), (index) => [7, 14, 21].includes(index)],
  [() => ({ from: at(9), until: at(13), operation: "orders.place" }), (index) => index === 10],
  [() => ({ from: at(3), until: at(9), actorId: tenant.memberIds.sales }), (index) => [3, 6].includes(index)],
  [() => ({ from: at(50) }), () => false],
  [() => ({ until: "1969-12-31T00:00:00Z" }), () => false],
];

test.each(questions)(
  "question %#: the list is just the calls asked for, newest first, page by page",
  async (query, of) => {
    const expected = calls.filter((_, index) => of(index)).map(({ id }) => id);
    for (const limit of ["100", "7"])
      expect(await listed({ limit, ...query() })).toEqual(expected.toReversed());
  },
);

test.each([
  [{ actorId: "key_x", operation: "orders.list" }, "operation"],
  [{ operation: "orders.list", status: "200" }, "status"],
  [{ actorId: "key_x", operation: "orders.list", status: "200" }, "operation"],
  [{ status: "99" }, "status"],
  [{ status: "ok" }, "status"],
  [{ from: "yesterday" }, "from"],
  [{ until: "2026-01-01T00:00:00+02:00" }, "until"],
])("%j is refused, as no index serves it", async (query, parameter) => {
  for (const name of ["api-calls.list", "api-calls.usage"]) {
    const { status, json } = await ask(name, query);
    expect([status, json.errors[0]]).toEqual([422, expect.objectContaining({ parameter })]);
  }
});

test("a cursor is worth nothing with another filter", async () => {
  const { nextCursor } = (await list({ limit: "5", status: "200" })).json;
  expect((await list({ limit: "5", status: "200", cursor: nextCursor })).status).toBe(200);
  for (const query of [{}, { status: "403" }, { operation: "orders.list" }]) {
    const refused = await list({ limit: "5", cursor: nextCursor, ...query });
    expect([refused.status, refused.json.errors[0].parameter]).toEqual([422, "cursor"]);
  }
  expect((await usage({ limit: "5", status: "200", cursor: nextCursor })).status).toBe(422);
});

test("usage counts by the hour, actor, operation and status, newest hour first, page by page", async () => {
  const expected = new Map<string, number>();
  for (const [index, { actorId, operation, status }] of calls.entries()) {
    const hour = timestamp(hourStart(start + index * 2 * minuteMs));
    const name = [hour, actorId, operation, status].join(" ");
    expected.set(name, (expected.get(name) ?? 0) + 1);
  }
  for (const limit of ["100", "3"]) {
    const rows = await pagesOf("api-calls.usage", { limit });
    const seen = rows.map(({ hour, actorId, operation, status }) =>
      [hour, actorId, operation, status].join(" "),
    );
    expect(Object.fromEntries(rows.map(({ calls }, index) => [seen[index], calls]))).toEqual(
      Object.fromEntries(expected),
    );
    expect(seen).toHaveLength(expected.size);
    expect(rows.map(({ hour }) => hour)).toEqual(
      rows
        .map(({ hour }) => hour)
        .toSorted()
        .toReversed(),
    );
  }
  const sum = async (query: Record<string, string>) =>
    (await pagesOf("api-calls.usage", { limit: "4", ...query })).reduce((total, row) => total + row.calls, 0);
  expect(await sum({ actorId: tenant.memberIds.sales })).toBe(15);
  expect(await sum({ operation: "orders.place" })).toBe(9);
  expect(await sum({ status: "403" })).toBe(7);
  expect(await sum({ from: timestamp(start + hourMs) })).toBe(15);
  expect(await sum({ from: timestamp(start + hourMs - 1) }), "hours are whole").toBe(45);
  expect(await sum({ until: timestamp(start + hourMs) })).toBe(30);
  expect(await sum({ until: timestamp(start + hourMs + 1) })).toBe(45);
});

test("without a time, a list goes back seven days", async () => {
  const own = await newTenant();
  const now = Date.now();
  // One that came in time and stays until retention takes its hour.
  await consumed([messageOf(own, [callAt(own, now - 5 * dayMs)])]);
  const old = callAt(own, now - 7 * dayMs - minuteMs);
  await consumed([messageOf(own, [old])], undefined, now - 2 * dayMs);
  const ids = async (query: Record<string, string>) =>
    (await call("api-calls.list", { tenant: own.slug, as: own.key, query })).json.data.map(
      ({ id }: { id: string }) => id,
    );
  expect(await ids({})).toHaveLength(1);
  expect(await ids({ from: timestamp(now - 8 * dayMs) })).toContain(old.id);
});

test("another tenant's calls are nowhere, whatever is asked", async () => {
  const [other, far] = [await newTenant("signs"), await newTenant("cafe", { plan: "enterprise" })];
  await consumed([messageOf(other, [callAt(other, start)])]);
  for (const stranger of [other, far]) {
    const { slug, key } = stranger;
    for (const query of [{}, { actorId: tenant.keyId }, { operation: "orders.place" }, { status: "403" }]) {
      for (const name of ["api-calls.list", "api-calls.usage"]) {
        const { json } = await call(name, { tenant: slug, as: key, query: { limit: "100", ...query } });
        const theirs = JSON.stringify(json);
        for (const word of [
          tenant.keyId,
          tenant.memberIds.sales,
          place.operation,
          ...calls.map(({ id }) => id),
        ])
          expect(theirs).not.toContain(word);
        expect(json.gap.logged).toBeLessThanOrEqual(1);
      }
    }
  }
});

test("who is limited to places or assignments sees their own calls alone", async () => {
  const own = await newTenant();
  const here = own.locationIds[0];
  const scopes = ["api-calls:read"];
  const made = await call("api-keys.create", {
    tenant: own.slug,
    as: own.key,
    body: { name: "Limited", scopes, locationIds: [here] },
  });
  const limited: CallRecord = callAt(own, start, { actorId: made.json.id });
  await consumed([messageOf(own, [callAt(own, start), limited, callAt(own, start + 1)])]);
  const asked = (name: string, query: Record<string, string> = {}) =>
    call(name, { tenant: own.slug, as: made.json.key, query: { limit: "100", ...query } });
  expect((await asked("api-calls.list")).json.data.map(({ id }: { id: string }) => id)).toEqual([limited.id]);
  expect((await asked("api-calls.list", { operation: "orders.list" })).json.data).toHaveLength(1);
  expect((await asked("api-calls.usage")).json.data).toEqual([
    expect.objectContaining({ actorId: made.json.id, calls: 1 }),
  ]);
  for (const name of ["api-calls.list", "api-calls.usage"]) {
    const { json } = await asked(name, { actorId: own.keyId });
    expect(json).toEqual({ data: [], nextCursor: null, gap: { counted: 0, logged: 0, missing: 0 } });
    expect((await asked(name)).json.gap).toMatchObject({ logged: 1 });
  }
  const { status } = await call("api-calls.list", {
    tenant: own.slug,
    as: await memberToken(own, "manager"),
  });
  expect(status).toBe(403);
});

test("what was lost on its way is the gap between the gates' counts and the log", async () => {
  const own = await newTenant();
  const { env, messages } = listening();
  const sales = await memberToken(own, "sales");
  const ping = (as: string) => call("tenants.ping", { tenant: own.slug, as, env });
  for (let index = 0; index < 12; index += 1) await ping(own.key);
  for (let index = 0; index < 5; index += 1) await ping(sales);
  // Three of the key's calls and one of the member's never arrive; the rest twice.
  const arrived = messages().filter((_, index) => ![2, 3, 4, 12].includes(index));
  await consumed(arrived);
  await consumed(arrived);
  const gap = async (query: Record<string, string> = {}) =>
    (await call("api-calls.list", { tenant: own.slug, as: own.key, query, env })).json.gap;
  expect(await gap(), "the gates have not told yet").toEqual({ counted: 0, logged: 13, missing: 0 });
  // Beside the pings the key has asked once by now.
  const told = vi.spyOn(wholeEnv().CALLS_US1 as Queue, "send").mockResolvedValue(undefined as never);
  for (const id of [own.keyId, own.memberIds.sales])
    expect(await runDurableObjectAlarm(testEnv().GATES.getByName(id))).toBe(true);
  await consumed(told.mock.calls.map(([message]) => message));
  expect(await gap()).toEqual({ counted: 18, logged: 13, missing: 5 });
  expect(await gap({ actorId: own.memberIds.sales })).toEqual({ counted: 5, logged: 4, missing: 1 });
  expect(await gap({ actorId: own.keyId })).toEqual({ counted: 13, logged: 9, missing: 4 });
  expect(await gap({ status: "500" }), "of all, as a gate knows no status").toMatchObject({ missing: 5 });
  const before = timestamp(hourStart(Date.now()) - hourMs);
  expect(await gap({ until: before })).toEqual({ counted: 0, logged: 0, missing: 0 });
  const { json } = await call("api-calls.usage", { tenant: own.slug, as: own.key, env });
  expect(json.gap).toEqual({ counted: 18, logged: 13, missing: 5 });
});

test("the log and the epoch are read at once, in one trip's time", async () => {
  const order: string[] = [];
  const watched = (name: string, database: unknown) =>
    tapped(database as D1Database, async (_texts, run) => {
      order.push(`${name} begins`);
      const rows = await run();
      order.push(`${name} ends`);
      return rows;
    });
  const { CELL_US1, LOG_US1 } = testEnv();
  const { env } = listening({ CELL_US1: watched("cell", CELL_US1), LOG_US1: watched("log", LOG_US1) });
  const asked = { tenant: tenant.slug, as: tenant.key, env };
  for (const name of ["api-calls.list", "api-calls.usage"]) {
    order.length = 0;
    expect((await call(name, asked)).status).toBe(200);
    expect(order).toHaveLength(4);
    expect(order.slice(0, 2).toSorted()).toEqual(["cell begins", "log begins"]);
  }
});

test("whose rights have moved reads nothing of the log, though the log answered first", async () => {
  const own = await newTenant();
  const [reader] = await Promise.all([
    call("api-keys.create", {
      tenant: own.slug,
      as: own.key,
      body: { name: "Reader", scopes: ["api-calls:read"] },
    }),
    consumed([messageOf(own, [callAt(own, start)])]),
  ]);
  const asked = (env = quiet) => call("api-calls.list", { tenant: own.slug, as: reader.json.key, env });
  expect((await asked()).json.data).toHaveLength(1);
  // The gate is not told, so it still holds the old rights: only the epoch stands in the way.
  const revoked = timestamp(Date.now());
  await rowsOf(own.cell.database, "update api_keys set revoked_at = ? where id = ?", revoked, reader.json.id);
  await rowsOf(
    own.cell.database,
    "update tenant_state set epoch = epoch + 1 where tenant_id = ?",
    own.tenantId,
  );
  let logAnswered = () => {};
  const answered = new Promise<void>((resolve) => {
    logAnswered = resolve;
  });
  const { CELL_US1, LOG_US1 } = testEnv();
  const { env } = listening({
    LOG_US1: tapped(LOG_US1 as D1Database, (_texts, run) => run().finally(logAnswered)),
    CELL_US1: tapped(CELL_US1 as D1Database, async (_texts, run) => {
      await answered;
      return await run();
    }),
  });
  const answer = await asked(env);
  expect([answer.status, answer.json.type]).toEqual([401, "/problems/unauthorized"]);
});

test("a frozen tenant's log is not read", async () => {
  const own = await newTenant();
  const asked = () => call("api-calls.list", { tenant: own.slug, as: own.key });
  expect((await asked()).status).toBe(200);
  await rowsOf(
    own.cell.database,
    "update tenant_state set state = 'frozen', epoch = epoch + 1 where tenant_id = ?",
    own.tenantId,
  );
  expect((await asked()).json.type).toBe("/problems/tenant-suspended");
});

function call(name: string, input: Call): Promise<Answer> {
  return client.call(name, { env: quiet, ...input });
}

function ask(name: string, query: Record<string, string | undefined>): Promise<Answer> {
  const given = Object.fromEntries(
    Object.entries(query).flatMap(([key, value]) => (value ? [[key, value]] : [])),
  );
  return call(name, {
    tenant: tenant.slug,
    as: tenant.key,
    query: { until: timestamp(start + 2 * hourMs), ...given },
  });
}

function list(query: Record<string, string>): Promise<Answer> {
  return ask("api-calls.list", query);
}

function usage(query: Record<string, string>): Promise<Answer> {
  return ask("api-calls.usage", query);
}

async function listed(query: Record<string, string>): Promise<string[]> {
  return (await pagesOf("api-calls.list", query)).map(({ id }) => id);
}

async function pagesOf(name: string, query: Record<string, string>) {
  // biome-ignore lint/suspicious/noExplicitAny: rows of two shapes
  const rows: any[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { status, json, text } = await ask(name, { ...query, ...(cursor ? { cursor } : {}) });
    expect(status, text).toBe(200);
    rows.push(...json.data);
    cursor = json.nextCursor;
  }
  return rows;
}
