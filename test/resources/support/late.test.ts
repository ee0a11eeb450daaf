import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { sweepIntents } from "#jobs/sweep-intents.ts";
import { minuteMs } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { registry } from "#resources/index.ts";
import { clientOf } from "#test/client.ts";
import { isIntend, killing } from "#test/deaths.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { exampleOf } from "#test/examples.ts";
import { slowPost } from "#test/slow-body.ts";
import { newAgent, newGrant, type TestAgent, visit } from "#test/support-kit.ts";
import { envWith, memberToken, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

// What an agent began while they were allowed to, and what comes of it when they are no more.

const { call, send } = clientOf();
const pdf = utf8("%PDF-1.7\n% an example\n");
let agent: TestAgent;
let tenant: TestTenant;

beforeAll(async () => {
  agent = await newAgent();
  tenant = await newTenant("signs", { plan: "enterprise" });
});
afterEach(() => void vi.useRealTimers());

/** A visit that may write files, and a file of it. */
async function newVisit() {
  const grantId = await newGrant(tenant, { capabilities: ["files:write", "customers:write"] });
  const { as, id } = await visit(agent, tenant, grantId, { minutes: 60 });
  const own = { tenant: tenant.slug, as };
  const body = { name: "p.pdf", mediaType: "application/pdf", customerId: tenant.customerIds[0] };
  const fileId: string = (await call("files.create", { ...own, body })).json.id;
  return { grantId, id, own, fileId };
}

/** A file whose parts have all arrived. */
async function inParts(): Promise<string> {
  return (await exampleOf("files.complete").make(tenant)).params?.fileId ?? "";
}

const endGrant = async (supportGrantId: string) => {
  const as = await memberToken(tenant, "owner");
  const ended = await call("support-grants.end", { tenant: tenant.slug, as, params: { supportGrantId } });
  expect(ended.status).toBe(200);
};

const stateOf = async (fileId: string) =>
  (await rowsOf(tenant.cell.database, "select state from files where id = ?", fileId))[0]?.state;

const completionsOf = (fileId: string) =>
  rowsOf(
    tenant.cell.database,
    "select actor_kind, actor_id, support_grant_id from audit_log where tenant_id = ? and entity_id = ? and operation = 'files.complete' order by seq",
    tenant.tenantId,
    fileId,
  );

async function sweep(): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10 * minuteMs });
  await sweepIntents(testEnv(), tenant.cell, registry, Date.now());
}

/** Once what the request intends stands, and before it goes on. */
function afterIntend(then: () => Promise<unknown>): TestEnv {
  let isDone = false;
  return envWith({
    CELL_US1: tapped(testEnv().CELL_US1 as D1Database, async (texts, go) => {
      const results = await go();
      if (!isDone && texts.some(isIntend)) {
        isDone = true;
        await then();
      }
      return results;
    }),
  });
}

test("an effect of theirs that a crash cut in two is theirs when the sweeper goes on with it, and names the grant", async () => {
  const [{ own, grantId }, fileId] = [await newVisit(), await inParts()];
  await call("files.complete", { ...own, params: { fileId }, env: killing({ after: isIntend }) });
  expect(await stateOf(fileId)).toBe("uploading");
  await sweep();
  expect(await stateOf(fileId)).toBe("checking");
  expect(await completionsOf(fileId)).toEqual([
    { actor_kind: "support-agent", actor_id: agent.agentId, support_grant_id: grantId },
  ]);
});

test("where the business ended it meanwhile the sweeper undoes it", async () => {
  const [{ own, grantId }, fileId] = [await newVisit(), await inParts()];
  await call("files.complete", { ...own, params: { fileId }, env: killing({ after: isIntend }) });
  await endGrant(grantId);
  await sweep();
  expect([await stateOf(fileId), await completionsOf(fileId)]).toEqual(["uploading", []]);
  const intents =
    "select state from intents where tenant_id = ? and operation = 'files.complete' and agent like ?";
  expect(await rowsOf(tenant.cell.database, intents, tenant.tenantId, `%${grantId}%`)).toEqual([
    { state: "abandoned" },
  ]);
});

test("what is under way when the business ends it comes to nothing", async () => {
  const { own, fileId, grantId } = await newVisit();
  const env = afterIntend(() => endGrant(grantId));
  const { status, json } = await call("files.upload", { ...own, params: { fileId }, bytes: pdf, env });
  expect([status, json.type]).toEqual([401, "/problems/unauthorized"]);
  expect(await stateOf(fileId)).toBe("pending");
});

test("a body that comes to its end after the session did writes nothing", async () => {
  const { own, id, grantId } = await newVisit();
  const path = `/v1/tenants/${tenant.slug}/customers`;
  const anHourLater = () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61 * minuteMs });
  };
  const { status, headers } = await send(slowPost(path, own.as, { name: "Slowly Said" }, anHourLater));
  expect([status, headers.get("x-keyline-impersonation")]).toEqual([401, expect.stringContaining(id)]);
  const written =
    "select 1 from audit_log where tenant_id = ? and operation = 'customers.create' and support_grant_id = ?";
  expect(await rowsOf(tenant.cell.database, written, tenant.tenantId, grantId)).toEqual([]);
});
