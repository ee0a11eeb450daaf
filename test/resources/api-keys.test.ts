import {
  createExecutionContext,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { createApp } from "#app.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

const fields = [
  "allLocations",
  "allowedOrigins",
  "createdAt",
  "creatorId",
  "expiresAt",
  "id",
  "ipAllowList",
  "lastUsedAt",
  "lastUsedIp",
  "lastUsedPlace",
  "leakedAt",
  "name",
  "retiresAt",
  "revokedAt",
  "rotatedAt",
  "scopes",
  "successorId",
  "updatedAt",
  "version",
];

test("a key's text is in the answer that makes it and in no other, and nothing of it is stored", async () => {
  const tenant = await newTenant();
  const made = await createKey(tenant);
  expect(Object.keys(made.json).toSorted()).toEqual([...fields, "key"].toSorted());
  expect(made.json).toMatchObject({
    name: "Kiosk by the door",
    scopes: ["orders:read"],
    allLocations: true,
    ipAllowList: [],
    allowedOrigins: [],
    creatorId: tenant.keyId,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
  });
  const secret = String(made.json.key).split("_").at(-2) ?? "";
  expect(secret.length).toBeGreaterThan(20);
  const [row] = await rowsOf<{ secret_hash: string }>(
    tenant.cell.database,
    "select * from api_keys where tenant_id = ? and id = ?",
    tenant.tenantId,
    made.json.id,
  );
  const listed = await listKeys(tenant);
  for (const item of listed.json.data) expect(Object.keys(item).toSorted()).toEqual(fields);
  const others = [
    JSON.stringify(row),
    listed.text,
    (await revokeKey(tenant, made.json.id)).text,
    (await ask(tenant, "audit.list", { query: { limit: "100" } })).text,
  ];
  for (const text of others) expect(text).not.toContain(secret);
  for (const text of others.slice(1)) expect(text).not.toContain(row?.secret_hash);
});

test("a key's name lies sealed in the table and the audit, and opens in the list", async () => {
  const tenant = await newTenant();
  const { json } = await createKey(tenant);
  const { data } = (await listKeys(tenant)).json;
  expect(data.find(({ id }: { id: string }) => id === json.id).name).toBe("Kiosk by the door");
  for (const table of ["api_keys", "audit_log", "events"]) {
    const rows = await rowsOf(
      tenant.cell.database,
      `select * from ${table} where tenant_id = ?`,
      tenant.tenantId,
    );
    expect(JSON.stringify(rows)).toContain(json.id);
    expect(JSON.stringify(rows)).not.toContain("Kiosk");
  }
  const [row] = await rowsOf<{ name: string }>(
    tenant.cell.database,
    "select name from api_keys where id = ?",
    json.id,
  );
  expect(row?.name).toMatch(/^v1\.sky_/);
});

test("the list has every key once, newest first, and the revoked among them", async () => {
  const tenant = await newTenant();
  const made: string[] = [];
  for (let count = 0; count < 5; count += 1) made.push((await createKey(tenant)).json.id);
  const revoked = await revokeKey(tenant, made[2] ?? "");
  const seen: { id: string; revokedAt: string | null }[] = [];
  let cursor: string | null = null;
  do {
    const { json }: Answer = await listKeys(tenant, { limit: "2", ...(cursor && { cursor }) });
    seen.push(...json.data);
    cursor = json.nextCursor;
  } while (cursor !== null);
  const ids = seen.map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted().toReversed());
  // Besides these five, the tenant was founded with two.
  expect([ids.length, new Set(ids).size]).toEqual([7, 7]);
  expect(ids).toEqual(expect.arrayContaining([...made, tenant.keyId]));
  expect(seen.filter(({ revokedAt }) => revokedAt !== null).map(({ id }) => id)).toEqual([made[2]]);
  expect(seen.find(({ id }) => id === made[2])?.revokedAt).toBe(revoked.json.revokedAt);
});

test("revoking again answers the same and changes nothing", async () => {
  const tenant = await newTenant();
  const { json } = await createKey(tenant);
  const first = await revokeKey(tenant, json.id);
  expect(first.json).toMatchObject({ version: 2, lastUsedAt: null, scopes: ["orders:read"] });
  const before = await written();
  const again = await revokeKey(tenant, json.id);
  expect([again.status, again.text]).toEqual([200, first.text]);
  // A commit of nothing but its guard.
  expect(Object.keys(grown(before, await written()))).toEqual([`${tenant.cell.id} commits`]);
});

