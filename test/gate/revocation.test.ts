import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { update } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { maskOf } from "#gate/capabilities.ts";
import { members } from "#gate/tables.ts";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, memberToken, newTenant, proxied, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

for (const [how, env] of [
  ["", testEnv],
  [", though its gate was never told", withoutNotices],
] as const) {
  test(`no request that began after a revocation was answered reads or writes${how}`, async () => {
    const tenant = await newTenant();
    const key = await newKey(tenant, ["orders:read", "customers:write"]);
    let isAnswered = false;
    const busy = Promise.withResolvers<void>();
    const seen: { began: "before" | "after"; isWrite: boolean; answer: Answer }[] = [];
    const clients = Array.from({ length: 16 }, async (_, client) => {
      const isWrite = client % 2 === 0;
      for (let late = 0; late < 4; ) {
        const began = isAnswered ? "after" : "before";
        const answer = isWrite ? await addCustomer(tenant, key.text) : await listOrders(tenant, key.text);
        seen.push({ began, isWrite, answer });
        if (seen.length === 100) busy.resolve();
        if (began === "after") late += 1;
      }
    });
    await busy.promise;
    await revoke(tenant, key.id, env());
    isAnswered = true;
    await Promise.all(clients);

    const after = seen.filter(({ began }) => began === "after");
    expect(after).toHaveLength(64);
    expect(new Set(after.map(({ answer }) => answer.status))).toEqual(new Set([401]));
    const before = seen.filter(({ began }) => began === "before").map(({ answer }) => answer.status);
    expect(before.filter((status) => ![200, 201, 401].includes(status))).toEqual([]);
    const written = seen.filter(({ isWrite, answer }) => isWrite && answer.status === 201);
    expect(written.length).toBeGreaterThan(0);
    expect(await actsOf(tenant, key.id)).toHaveLength(written.length);
    const [revocation] = await rowsOf<{ seq: number }>(
      tenant.cell.database,
      "select seq from audit_log where tenant_id = ? and operation = 'api-keys.revoke'",
      tenant.tenantId,
    );
    expect((await actsOf(tenant, key.id)).filter(({ seq }) => seq > (revocation?.seq ?? 0))).toEqual([]);
  });

  test(`a hydration that was under way during the revocation lets nobody in${how}`, async () => {
    const tenant = await newTenant();
    const key = await newKey(tenant, ["orders:read", "customers:write"]);
    const hydration = await holdHydration(key.id);
    const under = [listOrders(tenant, key.text), addCustomer(tenant, key.text)];
    await hydration.reached;
    await revoke(tenant, key.id, env());
    hydration.release();
    expect((await Promise.all(under)).map(({ status }) => status)).toEqual([401, 401]);
    expect(await actsOf(tenant, key.id)).toEqual([]);
  });

  test(`a gate that was warm or is evicted after the revocation refuses from then on${how}`, async () => {
    const tenant = await newTenant();
    const key = await newKey(tenant, ["orders:read", "customers:write"]);
    expect((await listOrders(tenant, key.text)).status).toBe(200);
    await revoke(tenant, key.id, env());
    expect((await addCustomer(tenant, key.text)).status).toBe(401);
    await evictDurableObject(gateOf(key.id));
    expect((await listOrders(tenant, key.text)).status).toBe(401);
    expect(await actsOf(tenant, key.id)).toEqual([]);
  });
}

test("what touches no data is refused at once when the gate is told, and within a minute when it is not", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const [told, untold] = [await newKey(tenant, ["orders:read"]), await newKey(tenant, ["orders:read"])];
  for (const { text } of [told, untold]) expect((await ping(tenant, text)).status).toBe(200);
  await revoke(tenant, told.id);
  await revoke(tenant, untold.id, withoutNotices());
  expect((await ping(tenant, told.text)).status).toBe(401);
  vi.setSystemTime(Date.now() + minuteMs);
  expect((await ping(tenant, untold.text)).status).toBe(401);
});

test("a hydration under way when its gate is told is thrown away, so that not even a ping gets through", async () => {
  const tenant = await newTenant();
  const key = await newKey(tenant, ["orders:read"]);
  const hydration = await holdHydration(key.id);
  const under = ping(tenant, key.text);
  await hydration.reached;
  await revoke(tenant, key.id);
  hydration.release();
  expect((await under).status).toBe(401);
});

