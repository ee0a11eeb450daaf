import { afterEach, expect, test, vi } from "vitest";
import { maskOf } from "#gate/capabilities.ts";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { slowPost } from "#test/slow-body.ts";
import { memberToken, newTenant } from "#test/world.ts";
import { actsOf, addCustomer, changeMember, createKey, listOrders, newKey, ping } from "./kit.ts";

const { call, send } = clientOf();

afterEach(() => void vi.useRealTimers());

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

test("a key that expires while its body comes writes nothing", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const expiresAt = new Date(Date.now() + 30_000).toISOString();
  const key = await newKey(tenant, ["customers:write"], { expiresAt });
  const path = `/v1/tenants/${tenant.slug}/customers`;
  const said = (ms: number) =>
    send(slowPost(path, key.text, { name: "Slowly Said" }, () => void vi.setSystemTime(Date.now() + ms)));
  expect((await said(29_999)).status).toBe(201);
  expect((await said(1)).status).toBe(401);
  expect(await actsOf(tenant, key.id)).toHaveLength(1);
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

test("who has the key but not the address takes nothing from who has both, and is limited apart", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant("signs", { plan: "free" });
  const key = await newKey(tenant, ["orders:read"], { ipAllowList: ["203.0.113.7"] });
  const from = (address: string) =>
    listOrders(tenant, key.text, { headers: { "CF-Connecting-IP": address } });
  const strange = [];
  for (let asked = 0; asked < 12; asked += 1) strange.push((await from("198.51.100.1")).status);
  expect(strange).toEqual([...Array(10).fill(403), 429, 429]);
  const home = await from("203.0.113.7");
  expect([home.status, home.headers.get("ratelimit")]).toEqual([200, '"free";r=9;t=1']);
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
  expect(await actsOf(tenant, creator.id)).toMatchObject([{ operation: "api-keys.create", action: "note" }]);
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
  expect(await actsOf(tenant, tenant.memberIds.installer)).toMatchObject([
    { operation: "api-keys.create", action: "note" },
  ]);
});

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
