import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { parseJsonObject } from "#crypto/jws.ts";
import { removeAgent } from "#identity/support/agents.ts";
import { sweepVisits } from "#identity/support/sweep-visits.ts";
import { decodeBase64Url } from "#lib/base64url.ts";
import { minuteMs, secondMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { failingAt } from "#test/failing-commits.ts";
import { changeMember, listOrders, ping, withoutNotices } from "#test/gate/kit.ts";
import { newEnrolled, newUser } from "#test/identity/kit.ts";
import {
  askToVisit,
  newAgent,
  newGrant,
  newSession,
  type TestAgent,
  visit,
  visitTerms,
} from "#test/support-kit.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();
let agent: TestAgent;
let tenant: TestTenant;

beforeAll(async () => {
  agent = await newAgent();
  tenant = await newTenant("signs", { plan: "enterprise" });
});

afterEach(() => void vi.useRealTimers());

const draft = (of: TestTenant, bearer: string): Promise<Answer> =>
  call("orders.create", {
    tenant: of.slug,
    as: bearer,
    body: {
      customerId: of.customerIds[0],
      locationId: of.locationIds[0],
      lines: [{ description: "Banner, printed", quantityThousandths: 2000, unitPrice: 4500 }],
    },
  });
const endIt = (id: string, env = testEnv()) =>
  call("support-sessions.end", { ...as(tenant), params: { supportSessionId: id }, env });
/** Why a visit is over, as the directory has it. */
const endOf = (id: string) =>
  rowsOf(testEnv().DIRECTORY, "select ended_because from support_visits where id = ?", id);
const run = () => ({ job: "test.support", requestId: newId("run"), now: Date.now() });

test("an agent looks, and changes nothing that the grant does not name", async () => {
  const { as: reading } = await visit(agent, tenant, await newGrant(tenant));
  expect((await listOrders(tenant, reading)).status).toBe(200);
  expect((await draft(tenant, reading)).status).toBe(403);
  const { as: writing } = await visit(
    agent,
    tenant,
    await newGrant(tenant, { capabilities: ["orders:write"] }),
  );
  expect((await draft(tenant, writing)).status).toBe(201);
  const reader = await newAgent("reader");
  const { as: told } = await visit(
    reader,
    tenant,
    await newGrant(tenant, { capabilities: ["orders:write"] }),
  );
  expect([(await listOrders(tenant, told)).status, (await draft(tenant, told)).status]).toEqual([200, 403]);
});

test("its token says who acts and as far as whom, lives five minutes, and is another's for nobody", async () => {
  const grantId = await newGrant(tenant);
  const { id, as: token, expiresAt } = await visit(agent, tenant, grantId, { minutes: 5 });
  const claims = parseJsonObject(decodeBase64Url(token.split(".")[1] ?? "") ?? new Uint8Array()) as Record<
    string,
    unknown
  >;
  expect(claims).toMatchObject({
    sub: tenant.memberIds.owner,
    act: { sub: agent.agentId },
    support: id,
    tenant: tenant.tenantId,
    acr: "aal2",
  });
  expect(Number(claims.exp) - Number(claims.iat)).toBeLessThanOrEqual(300);
  expect(Number(claims.exp) * secondMs).toBeLessThanOrEqual(Date.parse(expiresAt));
  const other = await newTenant();
  expect((await ping(other, token)).status).toBe(404);
  expect((await call("me.get", { as: token })).status).toBe(401);
});

test("a visit is bounded by the rights and places of the member, and of nobody who is none", async () => {
  const grantId = await newGrant(tenant, { capabilities: ["orders:write", "payments:take"] });
  const { as: bearer } = await visit(agent, tenant, grantId, { memberId: tenant.memberIds.installer });
  const { json } = await call("principal.get", { tenant: tenant.slug, as: bearer });
  expect(json).toMatchObject({
    kind: "support-agent",
    capabilities: ["orders:read", "jobs:read"],
    assignedOnly: true,
  });
  for (const memberId of [newId("mbr"), (await newTenant()).memberIds.owner]) {
    const answer = await askToVisit(agent, tenant, grantId, { memberId });
    expect([answer.status, answer.json.errors?.[0]?.pointer]).toEqual([422, "/memberId"]);
  }
});

test("whoever is no agent, or has proved no second factor of late, begins nothing", async () => {
  const grantId = await newGrant(tenant);
  const stranger = await askToVisit(await newEnrolled(), tenant, grantId);
  expect([stranger.status, stranger.json.type]).toEqual([403, "/problems/forbidden"]);
  const plain = await newAgent();
  await rowsOf(testEnv().DIRECTORY, "update sessions set strong_at = null where id = ?", plain.sessionId);
  const weak = await askToVisit(plain, tenant, grantId);
  expect([weak.status, weak.json.type]).toEqual([403, "/problems/second-factor-enrolment-required"]);
  await rowsOf(
    testEnv().DIRECTORY,
    "update sessions set strong_at = ?, proved_at = ? where id = ?",
    timestamp(Date.now() - 16 * minuteMs),
    timestamp(Date.now()),
    plain.sessionId,
  );
  const late = await askToVisit(plain, tenant, grantId);
  expect([late.status, late.json.type]).toEqual([401, "/problems/step-up-required"]);
  expect((await askToVisit(await newUser(), tenant, grantId)).status).toBe(403);
});

test("a second factor that was texted is none", async () => {
  const grantId = await newGrant(tenant);
  const texting = await newAgent();
  await rowsOf(
    testEnv().DIRECTORY,
    'update sessions set methods = \'["pwd","sms","mfa"]\' where id = ?',
    texting.sessionId,
  );
  const { status, json } = await askToVisit(texting, tenant, grantId);
  expect([status, json.type]).toEqual([403, "/problems/second-factor-enrolment-required"]);
});

test("no grant of another business, no ended one and none that is over lets anybody in", async () => {
  const other = await newTenant();
  const [theirs, ended] = [await newGrant(other), await newGrant(tenant)];
  await call("support-grants.end", { ...as(tenant), params: { supportGrantId: ended } });
  const over = await newGrant(tenant);
  await rowsOf(
    tenant.cell.database,
    "update support_grants set expires_at = ? where id = ?",
    timestamp(Date.now() - secondMs),
    over,
  );
  for (const grantId of [theirs, ended, over, newId("sgr")]) {
    const { status, json } = await askToVisit(agent, tenant, grantId);
    expect([status, json.type]).toEqual([403, "/problems/support-not-granted"]);
  }
  expect((await askToVisit(agent, { ...tenant, tenantId: newId("ten") }, ended)).status).toBe(404);
});

test("a grant whose giver is no owner any more lets nobody in", async () => {
  const grantId = await newGrant(tenant);
  const { owner } = tenant.memberIds;
  await changeMember(tenant, owner, { role: "admin" });
  const refused = await askToVisit(agent, tenant, grantId, { memberId: tenant.memberIds.viewer });
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/support-not-granted"]);
  await changeMember(tenant, owner, { role: "owner" });
  expect((await askToVisit(agent, tenant, grantId)).status).toBe(201);
});

test("twenty of support look over a business's shoulder at a time, and no more", async () => {
  const full = await newTenant();
  const grantId = await newGrant(full);
  const ids: string[] = [];
  for (let count = 1; count <= 20; count += 1) ids.push(await newSession(full, grantId));
  const refused = await askToVisit(agent, full, grantId);
  expect([refused.status, refused.json.type]).toEqual([409, "/problems/too-many-support-sessions"]);
  const [first = ""] = ids;
  await call("support-sessions.end", { ...as(full), params: { supportSessionId: first } });
  expect((await askToVisit(agent, full, grantId)).status).toBe(201);
});

test("of a business that is frozen nothing is shown", async () => {
  const frozen = await newTenant();
  const grantId = await newGrant(frozen);
  const { as: bearer } = await visit(agent, frozen, grantId);
  await rowsOf(
    frozen.cell.database,
    "update tenant_state set state = 'frozen', epoch = epoch + 1 where tenant_id = ?",
    frozen.tenantId,
  );
  const refused = await askToVisit(agent, frozen, grantId);
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/tenant-suspended"]);
  expect((await listOrders(frozen, bearer)).status).toBe(403);
});

test("a session is over at its end, and a grant's end is its own", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const own = await newAgent();
  const supportGrant = await newGrant(tenant);
  await rowsOf(
    tenant.cell.database,
    "update support_grants set expires_at = ? where id = ?",
    timestamp(Date.now() + 10 * minuteMs),
    supportGrant,
  );
  const { id, as: bearer, expiresAt } = await visit(own, tenant, supportGrant, { minutes: 60 });
  expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + 10 * minuteMs);
  vi.setSystemTime(Date.now() + 4 * minuteMs);
  expect((await listOrders(tenant, bearer)).status).toBe(200);
  const again = () => call("support.token", { as: own.accessToken, params: { supportSessionId: id } });
  const renewed = await again();
  expect(renewed.status, renewed.text).toBe(200);
  vi.setSystemTime(Date.parse(expiresAt));
  for (const token of [bearer, renewed.json.accessToken])
    expect((await listOrders(tenant, token)).status).toBe(401);
});