test("a revoked key replays nothing", async () => {
  const tenant = await newTenant();
  const key = await newKey(tenant, ["customers:write"]);
  const headers = { "Idempotency-Key": "k" };
  expect((await addCustomer(tenant, key.text, { headers })).status).toBe(201);
  await revoke(tenant, key.id, withoutNotices());
  const again = await addCustomer(tenant, key.text, { headers });
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([401, null]);
});

test("revoking again changes nothing and tells nobody again", async () => {
  const tenant = await newTenant();
  const key = await newKey(tenant, ["orders:read"]);
  await revoke(tenant, key.id);
  const again = await call("api-keys.revoke", { ...owner(tenant), params: { apiKeyId: key.id } });
  expect([again.status, again.json.version]).toEqual([200, 2]);
  const events = await rowsOf(
    tenant.cell.database,
    "select 1 from events where tenant_id = ? and type = 'api_key.revoked'",
    tenant.tenantId,
  );
  expect(events).toHaveLength(1);
});

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

test("a key ends at the very millisecond it expires, warm gate or not", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const expiresAt = new Date(Date.now() + 30_000).toISOString();
  const [warm, cold] = [
    await newKey(tenant, ["orders:read"], { expiresAt }),
    await newKey(tenant, ["orders:read"], { expiresAt }),
  ];
  vi.setSystemTime(Date.now() + 29_999);
  expect((await listOrders(tenant, warm.text)).status).toBe(200);
  vi.setSystemTime(Date.now() + 1);
  for (const { text } of [warm, cold]) {
    expect([(await listOrders(tenant, text)).status, (await ping(tenant, text)).status]).toEqual([401, 401]);
  }
});

test("a key with an address list serves those addresses and no other", async () => {
  const tenant = await newTenant();
  const key = await newKey(tenant, ["orders:read"], {
    ipAllowList: ["203.0.113.0/24", "198.51.100.7", "2001:db8:40::/44"],
  });
  const served: Readonly<Record<string, boolean>> = {
    "203.0.113.0": true,
    "203.0.113.255": true,
    "203.0.114.0": false,
    "198.51.100.7": true,
    "198.51.100.8": false,
    "::ffff:203.0.113.9": true,
    "2001:db8:40::1": true,
    "2001:db8:4f:ffff::": true,
    "2001:db8:50::": false,
    "::1": false,
    "203.0.113.1, 10.0.0.1": false,
    "": false,
  };
  for (const [address, isServed] of Object.entries(served)) {
    const answer = await listOrders(tenant, key.text, { headers: { "CF-Connecting-IP": address } });
    expect([address, answer.status]).toEqual([address, isServed ? 200 : 403]);
    if (!isServed) expect(answer.json.type).toBe("/problems/address-not-allowed");
  }
  for (const headers of [{}, { "X-Forwarded-For": "203.0.113.1" }, { "X-Real-IP": "203.0.113.1" }])
    expect((await listOrders(tenant, key.text, { headers })).status).toBe(403);
});

test("an address list that is none is refused by its place in the list", async () => {
  const tenant = await newTenant();
  for (const wrong of ["203.0.113.1/24", "203.0.113.0/33", "localhost", "2001:db8::/129", "1.2.3"]) {
    const answer = await createKey(tenant, tenant.key, {
      scopes: ["orders:read"],
      ipAllowList: ["203.0.113.0/24", wrong],
    });
    expect([wrong, answer.status, answer.json.errors[0].pointer]).toEqual([wrong, 422, "/ipAllowList/1"]);
  }
});

test("a key's scopes never exceed its creator's", async () => {
  const tenant = await newTenant();
  const creator = await newKey(tenant, ["api-keys:write", "orders:read"]);
  const refused = await createKey(tenant, creator.text, { scopes: ["orders:read", "orders:write"] });
  expect([refused.status, refused.json.type, refused.json.errors[0].pointer]).toEqual([
    422,
    "/problems/scopes-exceed-creator",
    "/scopes",
  ]);
  const made = await createKey(tenant, creator.text, { scopes: ["orders:read"] });
  expect([made.status, made.json.creatorId]).toEqual([201, creator.id]);
  expect((await addCustomer(tenant, made.json.key)).status).toBe(403);
  expect((await createKey(tenant, tenant.key, { scopes: ["orders:everything"] })).status).toBe(422);
});

