import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { sweepIntents } from "#jobs/sweep-intents.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { registry } from "#resources/index.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { mailsTo } from "#test/identity/kit.ts";
import { newMember } from "#test/member-examples.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
afterEach(() => void vi.useRealTimers());

async function newKey(tenant: TestTenant): Promise<{ id: string; key: string }> {
  const body = { name: "Kiosk", scopes: ["orders:read"], locationIds: [tenant.locationIds[0]] };
  return (await call("api-keys.create", { ...as(tenant), body })).json;
}

const listOrders = (tenant: TestTenant, key: string) => call("orders.list", { tenant: tenant.slug, as: key });

const handIn = (text: string) =>
  call("api-keys.leakedKey", {
    bytes: utf8(text),
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });

async function ownerOf(tenant: TestTenant): Promise<string> {
  const { memberId } = await newMember(tenant, { role: "owner" }, null);
  return (await call("members.get", { ...as(tenant), params: { memberId } })).json.email;
}

async function eventsOf(tenant: TestTenant) {
  const { json } = await call("events.list", { ...as(tenant), query: { limit: "100" } });
  return json.data
    .filter(({ type }: { type: string }) => ["api_key.leaked", "api_key.revoked"].includes(type))
    .map(({ type, data }: { type: string; data: object }) => [type, data]);
}

test("a leak that a business reports ends the key at once, and its owners are written to, once", async () => {
  const tenant = await newTenant();
  const owner = await ownerOf(tenant);
  const { id, key } = await newKey(tenant);
  expect((await listOrders(tenant, key)).status).toBe(200);
  const report = () => call("api-keys.reportLeak", { ...as(tenant), params: { apiKeyId: id } });
  const told = await report();
  expect(told.json).toMatchObject({ leakedAt: expect.any(String), revokedAt: told.json.leakedAt });
  expect((await listOrders(tenant, key)).status).toBe(401);
  expect((await report()).json).toEqual(told.json);
  const mails = await mailsTo(owner);
  expect(mails.map(({ kind, data }) => [kind, data])).toEqual([
    [
      "key-leaked",
      {
        at: told.json.leakedAt,
        business: tenant.slug,
        keyId: id,
        homeLink: expect.stringContaining("/home"),
      },
    ],
  ]);
  expect(await eventsOf(tenant)).toEqual(
    expect.arrayContaining([
      ["api_key.revoked", { apiKeyId: id }],
      ["api_key.leaked", { apiKeyId: id, reportedBy: "member" }],
    ]),
  );
  expect(await eventsOf(tenant)).toHaveLength(2);
});

test("whoever found a key hands its text in: it ends at once, and the sweeper writes to its owners", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const owner = await ownerOf(tenant);
  const { id, key } = await newKey(tenant);
  expect((await listOrders(tenant, key)).status).toBe(200);
  const answers = await Promise.all([1, 2, 3].map(() => handIn(`key=${key}`)));
  expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
  expect((await listOrders(tenant, key)).status).toBe(401);
  expect(await mailsTo(owner)).toEqual([]);
  const at = timestamp(Date.now());
  vi.setSystemTime(Date.now() + minuteMs);
  for (let times = 0; times < 2; times += 1) await sweepIntents(testEnv(), tenant.cell, registry, Date.now());
  expect((await mailsTo(owner)).map(({ data }) => [data.keyId, data.at])).toEqual([[id, at]]);
  expect((await eventsOf(tenant)).map(([type]: [string]) => type).toSorted()).toEqual([
    "api_key.leaked",
    "api_key.revoked",
  ]);
  const actor =
    "select distinct actor_kind from audit_log where tenant_id = ? and entity_id = ? and action = 'updated'";
  expect(await rowsOf(tenant.cell.database, actor, tenant.tenantId, id)).toEqual([{ actor_kind: "system" }]);
});

test("the sixth leak of a day has no letter of its own, whoever says so", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const owner = await ownerOf(tenant);
  for (let times = 0; times < 5; times += 1) {
    const { id } = await newKey(tenant);
    expect((await call("api-keys.reportLeak", { ...as(tenant), params: { apiKeyId: id } })).status).toBe(200);
  }
  const { key } = await newKey(tenant);
  expect((await handIn(`key=${key}`)).status).toBe(204);
  expect((await listOrders(tenant, key)).status).toBe(401);
  vi.setSystemTime(Date.now() + minuteMs);
  await sweepIntents(testEnv(), tenant.cell, registry, Date.now());
  expect(await mailsTo(owner)).toHaveLength(5);
  const unsettled = "select id from intents where tenant_id = ? and state = 'intended'";
  expect(await rowsOf(tenant.cell.database, unsettled, tenant.tenantId)).toEqual([]);
});

test("what is no key, or another's mac or secret, ends nothing and is answered alike", async () => {
  const tenant = await newTenant();
  const [mine, other] = [await newKey(tenant), await newKey(tenant)];
  const cross = mine.key.replace(
    /[0-9a-hjkmnp-tv-z]{52}/,
    /[0-9a-hjkmnp-tv-z]{52}/.exec(other.key)?.[0] ?? "",
  );
  const before = await written();
  for (const text of [`${mine.key.slice(0, -1)}!`, cross, "kl_live_us1_none", "x".repeat(200), tenant.slug])
    expect((await handIn(`key=${encodeURIComponent(text)}`)).status, text).toBe(204);
  for (const text of ["", "key=", "text=a"]) expect((await handIn(text)).status, text).toBe(422);
  expect(grown(before, await written())).toEqual({});
  for (const { key } of [mine, other]) expect((await listOrders(tenant, key)).status).toBe(200);
});
