import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { forgetRows } from "#jobs/forget-rows.ts";
import { sweepIntents } from "#jobs/sweep-intents.ts";
import { dayMs, minuteMs } from "#lib/time.ts";
import { registry } from "#resources/index.ts";
import { clientOf } from "#test/client.ts";
import { isIntend, killing } from "#test/deaths.ts";
import { testEnv } from "#test/env.ts";
import { mailsTo, newEmail } from "#test/identity/kit.ts";
import { newInvitation } from "#test/invitation-examples.ts";
import { newRole } from "#test/member-examples.ts";
import { newColleague } from "#test/resources/members/kit.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
afterEach(() => void vi.useRealTimers());

const problem = (name: string) => ({ json: { type: `/problems/${name}` } });

function invite(tenant: TestTenant, body: object, by = tenant.key, env = testEnv()) {
  const terms = { email: newEmail(), role: "staff", locationIds: [tenant.locationIds[0]], ...body };
  return call("invitations.create", { tenant: tenant.slug, as: by, body: terms, env });
}

function doWith(tenant: TestTenant, operation: "get" | "resend" | "revoke", id: string, by = tenant.key) {
  return call(`invitations.${operation}`, { tenant: tenant.slug, as: by, params: { invitationId: id } });
}

/** But for who was invited by the seed. */
const listed = async (tenant: TestTenant, by = tenant.key) =>
  (await call("invitations.list", { tenant: tenant.slug, as: by })).json.data.filter(
    ({ email }: { email: string }) => !email.startsWith("new.colleague@"),
  );

test("an invitation says as what and where, is mailed to its address, and names nobody but the business", async () => {
  const tenant = await newTenant();
  const email = newEmail();
  const made = await invite(tenant, {
    email: email.toUpperCase(),
    grants: ["invoices:read"],
    denials: ["orders:write"],
  });
  expect(made.status).toBe(201);
  expect(made.json).toMatchObject({
    email,
    role: "staff",
    roleId: null,
    grants: ["invoices:read"],
    denials: ["orders:write"],
    allLocations: false,
    locationIds: [tenant.locationIds[0]],
    inviterId: tenant.keyId,
    state: "open",
    timesSent: 1,
  });
  expect((await doWith(tenant, "get", made.json.id)).json).toEqual(made.json);
  expect(await listed(tenant)).toEqual([made.json]);
  const [mail, ...others] = await mailsTo(email);
  expect(others).toEqual([]);
  expect(mail).toMatchObject({ kind: "invitation", data: { business: tenant.slug, validMinutes: 10_080 } });
  const link = new URL(mail?.data.link ?? "");
  expect([link.pathname, link.searchParams.get("tenant")]).toEqual(["/join", tenant.tenantId]);
  const { json } = await call("audit.list", { ...as(tenant), query: { limit: "10" } });
  const [row] = json.data.filter(({ entity }: { entity: string }) => entity === "invitation");
  expect(JSON.stringify(row)).not.toContain(email);
});

test("nobody gives by an invitation what they do not hold, or where they are not", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const { as: manager } = await newColleague(tenant, { role: "manager" }, [here]);
  const exceeded = { status: 422, ...problem("rights-exceed-yours") };
  expect(await invite(tenant, { role: "admin" }, manager)).toMatchObject(exceeded);
  expect(await invite(tenant, { grants: ["settings:write"] }, manager)).toMatchObject(exceeded);
  expect(await invite(tenant, { allLocations: true, locationIds: [] }, manager)).toMatchObject(exceeded);
  expect(await invite(tenant, { grants: ["api-keys:write"] })).toMatchObject(exceeded);
  expect(await invite(tenant, { locationIds: [there] }, manager)).toMatchObject({
    status: 422,
    json: { errors: [{ pointer: "/locationIds/0" }] },
  });
  const roleId = await newRole(tenant, ["exports:create"]);
  expect(await invite(tenant, { role: undefined, roleId }, manager)).toMatchObject(exceeded);
  for (const body of [
    { role: "owner" },
    { role: undefined },
    { roleId },
    { locationIds: [] },
    { allLocations: true },
  ])
    expect((await invite(tenant, body)).status, JSON.stringify(body)).toBe(422);
  expect(await listed(tenant)).toEqual([]);
  expect((await invite(tenant, { role: "staff" }, manager)).status).toBe(201);
});

test("managers see the invitations to their own places, and take none back that reaches further", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const { as: manager } = await newColleague(tenant, { role: "manager" }, [here]);
  const [near, far, both, all] = [
    await newInvitation(tenant, { role: "staff", locationIds: [here] }),
    await newInvitation(tenant, { role: "staff", locationIds: [there] }),
    await newInvitation(tenant, { role: "staff", locationIds: [here, there] }),
    await newInvitation(tenant, { role: "staff", locationIds: null }),
  ];
  const seen = await listed(tenant, manager);
  expect(seen.map(({ id }: { id: string }) => id)).toEqual([both, near]);
  expect(seen[0].locationIds).toEqual([here]);
  for (const id of [far, all]) expect((await doWith(tenant, "get", id, manager)).status).toBe(404);
  for (const operation of ["resend", "revoke"] as const) {
    expect((await doWith(tenant, operation, far, manager)).status).toBe(404);
    expect(await doWith(tenant, operation, both, manager)).toMatchObject(problem("rights-exceed-yours"));
  }
  expect((await doWith(tenant, "resend", near, manager)).json).toMatchObject({ timesSent: 2 });
  expect((await doWith(tenant, "revoke", near, manager)).status).toBe(204);
  expect((await doWith(tenant, "get", near)).status).toBe(404);
});