test("a member's token limited to some scopes makes no key beyond them", async () => {
  const tenant = await newTenant();
  const token = await memberToken(tenant, "owner", { scope: "api-keys:write orders:read" });
  expect((await createKey(tenant, token, { scopes: ["customers:read"] })).status).toBe(422);
  expect((await createKey(tenant, token, { scopes: ["orders:read"] })).status).toBe(201);
  expect((await addCustomer(tenant, token)).status).toBe(403);
});

test("a key's locations are among its creator's, and the key reaches nothing else", async () => {
  const [tenant, foreign] = [await newTenant(), await newTenant()];
  const [here, there] = tenant.locationIds;
  const scopes = ["api-keys:write", "orders:read", "orders:write"];
  const local = await newKey(tenant, scopes, { locationIds: [there] });
  const refusals = [{}, { locationIds: [here] }, { locationIds: [there, here] }];
  for (const terms of refusals) {
    const answer = await createKey(tenant, local.text, { scopes: ["orders:read"], ...terms });
    expect([answer.status, answer.json.type, answer.json.errors[0].pointer]).toEqual([
      422,
      "/problems/scopes-exceed-creator",
      "/locationIds",
    ]);
  }
  const made = await createKey(tenant, local.text, { scopes: ["orders:read"], locationIds: [there] });
  expect([made.status, made.json.allLocations]).toEqual([201, false]);
  expect((await listOrders(tenant, made.json.key)).json.data).toEqual([]);
  const unknown = [newId("loc"), foreign.locationIds[0]].map((id) =>
    createKey(tenant, tenant.key, { scopes: ["orders:read"], locationIds: [here, id] }),
  );
  const answers = await Promise.all(unknown);
  expect(answers.map(({ status, json }) => [status, json.errors[0].pointer])).toEqual(
    Array(2).fill([422, "/locationIds/1"]),
  );
  expect(new Set(answers.map(({ text, json }) => text.replace(json.requestId, ""))).size).toBe(1);
});

test("a key lives no longer than its creator", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const creator = await newKey(tenant, ["api-keys:write", "orders:read"], { expiresAt: at(minuteMs) });
  for (const expiresAt of [undefined, at(minuteMs + 1)]) {
    const answer = await createKey(tenant, creator.text, { scopes: ["orders:read"], expiresAt });
    expect([answer.status, answer.json.errors?.[0]?.pointer]).toEqual([422, "/expiresAt"]);
  }
  const made = await createKey(tenant, creator.text, { scopes: ["orders:read"], expiresAt: at(minuteMs) });
  expect(made.status).toBe(201);
  const past = await createKey(tenant, tenant.key, { scopes: ["orders:read"], expiresAt: at(0) });
  expect([past.status, past.json.errors[0].pointer]).toEqual([422, "/expiresAt"]);
});

test("who sees only what is assigned to them makes no keys, for a key has no assignments", async () => {
  const tenant = await newTenant();
  const grants = maskOf(["api-keys:write"]);
  await changeMember(tenant, tenant.memberIds.installer, { grants });
  const token = await memberToken(tenant, "installer");
  const answer = await createKey(tenant, token, { scopes: ["orders:read"] });
  expect([answer.status, answer.json.type]).toEqual([403, "/problems/forbidden"]);
});

interface Given {
  readonly headers?: Readonly<Record<string, string>>;
  readonly env?: TestEnv;
}

function listOrders(tenant: TestTenant, as: string, given: Given = {}): Promise<Answer> {
  return call("orders.list", { tenant: tenant.slug, as, ...given });
}

function addCustomer(tenant: TestTenant, as: string, given: Given = {}): Promise<Answer> {
  return call("customers.create", { tenant: tenant.slug, as, body: { name: "One More" }, ...given });
}

function ping(tenant: TestTenant, as: string): Promise<Answer> {
  return call("tenants.ping", { tenant: tenant.slug, as });
}

function rateOf({ headers }: Answer): string | null {
  return headers.get("ratelimit");
}

function owner({ slug, key }: TestTenant) {
  return { tenant: slug, as: key };
}

