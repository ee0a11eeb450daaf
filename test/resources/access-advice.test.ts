import { beforeAll, expect, test } from "vitest";
import { maskOf } from "#gate/capabilities.ts";
import type { CallRecord } from "#lib/call-record.ts";
import { dayMs, dayOf, timestamp } from "#lib/time.ts";
import { callAt, consumed, listening, messageOf } from "#test/call-log.ts";
import { type Answer, type Call, clientOf } from "#test/client.ts";
import { comparable } from "#test/comparable.ts";
import { testEnv } from "#test/env.ts";
import { keyOf, memberOf } from "#test/every-operation/trial.ts";
import { absentLike } from "#test/examples.ts";
import { changeMember, newKey, revoke } from "#test/gate/kit.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { newClient } from "#test/identity/oauth/kit.ts";
import { newMember, newRole } from "#test/member-examples.ts";
import { memberToken, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const client = clientOf();
/** What these tests ask is not to stand in the log that they ask about. */
const quiet = listening().env;

let now: number;

beforeAll(() => {
  now = Date.now();
});

test("a member is told by role, grants and denials which of their capabilities they used", async () => {
  const tenant = await longKnown();
  const { sales } = tenant.memberIds;
  const [grants, denials] = [maskOf(["files:read", "invoices:read"]), maskOf(["quotes:accept"])];
  await changeMember(tenant, sales, { grants, denials });
  await log(tenant, [
    callAt(tenant, now, { actorId: sales }),
    callAt(tenant, now - dayMs, { actorId: sales, operation: "files.list" }),
    callAt(tenant, now, { actorId: sales, operation: "orders.place", status: 403, problem: "forbidden" }),
    callAt(tenant, now, { actorId: sales, operation: "settings.get" }),
    callAt(tenant, now, { operation: "customers.list" }),
  ]);
  const held = [...roleTable.sales.filter((each) => each !== "quotes:accept"), "files:read", "invoices:read"];
  const { status, json } = await advice(tenant, sales);
  expect([status, json]).toEqual([
    200,
    {
      principalId: sales,
      kind: "member",
      summary: `used 2 of ${held.length} in 30 days`,
      used: [
        { capability: "orders:read", lastUsedOn: dayOf(now) },
        { capability: "files:read", lastUsedOn: dayOf(now - dayMs) },
      ],
      unused: expect.any(Array),
      since: `${dayOf(now - 30 * dayMs)}T00:00:00.000Z`,
      isWholeWindow: true,
    },
  ]);
  const rest = held.filter((each) => !["orders:read", "files:read"].includes(each));
  expect(json.unused.toSorted()).toEqual(rest.toSorted());
});

test("a member of one of the business's own roles is told of that role", async () => {
  const tenant = await longKnown();
  const roleId = await newRole(tenant, ["orders:read", "orders:write"]);
  await newRole(tenant, ["audit:read"]);
  const { memberId } = await newMember(tenant, { roleId });
  await log(tenant, [callAt(tenant, now, { actorId: memberId })]);
  const { json } = await advice(tenant, memberId);
  expect([json.used.length, json.unused, json.since > timestamp(now - dayMs)]).toEqual([
    1,
    ["orders:write"],
    true,
  ]);
});

test("a key is told of its scopes, and nothing once it is revoked or over", async () => {
  const tenant = await longKnown();
  const key = await newKey(tenant, ["orders:read", "customers:read"]);
  await log(tenant, [callAt(tenant, now, { actorId: key.id })]);
  const { json } = await advice(tenant, key.id);
  expect(json).toMatchObject({
    kind: "api-key",
    summary: `used 1 of 2 since ${dayOf(now)}, as nothing is known of before`,
    used: [{ capability: "orders:read", lastUsedOn: dayOf(now) }],
    unused: ["customers:read"],
    isWholeWindow: false,
  });
  const expiring = await newKey(tenant, ["orders:read"], { expiresAt: timestamp(now + dayMs) });
  expect((await advice(tenant, expiring.id)).json.unused).toEqual(["orders:read"]);
  const past = timestamp(now - 1);
  await rowsOf(tenant.cell.database, "update api_keys set expires_at = ? where id = ?", past, expiring.id);
  await revoke(tenant, key.id);
  for (const id of [key.id, expiring.id])
    expect((await advice(tenant, id)).json).toMatchObject({
      used: [],
      unused: [],
      summary: "may do nothing",
    });
});

test("who is suspended may do nothing, and once reinstated what they could", async () => {
  const tenant = await longKnown();
  const { staff } = tenant.memberIds;
  const held = async () => (await advice(tenant, staff)).json.unused.length;
  await changeMember(tenant, staff, { state: "suspended" });
  expect(await held()).toBe(0);
  await changeMember(tenant, staff, { state: "active" });
  expect(await held()).toBe(roleTable.staff.length);
});

test("what a member does through a client is the client's use too, from the door to the answer", async () => {
  const tenant = await newTenant();
  const { id, clientId } = await newClient(tenant, {
    scopes: ["orders:read", "customers:read", "files:read"],
  });
  const by = { client_id: clientId, grant: `ogr_${id.slice(4)}` };
  const { env, messages } = listening();
  const as = await memberToken(tenant, "owner", { ...by, scope: "orders:read customers:read" });
  const ask = (name: string, bearer: string) => client.call(name, { tenant: tenant.slug, as: bearer, env });
  expect((await ask("orders.list", as)).status).toBe(200);
  expect((await ask("files.list", as)).status).toBe(403);
  expect((await ask("customers.list", await memberToken(tenant, "owner"))).status).toBe(200);
  await consumed(messages());
  const { json } = await advice(tenant, id);
  expect(json).toMatchObject({ kind: "client", used: [{ capability: "orders:read" }] });
  expect(json.unused.toSorted()).toEqual(["customers:read", "files:read"]);
  const owners = (await advice(tenant, tenant.memberIds.owner)).json;
  expect(owners.used.map(({ capability }: { capability: string }) => capability)).toEqual([
    "customers:read",
    "orders:read",
  ]);
  const params = { oauthClientId: id };
  await client.call("oauth-clients.remove", { tenant: tenant.slug, as: tenant.key, params });
  expect((await advice(tenant, id)).json.summary).toBe("may do nothing");
});

test("what was last used before the day of 30 days ago is not used", async () => {
  const tenant = await longKnown();
  const first = Date.parse(dayOf(now - 30 * dayMs));
  const of = (operation: string, ms: number) =>
    consumed([messageOf(tenant, [callAt(tenant, ms, { operation })])], undefined, ms);
  await of("orders.list", first);
  await of("customers.list", first - 1);
  const { used, unused } = (await advice(tenant, tenant.keyId)).json;
  expect(used).toEqual([{ capability: "orders:read", lastUsedOn: dayOf(first) }]);
  expect(unused).toContain("customers:read");
});

test("it never says to know more than the log does", async () => {
  const tenant = await newTenant();
  const of = async () => (await advice(tenant, tenant.memberIds.viewer)).json;
  expect(await of()).toMatchObject({
    used: [],
    since: null,
    isWholeWindow: false,
    summary: `used 0 of ${roleTable.viewer.length}, but nothing is known yet`,
  });
  // Members are as old as their tenant, so that the log's beginning is what counts.
  const made = timestamp(now - 400 * dayMs);
  await rowsOf(
    tenant.cell.database,
    "update members set created_at = ? where tenant_id = ?",
    made,
    tenant.tenantId,
  );
  const began = now - 3 * dayMs;
  await consumed([messageOf(tenant, [callAt(tenant, began)])], undefined, began);
  expect(await of()).toMatchObject({ since: timestamp(began), isWholeWindow: false });
});

test("another tenant's principals are absent, and what its log says of our ids is not ours", async () => {
  const [tenant, other] = [await longKnown(), await longKnown()];
  const key = await newKey(tenant, ["orders:read"]);
  const { id } = await newClient(tenant);
  const ids = [tenant.memberIds.sales, key.id, id];
  await log(
    other,
    ids.map((actorId) => callAt(other, now, { actorId })),
  );
  for (const principalId of ids) {
    expect((await advice(tenant, principalId)).json.used).toEqual([]);
    const [foreign, absent] = [
      await advice(other, principalId),
      await advice(other, absentLike(principalId)),
    ];
    expect([foreign.status, comparable(foreign)]).toEqual([404, comparable(absent)]);
  }
});

test("who is limited to places learns of the members there and of themselves, and of nobody else", async () => {
  const tenant = await longKnown();
  const [here, there] = tenant.locationIds;
  const { manager } = tenant.memberIds;
  await changeMember(tenant, manager, { grants: maskOf(["security:read"]) });
  const { as } = await memberOf(tenant, "manager");
  const colleague = await newMember(tenant, { role: "staff" }, [here]);
  const elsewhere = await newMember(tenant, { role: "staff" }, [there]);
  const key = await newKey(tenant, ["orders:read"], { locationIds: [here] });
  const ours = await newClient(tenant);
  const own = await newKey(tenant, ["security:read"], { locationIds: [here] });
  const calls = [elsewhere.memberId, key.id, ours.id].map((actorId) => callAt(tenant, now, { actorId }));
  await log(tenant, calls);
  for (const id of [manager, colleague.memberId]) expect((await advice(tenant, id, { as })).status).toBe(200);
  for (const bearer of [as, own.text])
    for (const id of [elsewhere.memberId, key.id, ours.id]) {
      const out = await advice(tenant, id, { as: bearer });
      expect([id, out.status]).toEqual([id, 404]);
      expect(comparable(out)).toBe(comparable(await advice(tenant, absentLike(id), { as: bearer })));
    }
  expect((await advice(tenant, own.id, { as: own.text })).json.unused).toEqual(["security:read"]);
});

test("who sees assigned work alone learns of themselves alone", async () => {
  const tenant = await longKnown();
  const { installer, designer } = tenant.memberIds;
  await changeMember(tenant, installer, { grants: maskOf(["security:read"]) });
  const { as } = await memberOf(tenant, "installer");
  const answers = [installer, designer, tenant.keyId].map((id) => advice(tenant, id, { as }));
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 404, 404]);
});

