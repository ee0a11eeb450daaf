import { beforeAll, expect, test } from "vitest";
import type { Capability } from "#gate/capabilities.ts";
import { forgetRows } from "#jobs/forget-rows.ts";
import { dayMs, minuteMs, timestamp } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { newMember, newRole } from "#test/member-examples.ts";
import { grantTerms, newGrant, newSession } from "#test/support-kit.ts";
import { as, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
let tenant: TestTenant;
let owner: string;

beforeAll(async () => {
  tenant = await newTenant();
  owner = await memberToken(tenant, "owner");
});

const create = (bearer: string, terms: object = {}) =>
  call("support-grants.create", { tenant: tenant.slug, as: bearer, body: grantTerms(terms) });

test("a grant says who gave it, why, for what and until when; without more it is to look alone, at nobody's data", async () => {
  const { status, json } = await create(owner);
  expect(status).toBe(201);
  expect(json).toMatchObject({
    ownerId: tenant.memberIds.owner,
    reason: "Invoices of October come out twice.",
    capabilities: [],
    showsPersonalData: false,
    endedAt: null,
  });
  const asked = { ...as(tenant), params: { supportGrantId: json.id } };
  expect((await call("support-grants.get", asked)).json).toEqual(json);
  const { data } = (await call("support-grants.list", as(tenant))).json;
  expect(data).toContainEqual(json);
});

test("whoever is no owner gives none, though their own role should hold all that can be given", async () => {
  const bearers = [tenant.key, await memberToken(tenant, "admin"), await memberToken(tenant, "viewer")];
  const { memberId } = await newMember(tenant, { roleId: await newRole(tenant, ["support:grant"]) }, null);
  bearers.push(await memberToken(tenant, "viewer", { member: memberId }));
  for (const bearer of bearers) {
    const answer = await create(bearer);
    expect([answer.status, answer.json.type]).toEqual([403, "/problems/forbidden"]);
  }
});

/** By hand: what no grant may name. Reading is none of it, as every grant lets that be done. */
const unnameable: readonly Capability[] = [
  "customers:sensitive",
  "customers:consent",
  "exports:create",
  "tenant:delete",
  "members:write",
  "roles:write",
  "settings:write",
  "security:read",
  "security:write",
  "api-keys:read",
  "api-keys:write",
  "integrations:manage",
  "privacy:read",
  "privacy:write",
  "support:read",
  "support:grant",
  "billing:read",
  "billing:manage",
  "orders:read",
];

test("no grant names what is out of the reach of support", async () => {
  for (const capability of unnameable) {
    const { status, json } = await create(owner, { capabilities: ["orders:write", capability] });
    expect([capability, status, json.errors?.[0]?.pointer]).toEqual([capability, 422, "/capabilities/1"]);
  }
});

test("a grant lasts 30 days at most, and is not over when it begins", async () => {
  const until = (ms: number) => create(owner, { expiresAt: timestamp(Date.now() + ms) });
  for (const ms of [-1000, 30 * dayMs + 60_000]) {
    const { status, json } = await until(ms);
    expect([status, json.errors[0].pointer]).toEqual([422, "/expiresAt"]);
  }
  expect((await until(30 * dayMs - 60_000)).status).toBe(201);
});

test("the end of a grant ends what it let begin, once, and says so to who listens", async () => {
  const supportGrantId = await newGrant(tenant);
  const [mine, other] = [await newSession(tenant, supportGrantId), await newSession(tenant)];
  const ask = () =>
    call("support-grants.end", { tenant: tenant.slug, as: owner, params: { supportGrantId } });
  const ended = (await ask()).json;
  expect(ended.endedAt).not.toBeNull();
  expect((await ask()).json).toEqual(ended);
  const sessions = (await call("support-sessions.list", as(tenant))).json.data;
  const of = (id: string) => sessions.find((each: { id: string }) => each.id === id);
  expect(of(mine)).toMatchObject({ endedBecause: "grant", agentName: "Katherine Johnson" });
  expect(of(other)).toMatchObject({ endedBecause: null, endedAt: null });
  const told = await rowsOf<{ type: string }>(
    tenant.cell.database,
    "select type from events where tenant_id = ? and type like 'support.%' and data like ? order by seq",
    tenant.tenantId,
    `%${supportGrantId}%`,
  );
  expect(told.map(({ type }) => type)).toEqual([
    "support.granted",
    "support.session_ended",
    "support.grant_ended",
  ]);
});

test("a grant that is past its time is not ended once more, and tells nobody", async () => {
  const supportGrantId = await newGrant(tenant);
  const past = timestamp(Date.now() - 1000);
  await rowsOf(
    tenant.cell.database,
    "update support_grants set expires_at = ? where id = ?",
    past,
    supportGrantId,
  );
  const ended = await call("support-grants.end", {
    tenant: tenant.slug,
    as: owner,
    params: { supportGrantId },
  });
  expect([ended.status, ended.json.endedAt, ended.json.expiresAt]).toEqual([200, null, past]);
});

test("a session that was ended stays as it ended", async () => {
  const supportSessionId = await newSession(tenant);
  const ask = () =>
    call("support-sessions.end", { tenant: tenant.slug, as: owner, params: { supportSessionId } });
  const ended = (await ask()).json;
  expect(ended).toMatchObject({ endedBecause: "business", version: 2 });
  expect((await ask()).json).toEqual(ended);
});

test("the audit takes no row of an agent that names no grant, and no grant beside anybody else", async () => {
  const insert = (kind: string, grant: string | null) =>
    rowsOf(
      tenant.cell.database,
      "insert into audit_log (tenant_id, seq, id, operation, action, entity, entity_id, row, actor_kind, actor_id, support_grant_id, request_id, created_at) select ?1, 1000000 + abs(random() % 1000000), 'aud_' || random(), 'x', 'x', 'x', 'x', '{}', ?2, 'x', ?3, 'x', 'x'",
      tenant.tenantId,
      kind,
      grant,
    );
  await expect(insert("support-agent", null)).rejects.toThrow("support-grant-unnamed");
  await expect(insert("member", "sgr_x")).rejects.toThrow("support-grant-unnamed");
  await insert("support-agent", "sgr_x");
});

test("sessions and grants are forgotten 400 days past their end, of a frozen business later, and the audit keeps them", async () => {
  const own = await newTenant();
  const grantId = await newGrant(own);
  const sessionId = await newSession(own, grantId);
  const kept = await newGrant(own);
  const { database } = own.cell;
  const past = timestamp(Date.now() - 400 * dayMs - minuteMs);
  await rowsOf(database, "update support_grants set expires_at = ? where id = ?", past, grantId);
  await rowsOf(database, "update support_sessions set expires_at = ? where id = ?", past, sessionId);
  const state = (name: string) =>
    rowsOf(database, "update tenant_state set state = ? where tenant_id = ?", name, own.tenantId);
  const left = async () => {
    for (const _ of [1, 2]) await forgetRows(own.cell, Date.now());
    const text =
      "select id from support_grants where tenant_id = ?1 union all select id from support_sessions where tenant_id = ?1";
    return (await rowsOf<{ id: string }>(database, text, own.tenantId)).map(({ id }) => id).toSorted();
  };
  await state("frozen");
  expect(await left()).toEqual([grantId, kept, sessionId].toSorted());
  await state("active");
  expect(await left()).toEqual([kept]);
  const rows = "select action from audit_log where tenant_id = ? and entity_id = ? order by seq";
  const actions = (await rowsOf<{ action: string }>(database, rows, own.tenantId, grantId)).map(
    ({ action }) => action,
  );
  expect(actions).toEqual(["created", "deleted"]);
});