function createKey(tenant: TestTenant, as: string, terms: object): Promise<Answer> {
  return call("api-keys.create", { tenant: tenant.slug, as, body: { name: "Test key", ...terms } });
}

async function newKey(tenant: TestTenant, scopes: readonly string[], terms: object = {}) {
  const { status, json } = await createKey(tenant, tenant.key, { scopes, ...terms });
  expect(status).toBe(201);
  return { id: String(json.id), text: String(json.key) };
}

async function revoke(tenant: TestTenant, id: string, env: TestEnv = testEnv()): Promise<void> {
  const answer = await call("api-keys.revoke", { ...owner(tenant), params: { apiKeyId: id }, env });
  expect([answer.status, answer.json.revokedAt === null]).toEqual([200, false]);
}

async function changeMember(
  tenant: TestTenant,
  id: string,
  patch: Partial<Pick<Row<typeof members>, "role" | "grants" | "denials" | "state">>,
): Promise<void> {
  const session = await systemSession(testEnv(), tenant.cell.database, tenant.tenantId);
  const member = await session.get(members, id);
  if (!member) throw new Error("There is no such member.");
  const by = { job: "test.change-member", requestId: newId("run"), now: Date.now() };
  const outcome = await commitAsSystem(session, by, [update(members, member, patch, by.now)]);
  expect(outcome.kind).toBe("committed");
}

/** What the audit says that this principal did. */
function actsOf({ cell, tenantId }: TestTenant, principalId: string) {
  return rowsOf<{ seq: number; operation: string; action: string }>(
    cell.database,
    "select seq, operation, action from audit_log where tenant_id = ? and actor_id = ? order by seq",
    tenantId,
    principalId,
  );
}

function statement({ cell, tenantId }: TestTenant, text: string): D1PreparedStatement {
  return cell.database.prepare(text).bind(tenantId);
}

async function run(tenant: TestTenant, text: string): Promise<void> {
  await statement(tenant, text).run();
}

function gateOf(principalId: string) {
  return testEnv().GATES.getByName(principalId);
}

/** The Worker dies between commit and notice: no gate is told and no message is sent. */
function withoutNotices(): TestEnv {
  const lost = () => Promise.reject(new Error("The Worker is gone."));
  const { GATES, AUDIT_EVENTS_US1: queue } = testEnv();
  return envWith({
    GATES: proxied(GATES, {
      getByName: (name: string) => ({
        enter: (request: unknown) => GATES.getByName(name).enter(request),
        forget: lost,
      }),
    }),
    AUDIT_EVENTS_US1: proxied(queue as Queue, { send: lost }),
  });
}

/** The gate has read the principal's rights and is held before it can use them. */
async function holdHydration(principalId: string) {
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isFirst = true;
  const database = tapped(testEnv().CELL_US1 as D1Database, async (texts, read) => {
    const results = await read();
    if (!isFirst || !texts.some((text) => text.includes('from "api_keys"'))) return results;
    isFirst = false;
    reached.resolve();
    await held.promise;
    return results;
  });
  await runInDurableObject(gateOf(principalId), (gate) => {
    Object.defineProperty(gate, "env", { value: envWith({ CELL_US1: database }) });
  });
  return { reached: reached.promise, release: () => held.resolve() };
}

test("a key that is held to addresses makes none that is freer", async () => {
  const tenant = await newTenant();
  const as = { tenant: tenant.slug, as: tenant.key };
  const home = "203.0.113.0/24";
  const made = await call("api-keys.create", {
    ...as,
    body: { name: "Office", scopes: ["api-keys:write", "orders:read"], ipAllowList: [home] },
  });
  const office = {
    tenant: tenant.slug,
    as: String(made.json.key),
    headers: { "CF-Connecting-IP": "203.0.113.7" },
  };
  for (const ipAllowList of [undefined, [], ["0.0.0.0/0"], [home, "198.51.100.1"]]) {
    const refused = await call("api-keys.create", {
      ...office,
      body: { name: "Freer", scopes: ["orders:read"], ipAllowList },
    });
    expect(refused.json.errors).toEqual([
      { pointer: "/ipAllowList", detail: "is more than the creator's own" },
    ]);
  }
  const granted = await call("api-keys.create", {
    ...office,
    body: { name: "As held", scopes: ["orders:read"], ipAllowList: [home] },
  });
  expect(granted.status).toBe(201);
});