const wrong: readonly [terms: object, pointer: string][] = [
  [{ name: undefined }, "/name"],
  [{ name: " " }, "/name"],
  [{ name: "x".repeat(121) }, "/name"],
  [{ name: "Kiosk\u0000" }, "/name"],
  [{ scopes: undefined }, "/scopes"],
  [{ scopes: [] }, "/scopes"],
  [{ scopes: "orders:read" }, "/scopes"],
  [{ scopes: ["orders:read", "orders:everything"] }, "/scopes/1"],
  [{ scopes: ["__proto__"] }, "/scopes/0"],
  [{ locationIds: [] }, "/locationIds"],
  [{ locationIds: ["loc_short"] }, "/locationIds/0"],
  [{ locationIds: [newId("cus")] }, "/locationIds/0"],
  [{ allowedOrigins: ["https://shop.example/"] }, "/allowedOrigins/0"],
  [{ allowedOrigins: ["https://*.shop.example"] }, "/allowedOrigins/0"],
  [{ allowedOrigins: ["https://shop.example", "http://shop.example"] }, "/allowedOrigins/1"],
  [{ expiresAt: "tomorrow" }, "/expiresAt"],
  [{ expiresAt: "2031-01-01T00:00:00+02:00" }, "/expiresAt"],
  [{ key: "kl_live_mine" }, "/key"],
  [{ secretHash: "mine" }, "/secretHash"],
  [{ creatorId: newId("mbr") }, "/creatorId"],
];

test("bad terms are refused by the field's name and make no key", async () => {
  const tenant = await newTenant();
  const before = await written();
  for (const [terms, pointer] of wrong) {
    const answer = await createKey(tenant, terms);
    expect([terms, answer.status, answer.json.errors?.[0]?.pointer]).toEqual([terms, 422, pointer]);
  }
  expect(grown(before, await written())).toEqual({});
});

const [shop, kiosk] = ["https://shop.example", "https://kiosk.example"];

test("pages use a key from the origins that the tenant and the key list, and from no other", async () => {
  const tenant = await newTenant();
  await ask(tenant, "settings.update", { body: { allowedOrigins: [shop, kiosk] } });
  const elsewhere = "https://elsewhere.example";
  const free = await createKey(tenant);
  const held = await createKey(tenant, { allowedOrigins: [kiosk, elsewhere] });
  const from = async ({ json }: Answer, origin?: string) => {
    const headers = origin === undefined ? {} : { Origin: origin };
    const { status, headers: told } = await ask(tenant, "orders.list", { as: json.key, headers });
    return [status, told.get("access-control-allow-origin")];
  };
  expect(await from(free, shop)).toEqual([200, shop]);
  expect(await from(free, kiosk)).toEqual([200, kiosk]);
  expect(await from(held, kiosk)).toEqual([200, kiosk]);
  expect(await from(held, shop), "the tenant's, not the key's").toEqual([403, null]);
  expect(await from(held, elsewhere), "the key's, not the tenant's").toEqual([403, null]);
  expect(await from(held), "no page at all").toEqual([200, null]);
  await ask(tenant, "settings.update", { body: { allowedOrigins: [shop] } });
  expect(await from(held, kiosk), "no longer the tenant's").toEqual([403, null]);
});

test("a key that is held to origins makes none that is freer", async () => {
  const tenant = await newTenant();
  const made = await createKey(tenant, {
    scopes: ["api-keys:write", "orders:read"],
    allowedOrigins: [shop, kiosk],
  });
  const as = String(made.json.key);
  for (const allowedOrigins of [undefined, [], [shop, "https://elsewhere.example"]]) {
    const refused = await ask(tenant, "api-keys.create", {
      as,
      body: { name: "Freer", scopes: ["orders:read"], allowedOrigins },
    });
    expect([refused.status, refused.json.errors]).toEqual([
      422,
      [{ pointer: "/allowedOrigins", detail: "is more than the creator's own" }],
    ]);
  }
  const body = { name: "As held", scopes: ["orders:read"], allowedOrigins: [kiosk] };
  expect((await ask(tenant, "api-keys.create", { as, body })).json.allowedOrigins).toEqual([kiosk]);
});

test("a key's last use appears once its gate's alarm ran, without epoch, version or audit row", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const { json: key } = await createKey(tenant);
  await use(tenant, key.key);
  vi.setSystemTime(Date.now() + 20_000);
  const lastUse = Date.now();
  await use(tenant, key.key);
  const before = await written();
  const isSet = await alarmOf(key.id);
  expect([isSet, (await keyOf(tenant, key.id)).lastUsedAt]).toEqual([lastUse + 40_000, null]);
  vi.setSystemTime(lastUse + 40_000);
  expect(await runDurableObjectAlarm(gateOf(key.id))).toBe(true);
  const { lastUsedAt, ...rest } = await keyOf(tenant, key.id);
  expect(lastUsedAt).toBe(timestamp(lastUse));
  const { key: _text, lastUsedAt: _none, ...asMade } = key;
  expect(rest).toEqual(asMade);
  expect(grown(before, await written())).toEqual({});
  expect([await alarmOf(key.id), await runDurableObjectAlarm(gateOf(key.id))]).toEqual([null, false]);
});

