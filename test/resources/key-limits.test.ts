import { afterEach, expect, test, vi } from "vitest";
import { limitKey } from "#cli/key-limit.ts";
import { forgetRows } from "#jobs/forget-rows.ts";
import { dayMs, minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();
const reason = "Inês asked for it: the import starves her till.";

afterEach(() => void vi.useRealTimers());

test("a limit is told as it was set, until it expires or is lifted", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const id = await newKey(tenant);
  expect(await read(tenant, id)).toMatchObject({ status: 404 });
  const set = await hold(tenant, id, { perMinute: 120, burst: 12 });
  const expected = {
    apiKeyId: id,
    perMinute: 120,
    burst: 12,
    reason,
    expiresAt: timestamp(Date.now() + minuteMs),
    creatorId: tenant.keyId,
    updatedAt: timestamp(Date.now()),
  };
  expect([set.status, set.json]).toEqual([200, expected]);
  expect((await read(tenant, id)).json).toEqual(expected);
  expect((await hold(tenant, id, { perMinute: 60, burst: 6 })).json).toEqual({
    ...expected,
    perMinute: 60,
    burst: 6,
  });
  expect((await lift(tenant, id)).status).toBe(204);
  expect([(await read(tenant, id)).status, (await lift(tenant, id)).status]).toEqual([404, 404]);
  await hold(tenant, id, { perMinute: 60, burst: 6 });
  vi.setSystemTime(Date.now() + minuteMs - 1);
  expect((await read(tenant, id)).status).toBe(200);
  vi.setSystemTime(Date.now() + 1);
  expect((await read(tenant, id)).status).toBe(404);
});

test("a limit ends in the future and within 90 days, and holds a key that opens something", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const id = await newKey(tenant);
  const before = await written();
  for (const [forMs, detail] of [
    [0, "is not in the future"],
    [90 * dayMs + 1, "is more than 90 days away"],
  ] as const) {
    const { status, json } = await hold(tenant, id, { forMs });
    expect([status, json.errors]).toEqual([422, [{ pointer: "/expiresAt", detail }]]);
  }
  for (const wrong of [{ perMinute: 0 }, { burst: 0 }, { perMinute: 1.5 }, { reason: "\n" }, { plan: "pro" }])
    expect((await hold(tenant, id, wrong)).status).toBe(422);
  expect(grown(before, await written())).toEqual({});
  expect((await hold(tenant, id, { forMs: 90 * dayMs })).status).toBe(200);
  await ask(tenant, "api-keys.revoke", { params: { apiKeyId: id } });
  expect((await hold(tenant, id)).status).toBe(404);
  const foreign = await newTenant();
  expect((await hold(tenant, await newKey(foreign))).status).toBe(404);
});

test("who may not set a limit sets none, and the audit has it", async () => {
  const tenant = await newTenant();
  const id = await newKey(tenant);
  for (const operation of ["api-keys.setLimit", "api-keys.removeLimit"]) {
    const body = operation === "api-keys.setLimit" ? { body: terms() } : {};
    const as = await memberToken(tenant, "viewer");
    expect((await ask(tenant, operation, { as, params: { apiKeyId: id }, ...body })).status).toBe(403);
    expect(await acts(tenant, operation)).toMatchObject([{ action: "note" }]);
  }
});

test("every change is audited with its numbers and told with the old and the new, the reason only sealed", async () => {
  const tenant = await newTenant();
  const id = await newKey(tenant);
  await hold(tenant, id, { perMinute: 60, burst: 6 });
  await order(tenant, id, { perMinute: "20000", burst: "2000" });
  await lift(tenant, id);
  const told = await rowsOf<{ data: string }>(
    tenant.cell.database,
    "select data from events where tenant_id = ? and type = 'api_key.limit_changed' order by seq",
    tenant.tenantId,
  );
  const [none, low, high] = [
    { perMinute: null, burst: null },
    { perMinute: 60, burst: 6 },
    { perMinute: 20_000, burst: 2_000 },
  ];
  const change = (before: typeof none | typeof low, after: typeof none | typeof low) => ({
    apiKeyId: id,
    ...after,
    formerPerMinute: before.perMinute,
    formerBurst: before.burst,
  });
  expect(told.map(({ data }) => JSON.parse(data))).toEqual([
    change(none, low),
    change(low, high),
    change(high, none),
  ]);
  const audited = await rowsOf(
    tenant.cell.database,
    "select * from audit_log where tenant_id = ? and entity = 'key-limit' and operation <> 'seed' order by seq",
    tenant.tenantId,
  );
  const ours = audited.filter((row) => JSON.stringify(row).includes(id));
  expect(ours.map(({ operation, actor_kind: by, action }) => [operation, by, action])).toEqual([
    ["api-keys.setLimit", "api-key", "created"],
    ["cli.limit", "system", "updated"],
    ["api-keys.removeLimit", "api-key", "deleted"],
  ]);
  expect(JSON.stringify(audited)).not.toContain("starves");
});

