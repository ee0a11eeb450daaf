import { afterEach, expect, test, vi } from "vitest";
import { maskOf } from "#gate/capabilities.ts";
import { minuteMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { envWith, memberToken, newTenant, tapped } from "#test/world.ts";
import { actsOf, addCustomer, changeMember, listOrders, ping, rateOf, run, statement } from "./kit.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

test("a member's next request has the rights that the cell says, whoever told the gate", async () => {
  const tenant = await newTenant();
  const token = await memberToken(tenant, "sales");
  const id = tenant.memberIds.sales;
  expect([(await listOrders(tenant, token)).status, (await addCustomer(tenant, token)).status]).toEqual([
    200, 201,
  ]);
  await changeMember(tenant, id, { role: "designer" });
  expect([(await listOrders(tenant, token)).status, (await addCustomer(tenant, token)).status]).toEqual([
    200, 403,
  ]);
  await changeMember(tenant, id, { denials: maskOf(["orders:read"]) });
  expect((await listOrders(tenant, token)).status).toBe(403);
  await changeMember(tenant, id, { denials: maskOf([]), state: "suspended" });
  expect((await call("locations.list", { tenant: tenant.slug, as: token })).status).toBe(401);
  expect(await actsOf(tenant, id)).toHaveLength(1);
});

test("a member who loses a location no longer sees its orders", async () => {
  const tenant = await newTenant();
  const token = await memberToken(tenant, "staff");
  expect((await listOrders(tenant, token)).json.data).toHaveLength(1);
  await tenant.cell.database.batch([
    statement(tenant, "delete from member_locations where tenant_id = ?"),
    statement(tenant, "update tenant_state set epoch = epoch + 1 where tenant_id = ?"),
  ]);
  expect((await listOrders(tenant, token)).json.data).toEqual([]);
});

test("a frozen tenant reads and writes nothing, and is served again within a minute of its thaw", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  expect((await listOrders(tenant, tenant.key)).status).toBe(200);
  // The second way bumps no epoch: the state alone stops it too.
  for (const freeze of ["state = 'frozen', epoch = epoch + 1", "state = 'frozen'"]) {
    await run(tenant, `update tenant_state set ${freeze} where tenant_id = ?`);
    const answers = [await listOrders(tenant, tenant.key), await addCustomer(tenant, tenant.key)];
    expect(answers.map(({ status, json }) => [status, json.type])).toEqual(
      Array(2).fill([403, "/problems/tenant-suspended"]),
    );
    await run(tenant, "update tenant_state set state = 'active', epoch = epoch + 1 where tenant_id = ?");
    vi.setSystemTime(Date.now() + minuteMs);
    expect((await listOrders(tenant, tenant.key)).status).toBe(200);
  }
  expect(await actsOf(tenant, tenant.keyId)).toEqual([]);
});

test("rights that moved once under a request are read anew, and the limit is not taken twice", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const first = await ping(tenant, tenant.key);
  await run(tenant, "update tenant_state set epoch = epoch + 1 where tenant_id = ?");
  const moved = await addCustomer(tenant, tenant.key);
  expect([moved.status, rateOf(first), rateOf(moved)]).toEqual([
    201,
    '"enterprise";r=999;t=1',
    '"enterprise";r=998;t=1',
  ]);
});

test("rights that move twice under a request are answered 503 with Retry-After, and nothing is written", async () => {
  const tenant = await newTenant();
  let batches = 0;
  const database = tapped(tenant.cell.database, async (_texts, commit) => {
    batches += 1;
    await run(tenant, "update tenant_state set epoch = epoch + 1 where tenant_id = ?");
    return await commit();
  });
  for (const ask of [listOrders, addCustomer]) {
    batches = 0;
    const answer = await ask(tenant, tenant.key, { env: envWith({ CELL_US1: database }) });
    expect([answer.status, answer.json.type, answer.headers.get("retry-after"), batches]).toEqual([
      503,
      "/problems/unavailable",
      "1",
      2,
    ]);
    expect(answer.text).not.toContain(tenant.orderId);
  }
  expect(await actsOf(tenant, tenant.keyId)).toEqual([]);
  expect((await addCustomer(tenant, tenant.key)).status).toBe(201);
});

test("a refusal that is recorded stays a refusal when the tenant's rights have moved since", async () => {
  const tenant = await newTenant();
  const token = await memberToken(tenant, "viewer");
  expect((await listOrders(tenant, token)).status).toBe(200);
  await run(tenant, "update tenant_state set epoch = epoch + 1 where tenant_id = ?");
  const denied = await call("settings.update", { tenant: tenant.slug, as: token, body: { name: "Mine" } });
  expect([denied.status, denied.json.type]).toEqual([403, "/problems/forbidden"]);
  expect(await actsOf(tenant, tenant.memberIds.viewer)).toMatchObject([
    { operation: "settings.update", action: "note" },
  ]);
});

test("who was promoted meanwhile is let through where the refusal would have been recorded", async () => {
  const tenant = await newTenant();
  const token = await memberToken(tenant, "viewer");
  expect((await listOrders(tenant, token)).status).toBe(200);
  await changeMember(tenant, tenant.memberIds.viewer, { role: "admin" });
  const allowed = await call("settings.update", { tenant: tenant.slug, as: token, body: { name: "Ours" } });
  expect([allowed.status, allowed.json.name]).toEqual([200, "Ours"]);
  expect(await actsOf(tenant, tenant.memberIds.viewer)).toMatchObject([
    { operation: "settings.update", action: "updated" },
  ]);
});