test("from where a key was last used is told, and kept sealed: in its gate, and in the cell", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const { json: key } = await createKey(tenant);
  const [ip, city] = ["198.51.100.77", "Canary-on-Sea"];
  const request = new Request(`https://api.keyline.test/v1/tenants/${tenant.slug}/orders`, {
    headers: { Authorization: `Bearer ${key.key}`, "CF-Connecting-IP": ip },
    cf: { city, country: "NL" } as RequestInitCfProperties,
  });
  const context = createExecutionContext();
  expect((await createApp().fetch(request, testEnv(), context)).status).toBe(200);
  await waitOnExecutionContext(context);
  const kept = await runInDurableObject(gateOf(key.id), async (_gate, { storage }) => {
    await scheduler.wait(50);
    return JSON.stringify([...(await storage.list()).values()]);
  });
  expect(kept).toContain(key.id);
  vi.setSystemTime(Date.now() + minuteMs);
  await evictDurableObject(gateOf(key.id));
  await runDurableObjectAlarm(gateOf(key.id));
  const stored = JSON.stringify(
    await rowsOf(tenant.cell.database, "select * from last_uses where principal_id = ?", key.id),
  );
  for (const text of [kept, stored]) for (const secret of [ip, city]) expect(text).not.toContain(secret);
  const told = await ask(tenant, "api-keys.get", { params: { apiKeyId: key.id } });
  expect(told.json).toMatchObject({ lastUsedIp: ip, lastUsedPlace: `${city}, NL` });
  expect(await keyOf(tenant, key.id)).toEqual(told.json);
});

test("a key that is used no more keeps its last use, and a use after that is written a minute later", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const { json: key } = await createKey(tenant);
  await use(tenant, key.key);
  const first = Date.now();
  await runDurableObjectAlarm(gateOf(key.id));
  vi.setSystemTime(first + 10 * minuteMs);
  expect((await keyOf(tenant, key.id)).lastUsedAt).toBe(timestamp(first));
  await use(tenant, key.key);
  expect(await alarmOf(key.id)).toBe(first + 11 * minuteMs);
  await runDurableObjectAlarm(gateOf(key.id));
  expect((await keyOf(tenant, key.id)).lastUsedAt).toBe(timestamp(first + 10 * minuteMs));
});

test("a gate that was evicted before its alarm still tells of the use", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const { json: key } = await createKey(tenant);
  await use(tenant, key.key);
  await evictDurableObject(gateOf(key.id));
  vi.setSystemTime(Date.now() + minuteMs);
  expect(await runDurableObjectAlarm(gateOf(key.id))).toBe(true);
  expect((await keyOf(tenant, key.id)).lastUsedAt).toBe(timestamp(Date.now() - minuteMs));
});

test("a key used twice a minute by gates that are evicted in between has its use written all the same", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const { json: key } = await createKey(tenant);
  await use(tenant, key.key);
  const due = Date.now() + minuteMs;
  await evictDurableObject(gateOf(key.id));
  vi.setSystemTime(Date.now() + 30_000);
  await use(tenant, key.key);
  expect(await alarmOf(key.id), "no later use may put the alarm off").toBe(due);
});

test("a refused key leaves no last use, and a member one that says no more", async () => {
  const tenant = await newTenant();
  const { json: key } = await createKey(tenant);
  await revokeKey(tenant, key.id);
  expect((await ping(tenant, key.key)).status).toBe(401);
  await use(tenant, await memberToken(tenant, "viewer"));
  expect([await alarmOf(key.id), await runDurableObjectAlarm(gateOf(key.id))]).toEqual([null, false]);
  const before = await written();
  expect(await runDurableObjectAlarm(gateOf(tenant.memberIds.viewer))).toBe(true);
  expect(grown(before, await written())).toEqual({});
  expect((await keyOf(tenant, key.id)).lastUsedAt).toBeNull();
});

function ask(tenant: TestTenant, name: string, input: Call = {}): Promise<Answer> {
  return call(name, { tenant: tenant.slug, as: tenant.key, ...input });
}

function createKey(tenant: TestTenant, terms: object = {}): Promise<Answer> {
  return ask(tenant, "api-keys.create", {
    body: { name: "Kiosk by the door", scopes: ["orders:read"], ...terms },
  });
}

function listKeys(tenant: TestTenant, query: Record<string, string> = {}): Promise<Answer> {
  return ask(tenant, "api-keys.list", { query: { limit: "100", ...query } });
}

async function keyOf(tenant: TestTenant, id: string) {
  const { data } = (await listKeys(tenant)).json;
  return data.find((key: { id: string }) => key.id === id);
}

function revokeKey(tenant: TestTenant, apiKeyId: string): Promise<Answer> {
  return ask(tenant, "api-keys.revoke", { params: { apiKeyId } });
}

function ping(tenant: TestTenant, as: string): Promise<Answer> {
  return call("tenants.ping", { tenant: tenant.slug, as });
}

async function use(tenant: TestTenant, as: string): Promise<void> {
  expect((await ping(tenant, as)).status).toBe(200);
}

function gateOf(principalId: string) {
  return testEnv().GATES.getByName(principalId);
}

function alarmOf(principalId: string): Promise<number | null> {
  return runInDurableObject(gateOf(principalId), (_gate, { storage }) => storage.getAlarm());
}