const ends: Readonly<Record<string, (id: string) => Promise<void>>> = {
  "the business ends the session": async (id: string) => void (await endIt(id, withoutNotices())),
  "the agent ends it": async (id: string) => {
    const answer = await call("support.end", {
      as: agent.accessToken,
      params: { supportSessionId: id },
      env: withoutNotices(),
    });
    expect(answer.status, answer.text).toBe(204);
  },
};

for (const [who, end] of Object.entries(ends)) {
  test(`no request that began after ${who} reads or writes, whoever was told`, async () => {
    const grantId = await newGrant(tenant, { capabilities: ["customers:write"] });
    const { id, as: bearer } = await visit(agent, tenant, grantId);
    let isAnswered = false;
    const busy = Promise.withResolvers<void>();
    const seen: { began: "before" | "after"; answer: Answer }[] = [];
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let late = 0; late < 3; ) {
        const began = isAnswered ? "after" : "before";
        const answer =
          client % 2 === 0
            ? await call("customers.create", { tenant: tenant.slug, as: bearer, body: { name: "One" } })
            : await listOrders(tenant, bearer);
        seen.push({ began, answer });
        if (seen.length === 40) busy.resolve();
        if (began === "after") late += 1;
        await scheduler.wait(0);
      }
    });
    await busy.promise;
    await end(id).finally(() => {
      isAnswered = true;
    });
    await Promise.all(clients);
    const statuses = (when: string) =>
      seen.filter(({ began }) => began === when).map(({ answer }) => answer.status);
    expect(new Set(statuses("after"))).toEqual(new Set([401]));
    expect(statuses("before").filter((status) => ![200, 201, 401].includes(status))).toEqual([]);
    const written = seen.filter(({ answer }) => answer.status === 201).length;
    expect(written).toBeGreaterThan(0);
    const acts = await rowsOf(
      tenant.cell.database,
      "select actor_id, support_grant_id from audit_log where tenant_id = ? and operation = 'customers.create' and support_grant_id = ?",
      tenant.tenantId,
      grantId,
    );
    expect(acts).toEqual(
      Array.from({ length: written }, () => ({ actor_id: agent.agentId, support_grant_id: grantId })),
    );
  });
}

