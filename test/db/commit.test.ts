import { expect, test } from "vitest";
import { update } from "#db/changes.ts";
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