test("to see calls, members and keys is not enough: it asks for security:read", async () => {
  const tenant = await newTenant();
  const scopes = maskOf(["api-calls:read", "members:read", "api-keys:read", "integrations:manage"]);
  const { as } = await keyOf(tenant, scopes);
  expect((await advice(tenant, tenant.memberIds.sales, { as })).status).toBe(403);
  const reader = await keyOf(tenant, maskOf(["security:read"]));
  expect((await advice(tenant, tenant.memberIds.sales, { as: reader.as })).status).toBe(200);
});

test("the cell and the log are read at once, one trip each", async () => {
  const tenant = await longKnown();
  const ids = [tenant.memberIds.sales, tenant.keyId, (await newClient(tenant)).id];
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
  // What made them has moved the rights, which its gate reads anew.
  await advice(tenant, tenant.keyId);
  for (const id of ids) {
    order.length = 0;
    expect((await advice(tenant, id, { env })).status).toBe(200);
    expect(order).toHaveLength(4);
    expect(order.slice(0, 2).toSorted()).toEqual(["cell begins", "log begins"]);
  }
});

/** A tenant of long ago, whose log has been kept for as long. */
async function longKnown(): Promise<TestTenant> {
  const tenant = await newTenant();
  const made = timestamp(now - 400 * dayMs);
  for (const table of ["members", "api_keys"])
    await rowsOf(
      tenant.cell.database,
      `update ${table} set created_at = ? where tenant_id = ?`,
      made,
      tenant.tenantId,
    );
  await rowsOf(
    tenant.cell.log,
    "insert into capability_use_starts (tenant_id, since) values (?, ?)",
    tenant.tenantId,
    made,
  );
  return tenant;
}

async function log(tenant: TestTenant, calls: readonly CallRecord[]): Promise<void> {
  await consumed([messageOf(tenant, calls)], undefined, now);
}

function advice(tenant: TestTenant, principalId: string, input: Call = {}): Promise<Answer> {
  return client.call("access-advice.get", {
    tenant: tenant.slug,
    as: tenant.key,
    params: { principalId },
    env: quiet,
    ...input,
  });
}