for (const [what, end] of Object.entries({
  "its grant was ended": async (_: string, grantId: string) => {
    await call("support-grants.end", {
      ...as(tenant),
      params: { supportGrantId: grantId },
      env: withoutNotices(),
    });
  },
  "the member who bounds it was suspended": async () => {
    await changeMember(tenant, tenant.memberIds.sales, { state: "suspended" });
  },
  "whoever gave the grant is no owner any more": async () => {
    await changeMember(tenant, tenant.memberIds.owner, { role: "admin" });
  },
  "the operator removed the agent": async (_: string, _grant: string, who: TestAgent) => {
    expect(await removeAgent(testEnv(), who.agentId, run())).toBe("removed");
  },
})) {
  test(`a session is over at once when ${what}`, async () => {
    const who = await newAgent();
    const grantId = await newGrant(tenant);
    const { id, as: bearer } = await visit(who, tenant, grantId, { memberId: tenant.memberIds.sales });
    expect((await listOrders(tenant, bearer)).status).toBe(200);
    await end(id, grantId, who);
    expect((await listOrders(tenant, bearer)).status).toBe(401);
    const { owner, sales } = tenant.memberIds;
    await changeMember(tenant, owner, { role: "owner" });
    await changeMember(tenant, sales, { state: "active" });
  });
}

