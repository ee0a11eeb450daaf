import { evictDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { minuteMs, secondMs } from "#lib/time.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { envWith, newTenant, proxied, rowsOf } from "#test/world.ts";
import {
  actsOf,
  addCustomer,
  gateOf,
  holdHydration,
  listOrders,
  newKey,
  owner,
  ping,
  revoke,
  withoutNotices,
} from "./kit.ts";

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
        // A key refused a moment ago is refused without any I/O: nothing else would ever have its turn.
        await scheduler.wait(0);
      }
    });
    await busy.promise;
    await revoke(tenant, key.id, env()).finally(() => {
      isAnswered = true;
    });
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

test("a flood of a revoked key asks its gate once a second", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const key = await newKey(tenant, ["orders:read"]);
  await revoke(tenant, key.id);
  let hops = 0;
  const { GATES } = testEnv();
  const env = envWith({
    GATES: proxied(GATES, {
      getByName: (name: string) => {
        hops += 1;
        return GATES.getByName(name);
      },
    }),
  });
  for (const seconds of [1, 2]) {
    for (let asked = 0; asked < 50; asked += 1)
      expect((await listOrders(tenant, key.text, { env })).status).toBe(401);
    expect(hops).toBe(seconds);
    vi.setSystemTime(Date.now() + secondMs);
  }
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