test("one address is invited once, a business sends a hundred a day, has two hundred, and each goes five times", async () => {
  const tenant = await newTenant();
  const email = newEmail();
  const { json } = await invite(tenant, { email });
  expect(await invite(tenant, { email })).toMatchObject({ status: 409, ...problem("already-invited") });
  for (let sends = 2; sends <= 5; sends += 1)
    expect((await doWith(tenant, "resend", json.id)).json.timesSent).toBe(sends);
  const tooMany = { status: 409, ...problem("too-many-invitations") };
  expect(await doWith(tenant, "resend", json.id)).toMatchObject(tooMany);
  expect((await mailsTo(email)).length).toBe(5);
  const { cell, tenantId } = tenant;
  // What was taken back counts as well: it was sent.
  await doWith(tenant, "revoke", json.id);
  await rowsOf(
    cell.database,
    "with recursive n (value) as (select 1 union all select value + 1 from n where value < 94) insert into intents (tenant_id, id, operation, principal_id, request_id, state, intent, due_at, created_at) select tenant_id, id || '_' || value, operation, principal_id, request_id, 'settled', intent, due_at, created_at from intents, n where tenant_id = ? and operation = 'invitations.create'",
    tenantId,
  );
  const last = await invite(tenant, { email });
  expect(last.status).toBe(201);
  expect(await invite(tenant, {})).toMatchObject(tooMany);
  expect(await doWith(tenant, "resend", last.json.id)).toMatchObject(tooMany);
  await rowsOf(cell.database, "delete from intents where tenant_id = ?", tenantId);
  await rowsOf(
    cell.database,
    "with recursive n (value) as (select 1 union all select value + 1 from n where value < 199) insert into invitations select tenant_id, id || '_' || value, email, email_token || value, role, role_id, grants, denials, all_locations, inviter_id, turn, expires_at, version, created_at, updated_at from invitations, n where tenant_id = ?",
    tenantId,
  );
  expect(await invite(tenant, {})).toMatchObject(tooMany);
});

test("a place, or a role, that somebody is invited to stays", async () => {
  const tenant = await newTenant();
  const roleId = await newRole(tenant, ["orders:read"]);
  const location = await call("locations.create", {
    ...as(tenant),
    body: { name: "Pier", timezone: "Europe/Amsterdam" },
  });
  const locationId = location.json.id;
  const { json } = await invite(tenant, { role: undefined, roleId, locationIds: [locationId] });
  const removeRole = () => call("roles.remove", { ...as(tenant), params: { roleId } });
  const removePlace = () => call("locations.remove", { ...as(tenant), params: { locationId } });
  expect(await removeRole()).toMatchObject({ status: 409, ...problem("role-in-use") });
  expect(await removePlace()).toMatchObject({ status: 409, ...problem("location-in-use") });
  await doWith(tenant, "revoke", json.id);
  expect([(await removeRole()).status, (await removePlace()).status]).toEqual([204, 204]);
});

test("an invitation whose request died is mailed by the sweeper, and none that was taken back meanwhile", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const emails = [newEmail(), newEmail()];
  for (const email of emails)
    await invite(tenant, { email }, tenant.key, killing({ after: isIntend })).catch(() => null);
  const waiting = await listed(tenant);
  const [kept, revoked] = emails.map((email) =>
    waiting.find((row: { email: string }) => row.email === email),
  );
  expect((await doWith(tenant, "revoke", revoked.id)).status).toBe(204);
  vi.setSystemTime(Date.now() + 5 * minuteMs);
  await sweepIntents(testEnv(), tenant.cell, registry, Date.now());
  expect((await mailsTo(kept.email)).length).toBe(1);
  expect(await mailsTo(revoked.email)).toEqual([]);
  expect(
    (await rowsOf(tenant.cell.database, "select state from intents where tenant_id = ?", tenant.tenantId))
      .map(({ state }) => state)
      .toSorted(),
  ).toEqual(["abandoned", "settled"]);
});

test("where the directory is away the invitation stands, and is mailed when it is back", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const email = newEmail();
  const away = tapped(testEnv().DIRECTORY, async (texts, run) => {
    if (texts.some((text) => text.startsWith('insert into "outgoing_mails"'))) throw new Error("away");
    return await run();
  });
  const failed = await invite(tenant, { email }, tenant.key, envWith({ DIRECTORY: away }));
  expect(failed).toMatchObject({ status: 502, ...problem("upstream-failed") });
  vi.setSystemTime(Date.now() + 5 * minuteMs);
  await sweepIntents(testEnv(), tenant.cell, registry, Date.now());
  expect((await mailsTo(email)).length).toBe(1);
});

test("what nobody accepted can be sent again for thirty days, and is forgotten then with its address", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const id = await newInvitation(tenant);
  const again = await newInvitation(tenant);
  vi.setSystemTime(Date.now() + 20 * dayMs);
  expect((await doWith(tenant, "get", id)).json.state).toBe("expired");
  expect((await doWith(tenant, "resend", again)).json).toMatchObject({ state: "open", timesSent: 2 });
  vi.setSystemTime(Date.now() + 12 * dayMs);
  await forgetRows(tenant.cell, Date.now());
  expect((await listed(tenant)).map((row: { id: string }) => row.id)).toEqual([again]);
  const places =
    "select count(*) as places from invitation_locations where tenant_id = ? and invitation_id = ?";
  expect(await rowsOf(tenant.cell.database, places, tenant.tenantId, id)).toEqual([{ places: 0 }]);
  const audited = "select action from audit_log where tenant_id = ? and entity_id = ? order by seq";
  expect(
    (await rowsOf(tenant.cell.database, audited, tenant.tenantId, id)).map(({ action }) => action),
  ).toEqual(["created", "deleted"]);
});