test("an agent who was removed gets no other token", async () => {
  const who = await newAgent();
  const { id } = await visit(who, tenant, await newGrant(tenant));
  const ask = () => call("support.token", { as: who.accessToken, params: { supportSessionId: id } });
  expect((await ask()).status).toBe(200);
  expect(await removeAgent(testEnv(), who.agentId, run())).toBe("removed");
  const refused = await ask();
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/forbidden"]);
});

test("a session of another agent is not there", async () => {
  const { id } = await visit(agent, tenant, await newGrant(tenant));
  const other = await newAgent();
  for (const name of ["support.token", "support.end"])
    expect((await call(name, { as: other.accessToken, params: { supportSessionId: id } })).status).toBe(404);
});

test("the business's stream and the platform's both have the beginning and the end", async () => {
  const grantId = await newGrant(tenant);
  const { id } = await visit(agent, tenant, grantId);
  await call("support.end", { as: agent.accessToken, params: { supportSessionId: id } });
  const rows = (database: D1Database) =>
    rowsOf<Record<string, string>>(
      database,
      "select operation, action, actor_kind, actor_id, actor_chain, support_grant_id from audit_log where entity_id = ? order by seq",
      id,
    );
  const [begun, ended, ...more] = await rows(tenant.cell.database);
  expect(more).toEqual([]);
  const by = { actor_kind: "support-agent", actor_id: agent.agentId, support_grant_id: grantId };
  expect(begun).toMatchObject({ operation: "support.begin", action: "created", ...by });
  expect(ended).toMatchObject({ operation: "support.end", action: "updated", ...by });
  expect(JSON.parse(begun?.actor_chain ?? "")).toEqual([
    { kind: "member", id: tenant.memberIds.owner },
    { kind: "support-agent", id: agent.agentId, grantId },
    { kind: "support-session", id },
  ]);
  const acts = (await rows(testEnv().DIRECTORY)).map(({ operation, action }) => [operation, action]);
  expect(acts).toEqual([
    ["support.begin", "created"],
    ["support.end", "updated"],
  ]);
});

test("nobody who is a member of the business is shown it as somebody else", async () => {
  const who = await newAgent();
  const userId = (await call("me.get", { as: who.accessToken })).json.id;
  await rowsOf(
    tenant.cell.database,
    "update members set user_id = ? where tenant_id = ? and id = ?",
    userId,
    tenant.tenantId,
    tenant.memberIds.viewer,
  );
  const { status, json } = await askToVisit(who, tenant, await newGrant(tenant));
  expect([status, json.type]).toEqual([403, "/problems/agent-is-no-member"]);
});

test("where the directory fails, nobody is handed a token, and what was ended is over; asked again, it is done", async () => {
  const grantId = await newGrant(tenant);
  const failing = () => envWith({ DIRECTORY: failingAt(testEnv().DIRECTORY, 0, { commits: 0, most: 0 }) });
  const body = visitTerms(tenant, grantId);
  const begun = await call("support.begin", { as: agent.accessToken, body, env: failing() });
  expect([begun.status, begun.json.accessToken]).toEqual([500, undefined]);
  const { id, as: bearer } = await visit(agent, tenant, grantId);
  const end = (env = testEnv()) =>
    call("support.end", { as: agent.accessToken, params: { supportSessionId: id }, env });
  expect((await end(failing())).status).toBe(500);
  expect((await listOrders(tenant, bearer)).status).toBe(401);
  expect(await endOf(id)).toEqual([{ ended_because: null }]);
  expect((await end()).status).toBe(204);
  expect(await endOf(id)).toEqual([{ ended_because: "agent" }]);
});