test("what the operator typed wrongly changes nothing, and is told", async () => {
  const tenant = await newTenant();
  const [id, revoked] = [await newKey(tenant), await newKey(tenant)];
  await ask(tenant, "api-keys.revoke", { params: { apiKeyId: revoked } });
  const before = await written();
  const soon = (ms: number) => ({ until: timestamp(Date.now() + ms) });
  for (const [key, wrong, said] of [
    [id, { perMinute: "many" }, /^--per-minute: /],
    [id, { burst: "0" }, /^--burst: /],
    [id, { until: "tomorrow" }, /^--until: /],
    [id, soon(-1), /^--until is not in the future/],
    [id, soon(91 * dayMs), /^--until is more than 90 days away/],
    [id, { tenant: "nobody" }, /^No active tenant/],
    [newId("key"), {}, /^The tenant has no such key/],
    [revoked, {}, /^The tenant has no such key/],
  ] as const) {
    const outcome = await order(tenant, key, wrong);
    expect([outcome.isDone, outcome.said]).toEqual([false, expect.stringMatching(said)]);
  }
  expect(grown(before, await written())).toEqual({});
  expect(await order(tenant, id, {})).toMatchObject({ isDone: true });
  expect((await read(tenant, id)).json).toMatchObject({ creatorId: null, reason });
});

test("of two who set a key's first limit at once both are heard, and one limit is left", async () => {
  const tenant = await newTenant();
  const id = await newKey(tenant);
  // The key's making moved the epoch, and of two moves under one request the second is too much for it.
  expect((await read(tenant, id)).status).toBe(404);
  const answers = await Promise.all([60, 70].map((perMinute) => hold(tenant, id, { perMinute })));
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const rows = await limitRows(tenant, id);
  expect([rows.length, [60, 70].includes(Number(rows[0]?.per_minute))]).toEqual([1, true]);
});

test("cron takes away what has expired, of active tenants, with an audit row, and nothing else", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const [over, prolonged, later] = [await newKey(tenant), await newKey(tenant), await newKey(tenant)];
  for (const id of [over, prolonged, later])
    await hold(tenant, id, { forMs: id === later ? minuteMs + 1 : minuteMs });
  await hold(tenant, prolonged, { forMs: dayMs });
  vi.setSystemTime(Date.now() + minuteMs);
  const state = (name: string) =>
    tenant.cell.database
      .prepare("update tenant_state set state = ? where tenant_id = ?")
      .bind(name, tenant.tenantId)
      .run();
  await state("frozen");
  await forgetRows(tenant.cell, Date.now());
  expect(await limitRows(tenant, over)).toHaveLength(1);
  await state("active");
  await forgetRows(tenant.cell, Date.now());
  const left = await Promise.all([over, prolonged, later].map((id) => limitRows(tenant, id)));
  expect(left.map(({ length }) => length)).toEqual([0, 1, 1]);
  expect(await acts(tenant, "rows.forget")).toMatchObject([{ action: "deleted", entity: "key-limit" }]);
});

function terms({ forMs = minuteMs, ...more }: { forMs?: number; [field: string]: unknown } = {}) {
  return { perMinute: 60, burst: 6, reason, expiresAt: timestamp(Date.now() + forMs), ...more };
}

function ask(tenant: TestTenant, name: string, input: Call = {}): Promise<Answer> {
  return call(name, { tenant: tenant.slug, as: tenant.key, ...input });
}

function hold(tenant: TestTenant, apiKeyId: string, changes: Parameters<typeof terms>[0] = {}) {
  return ask(tenant, "api-keys.setLimit", { params: { apiKeyId }, body: terms(changes) });
}

function lift(tenant: TestTenant, apiKeyId: string): Promise<Answer> {
  return ask(tenant, "api-keys.removeLimit", { params: { apiKeyId } });
}

function read(tenant: TestTenant, apiKeyId: string): Promise<Answer> {
  return ask(tenant, "api-keys.limit", { params: { apiKeyId } });
}

/** As the operator types it. */
function order(tenant: TestTenant, key: string, changes: Readonly<Record<string, string>>) {
  const now = Date.now();
  const numbers = { perMinute: "20000", burst: "2000", until: timestamp(now + minuteMs) };
  const typed = { tenant: tenant.slug, key, reason, ...numbers, ...changes };
  return limitKey(testEnv(), typed, { job: "cli.limit", requestId: newId("run"), now });
}

async function newKey(tenant: TestTenant): Promise<string> {
  const body = { name: "Kiosk", scopes: ["orders:read"] };
  return (await ask(tenant, "api-keys.create", { body })).json.id;
}

function limitRows({ cell, tenantId }: TestTenant, id: string) {
  return rowsOf(
    cell.database,
    "select per_minute from key_limits where tenant_id = ? and api_key_id = ?",
    tenantId,
    id,
  );
}

function acts({ cell, tenantId }: TestTenant, operation: string) {
  return rowsOf(
    cell.database,
    "select action, entity from audit_log where tenant_id = ? and operation = ?",
    tenantId,
    operation,
  );
}
