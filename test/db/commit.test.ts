import { expect, test } from "vitest";
import { emit, note, update } from "#db/changes.ts";
import { commitChanges } from "#db/commit.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { maskOf } from "#gate/capabilities.ts";
import { members } from "#gate/tables.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { memberToken, newTenant, rowsOf } from "#test/world.ts";

const { call } = clientOf();

test("a frozen tenant's first write is refused by its state alone, though the epoch stands and nothing was read", async () => {
  const tenant = await newTenant();
  // One of the same epoch, which stays active: its state says nothing of this one's.
  await newTenant();
  const { database } = tenant.cell;
  const as = { tenant: tenant.slug, as: tenant.key };
  expect((await call("tenants.ping", as)).status).toBe(200);
  await database
    .prepare("update tenant_state set state = 'frozen' where tenant_id = ?")
    .bind(tenant.tenantId)
    .run();
  const answer = await call("customers.create", { ...as, body: { name: "One More" } });
  expect([answer.status, answer.json.type]).toEqual([403, "/problems/tenant-suspended"]);
  const text = "select 1 from audit_log where tenant_id = ? and actor_id = ?";
  expect(await rowsOf(database, text, tenant.tenantId, tenant.keyId)).toEqual([]);
});

test("what an agent of support would write without a grant is not written, whatever its change", async () => {
  const tenant = await newTenant();
  const session = await systemSession(testEnv(), tenant.cell.database, tenant.tenantId);
  const actor = {
    kind: "support-agent" as const,
    id: newId("agt"),
    support: { grantId: "", sessionId: newId("sps"), memberId: tenant.memberIds.owner },
  };
  const requestId = newId("req");
  const audit = { now: Date.now(), requestId, operation: "test.support", actor, caller: null };
  const about = { table: members, row: {} };
  for (const change of [
    note("order", tenant.orderId, { looked: true }),
    emit("member.updated", { memberId: tenant.memberIds.owner }, about),
  ]) {
    const written = commitChanges(session, { audit, record: null, intent: null }, [change]);
    await expect(written).rejects.toThrow("without a grant");
  }
  const text = "select 1 from audit_log where tenant_id = ? and request_id = ?";
  expect(await rowsOf(tenant.cell.database, text, tenant.tenantId, requestId)).toEqual([]);
});

test("a location is in use by orders that whoever removes it does not see", async () => {
  const tenant = await newTenant();
  const { installer, sales } = tenant.memberIds;
  const { database } = tenant.cell;
  const session = await systemSession(testEnv(), database, tenant.tenantId);
  const member = await session.get(members, installer);
  if (!member) throw new Error("The seed has no installer.");
  const patch = { grants: maskOf(["locations:write"]), allLocations: 1 };
  const run = { job: "test.grant", requestId: newId("run"), now: Date.now() };
  await commitAsSystem(session, run, [update(members, member, patch, run.now)]);
  // Somebody else's order, and nothing else, refers to the location.
  for (const text of [
    `update orders set assignee_id = '${sales}' where tenant_id = ?`,
    "delete from member_locations where tenant_id = ?",
    "delete from api_key_locations where tenant_id = ?",
  ])
    await database.prepare(text).bind(tenant.tenantId).run();
  const answer = await call("locations.remove", {
    tenant: tenant.slug,
    as: await memberToken(tenant, "installer"),
    params: { locationId: tenant.locationIds[0] },
  });
  expect([answer.status, answer.json?.type]).toEqual([409, "/problems/location-in-use"]);
});