test("the directory learns by and by how a visit ended, and ends what an agent who was removed left running", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const who = await newAgent();
  const grantId = await newGrant(tenant);
  const [ended, over, left] = [
    await visit(who, tenant, grantId),
    await visit(who, tenant, grantId, { minutes: 1 }),
    await visit(who, tenant, grantId),
  ];
  await endIt(ended.id);
  vi.setSystemTime(Date.now() + minuteMs);
  const ends = async () => {
    await sweepVisits(testEnv(), Date.now());
    const { data } = (await call("support.list", { as: who.accessToken })).json;
    return Object.fromEntries(
      data.map(({ id, endedBecause }: { id: string; endedBecause: string }) => [id, endedBecause]),
    );
  };
  expect(await ends()).toEqual({ [ended.id]: "business", [over.id]: "expired", [left.id]: null });
  await rowsOf(testEnv().DIRECTORY, "update support_agents set state = 'removed' where id = ?", who.agentId);
  expect((await listOrders(tenant, left.as)).status).toBe(200);
  expect((await ends())[left.id]).toBe("operator");
  expect((await listOrders(tenant, left.as)).status).toBe(401);
});

test("whoever ends a visit that the business ended before leaves it ended by the business", async () => {
  const who = await newAgent();
  const grantId = await newGrant(tenant);
  const [one, other] = [await visit(who, tenant, grantId), await visit(who, tenant, grantId)];
  for (const { id } of [one, other]) await endIt(id);
  const ended = await call("support.end", { as: who.accessToken, params: { supportSessionId: one.id } });
  expect(ended.status).toBe(204);
  expect(await removeAgent(testEnv(), who.agentId, run())).toBe("removed");
  for (const { id } of [one, other]) expect(await endOf(id)).toEqual([{ ended_because: "business" }]);
});

test("who signs out has left every business", async () => {
  const who = await newAgent();
  const { id, as: bearer } = await visit(who, tenant, await newGrant(tenant));
  expect((await call("sessions.signOut", { as: who.accessToken })).status).toBe(204);
  expect((await listOrders(tenant, bearer)).status).toBe(401);
  expect(await endOf(id)).toEqual([{ ended_because: "agent" }]);
});

test("where a cell was away when its agent signed out, the sweeper ends the visit", async () => {
  const who = await newAgent();
  const { id, as: bearer } = await visit(who, tenant, await newGrant(tenant));
  const away = envWith({
    CELL_US1: tapped(testEnv().CELL_US1 as D1Database, () => Promise.reject(new Error("D1 is down"))),
  });
  expect((await call("sessions.signOut", { as: who.accessToken, env: away })).status).toBe(202);
  expect((await listOrders(tenant, bearer)).status).toBe(200);
  await sweepVisits(testEnv(), Date.now());
  expect((await listOrders(tenant, bearer)).status).toBe(401);
  expect(await endOf(id)).toEqual([{ ended_because: "agent" }]);
});

test("an agent who is removed while they begin is handed no token", async () => {
  const who = await newAgent();
  let isDone = false;
  const env = envWith({
    DIRECTORY: tapped(testEnv().DIRECTORY, async (texts, go) => {
      if (!isDone && texts.some((text) => text.startsWith('insert into "support_visits"'))) {
        isDone = true;
        expect(await removeAgent(testEnv(), who.agentId, run())).toBe("removed");
      }
      return await go();
    }),
  });
  const body = visitTerms(tenant, await newGrant(tenant));
  const refused = await call("support.begin", { as: who.accessToken, body, env });
  expect([isDone, refused.status, refused.json.type]).toEqual([true, 403, "/problems/forbidden"]);
});

test("an agent chooses a password as the privileged do, and goes nowhere with a weaker one", async () => {
  const who = await newAgent();
  const grantId = await newGrant(tenant);
  const body = { currentPassword: who.password, password: "otters hum by night" };
  const weaker = await call("me.changePassword", { as: who.accessToken, body });
  expect([weaker.status, weaker.json.type]).toEqual([422, "/problems/invalid"]);
  const weak =
    "update passwords set is_strong = 0 where user_id = (select user_id from support_agents where id = ?)";
  await rowsOf(testEnv().DIRECTORY, weak, who.agentId);
  const refused = await askToVisit(who, tenant, grantId);
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/password-change-required"]);
});

test("three first visits of an agent at once all begin", async () => {
  const [who, own] = [await newAgent(), await newTenant()];
  const grantId = await newGrant(own);
  const begun = await Promise.all([1, 2, 3].map(() => askToVisit(who, own, grantId)));
  expect(begun.map(({ status }) => status)).toEqual([201, 201, 201]);
});
