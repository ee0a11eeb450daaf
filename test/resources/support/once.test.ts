import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { failingAt } from "#test/failing-commits.ts";
import { newAgent, newGrant, type TestAgent, visitTerms } from "#test/support-kit.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
let agent: TestAgent;
let tenant: TestTenant;

beforeAll(async () => {
  agent = await newAgent();
  tenant = await newTenant("signs", { plan: "enterprise" });
});

afterEach(() => void vi.useRealTimers());

test("a request that is sent again begins no second session, and shows its token no second time", async () => {
  const grantId = await newGrant(tenant);
  const body = { tenantId: tenant.tenantId, grantId, reason: "Again.", ticket: "HELP-1" };
  const ask = () =>
    call("support.begin", { as: agent.accessToken, body, headers: { "Idempotency-Key": newId("x") } });
  const headers = { "Idempotency-Key": "once" };
  const first = await call("support.begin", { as: agent.accessToken, body, headers });
  const again = await call("support.begin", { as: agent.accessToken, body, headers });
  expect([first.status, again.status]).toEqual([201, 201]);
  expect(again.json).toEqual({ ...first.json, accessToken: null });
  expect((await ask()).json.id).not.toBe(first.json.id);
});

test("of one request sent twice at once, or again after the directory failed, one session comes", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Math.ceil(Date.now() / minuteMs) * minuteMs);
  const who = await newAgent();
  const grantId = await newGrant(tenant);
  const body = visitTerms(tenant, grantId);
  const ask = (key: string, env = testEnv()) =>
    call("support.begin", { as: who.accessToken, body, headers: { "Idempotency-Key": key }, env });
  const inCell = () =>
    rowsOf<{ id: string }>(
      tenant.cell.database,
      "select id from support_sessions where agent_id = ?",
      who.agentId,
    );
  const both = await Promise.all([ask("twice"), ask("twice")]);
  expect(both.map(({ status }) => status)).toEqual([201, 201]);
  const [{ json: one }, { json: other }] = both;
  expect(one.id).toBe(other.id);
  expect([one, other].filter(({ accessToken }) => accessToken !== null)).toHaveLength(1);
  expect(await inCell()).toEqual([{ id: one.id }]);
  const failing = envWith({ DIRECTORY: failingAt(testEnv().DIRECTORY, 0, { commits: 0, most: 0 }) });
  expect((await ask("failed", failing)).status).toBe(500);
  const again = await ask("failed");
  expect([again.status, typeof again.json.accessToken]).toEqual([201, "string"]);
  const ids = (await inCell()).map(({ id }) => id);
  expect(ids.toSorted()).toEqual([one.id, again.json.id].toSorted());
  // What was ended meanwhile is not begun again by that key, for as long as it has that name.
  expect((await ask("ended", failing)).status).toBe(500);
  const [ended] = (await inCell()).filter(({ id }) => !ids.includes(id));
  expect(
    (await call("support-sessions.end", { ...as(tenant), params: { supportSessionId: ended?.id ?? "" } }))
      .status,
  ).toBe(200);
  expect((await ask("ended")).json.type).toBe("/problems/conflict");
});
