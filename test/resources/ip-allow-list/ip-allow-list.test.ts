import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { secondMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { gateOf, withoutNotices } from "#test/gate/kit.ts";
import { clientToken, newClient } from "#test/identity/oauth/kit.ts";
import { as, memberToken, newTenant, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
afterEach(() => void vi.useRealTimers());
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

const [office, elsewhere] = ["203.0.113.9", "198.51.100.7"];
const from = (ip: string) => ({ headers: { "cf-connecting-ip": ip } });

function setList(
  tenant: TestTenant,
  body: { readonly networks: readonly string[]; readonly dryRun?: boolean },
  ip = office,
  by = tenant.key,
) {
  return call("ip-allow-list.update", { tenant: tenant.slug, as: by, body, ...from(ip) });
}

const listOrders = (tenant: TestTenant, as: string, ip: string) =>
  call("orders.list", { tenant: tenant.slug, as, ...from(ip) });

test("people, keys and clients are let in from the networks of a business's list alone, from their next request on", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const client = await newClient(tenant, { scopes: ["orders:read"] });
  const principals = [tenant.key, await memberToken(tenant, "staff"), await clientToken(client)];
  for (const who of principals) expect((await listOrders(tenant, who, elsewhere)).status).toBe(200);
  const changed = await call("ip-allow-list.update", {
    ...as(tenant),
    body: { networks: ["203.0.113.0/24", "2001:db8::/32"] },
    ...from(office),
    env: withoutNotices(),
  });
  expect(changed.json).toMatchObject({ isChanged: true, networks: ["203.0.113.0/24", "2001:db8::/32"] });
  for (const who of principals) {
    const refused = await listOrders(tenant, who, elsewhere);
    expect([refused.status, refused.json.type]).toEqual([403, "/problems/address-not-allowed"]);
    for (const ip of [office, "2001:db8::9"]) expect((await listOrders(tenant, who, ip)).status).toBe(200);
  }
  const read = await call("ip-allow-list.get", { ...as(tenant), ...from(office) });
  expect(read.json).toEqual({ networks: ["203.0.113.0/24", "2001:db8::/32"] });
  expect((await setList(tenant, { networks: [] })).json).toMatchObject({ isChanged: true, networks: [] });
  // A gate that turned somebody away asks again after two seconds.
  vi.setSystemTime(Date.now() + 2 * secondMs);
  for (const who of principals) expect((await listOrders(tenant, who, elsewhere)).status).toBe(200);
});

test("nobody locks themselves out, and a key that has a list of its own is held to both", async () => {
  const tenant = await newTenant();
  const refused = await setList(tenant, { networks: ["203.0.113.0/24"] }, elsewhere);
  expect([refused.status, refused.json.type]).toEqual([409, "/problems/would-lock-you-out"]);
  const unknown = await call("ip-allow-list.update", {
    ...as(tenant),
    body: { networks: ["203.0.113.0/24"] },
  });
  expect(unknown.status).toBe(409);
  expect((await listOrders(tenant, tenant.key, elsewhere)).status).toBe(200);
  for (const networks of [["203.0.113.1/24"], ["nowhere"], Array(101).fill("203.0.113.0/24")])
    expect((await setList(tenant, { networks })).status, String(networks[0])).toBe(422);
  const terms = { name: "Till", scopes: ["orders:read"], ipAllowList: ["203.0.113.9/32"] };
  const { json } = await call("api-keys.create", { ...as(tenant), body: terms });
  await setList(tenant, { networks: ["203.0.113.0/24"] });
  const statuses = await Promise.all(
    [office, "203.0.113.10", elsewhere].map(async (ip) => (await listOrders(tenant, json.key, ip)).status),
  );
  expect(statuses).toEqual([200, 403, 403]);
});

test("a dry run changes nothing, and lists who came from elsewhere of late", async () => {
  const tenant = await newTenant();
  const { json: key } = await call("api-keys.create", {
    ...as(tenant),
    body: { name: "Van", scopes: ["orders:read"] },
  });
  const staff = await memberToken(tenant, "staff");
  await listOrders(tenant, key.key, elsewhere);
  await listOrders(tenant, staff, elsewhere);
  await listOrders(tenant, tenant.key, office);
  for (const id of [key.id, tenant.memberIds.staff, tenant.keyId]) await runDurableObjectAlarm(gateOf(id));
  const tried = await setList(tenant, { networks: ["203.0.113.0/24"], dryRun: true });
  expect(tried.json).toMatchObject({ isChanged: false, locksYouOut: false });
  const out = tried.json.lockedOut.map(({ principalId }: { principalId: string }) => principalId);
  expect(out.toSorted()).toEqual([key.id, tenant.memberIds.staff].toSorted());
  expect(tried.json.lockedOut[0]).toMatchObject({ lastUsedIp: elsewhere });
  const own = await setList(tenant, { networks: ["203.0.113.0/24"], dryRun: true }, elsewhere);
  expect(own.json).toMatchObject({ isChanged: false, locksYouOut: true });
  expect((await listOrders(tenant, key.key, elsewhere)).status).toBe(200);
  await call("api-keys.revoke", { ...as(tenant), params: { apiKeyId: key.id } });
  const after = await setList(tenant, { networks: ["203.0.113.0/24"], dryRun: true });
  expect(after.json.lockedOut).toHaveLength(1);
  const all = await setList(tenant, { networks: [], dryRun: true });
  expect(all.json.lockedOut).toEqual([]);
});
