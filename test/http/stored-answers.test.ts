import { afterEach, expect, test, vi } from "vitest";
import { update } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { members } from "#gate/tables.ts";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { as, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { countOf, createCustomer, createOrder, isReplay, keyed, person } from "./kit.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

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

test("an endpoint's address, which is a secret, is in the answer, in its replay and in no record", async () => {
  const tenant = await newTenant();
  const [endpoint] = (await call("webhook-endpoints.list", as(tenant))).json.data;
  const params = { webhookEndpointId: endpoint.id };
  // The second finds it disabled, as it was seeded, so it writes nothing but its record.
  for (const [name, given] of [
    ["webhook-endpoints.rotate", { body: { overlapHours: 1 } }],
    ["webhook-endpoints.disable", {}],
  ] as const) {
    const ask = () => call(name, { ...as(tenant), params, headers: keyed(name), ...given });
    const [first, again] = [await ask(), await ask()];
    expect([first.status, first.json.url, isReplay(again), again.json.url]).toEqual([
      200,
      endpoint.url,
      true,
      endpoint.url,
    ]);
  }
  const records = await recordsOf(tenant);
  expect(records).toHaveLength(2);
  for (const { answer } of records) expect(answer).toMatch(/^v1\.tky_/);
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

async function changeRole(tenant: TestTenant, memberId: string, role: string) {
  const session = await systemSession(testEnv(), tenant.cell.database, tenant.tenantId);
  const member = await session.get(members, memberId);
  if (!member) throw new Error("There is no such member.");
  const run = { job: "test", requestId: newId("run"), now: Date.now() };
  await commitAsSystem(session, run, [update(members, member, { role }, Date.now())]);
}

function recordsOf({ cell, tenantId }: TestTenant) {
  return rowsOf<Record<string, unknown>>(
    cell.database,
    "select * from idempotency where tenant_id = ?",
    tenantId,
  );
}
