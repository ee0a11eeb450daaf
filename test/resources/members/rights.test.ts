import { expect, test } from "vitest";
import { maskOf } from "#gate/capabilities.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newRole } from "#test/member-examples.ts";
import { as, memberToken, newTenant, rowsOf } from "#test/world.ts";
import { doTo, newColleague } from "./kit.ts";

const { call } = clientOf();
const problem = (type: string) => ({ json: { type: `/problems/${type}` } });

test("what a member may do changes with their next request: denied, granted, suspended, removed", async () => {
  const tenant = await newTenant();
  const { slug } = tenant;
  const { as: theirs, memberId } = await newColleague(tenant, { role: "staff" });
  const orders = async () => (await call("orders.list", { tenant: slug, as: theirs })).status;
  const invoices = async () => (await call("settings.get", { tenant: slug, as: theirs })).status;
  expect([await orders(), await invoices()]).toEqual([200, 403]);
  const body = { denials: ["orders:read"], grants: ["settings:read"] };
  const changed = await doTo(tenant, tenant.key, "update", memberId, { body });
  expect(changed).toMatchObject({ status: 200, json: { ...body, role: "staff", version: 2 } });
  expect([await orders(), await invoices()]).toEqual([403, 200]);
  await doTo(tenant, tenant.key, "update", memberId, { body: { denials: [], grants: [] } });
  expect([await orders(), await invoices()]).toEqual([200, 403]);
  expect((await doTo(tenant, tenant.key, "suspend", memberId)).json.state).toBe("suspended");
  expect(await orders()).toBe(401);
  expect((await doTo(tenant, tenant.key, "reinstate", memberId)).json.state).toBe("active");
  expect(await orders()).toBe(200);
  expect((await doTo(tenant, tenant.key, "remove", memberId)).status).toBe(204);
  expect(await orders()).toBe(401);
});

test("while many ask, none is served after the answer that took it from them", async () => {
  const tenant = await newTenant();
  const { as: theirs, memberId } = await newColleague(tenant, { role: "staff" });
  let isTaken = false;
  const served: { readonly late: boolean; readonly status: number }[] = [];
  const asking = async () => {
    for (let [times, after] = [0, 0]; times < 100 && after < 3; times += 1) {
      const late = isTaken;
      if (late) after += 1;
      const { status } = await call("orders.list", { tenant: tenant.slug, as: theirs });
      served.push({ late, status });
      // Else they would take all of the one thread that the suspension needs as well.
      await scheduler.wait(5);
    }
  };
  const taking = async () => {
    await doTo(tenant, tenant.key, "suspend", memberId);
    isTaken = true;
  };
  await Promise.all([...Array.from({ length: 5 }, asking), taking()]);
  expect(served.filter(({ late, status }) => late && status !== 401)).toEqual([]);
  expect(served.some(({ late }) => late)).toBe(true);
  expect(served.some(({ late, status }) => !late && status === 200)).toBe(true);
});

test("nobody acts on somebody who may do more than they, nor on themselves", async () => {
  const tenant = await newTenant();
  const admin = await memberToken(tenant, "admin");
  const { owner, admin: adminId } = tenant.memberIds;
  for (const [operation, body] of [
    ["update", { denials: ["orders:read"] }],
    ["suspend", undefined],
    ["remove", undefined],
  ] as const) {
    expect(await doTo(tenant, admin, operation, owner, { body }), operation).toMatchObject({
      status: 403,
      ...problem("member-above-you"),
    });
    expect(await doTo(tenant, admin, operation, adminId, { body }), operation).toMatchObject({
      status: 403,
      ...problem("forbidden"),
    });
  }
  // What somebody is denied may be given back to them, so it counts.
  const { memberId } = await newColleague(tenant, { role: "accountant" }, null);
  await doTo(tenant, tenant.key, "update", memberId, { body: { denials: ["payments:refund"] } });
  const { as: manager } = await newColleague(tenant, { role: "manager" }, null);
  expect(await doTo(tenant, manager, "suspend", memberId)).toMatchObject(problem("member-above-you"));
});

test("nobody gives what they do not hold, and to no single member what owners and admins alone have", async () => {
  const tenant = await newTenant();
  const { memberId } = await newColleague(tenant, { role: "staff" });
  const { as: manager } = await newColleague(tenant, { role: "manager" });
  const tried = (by: string, body: object) => doTo(tenant, by, "update", memberId, { body });
  const exceeded = (pointer: string) => ({
    status: 422,
    json: { type: "/problems/rights-exceed-yours", errors: [{ pointer }] },
  });
  expect(await tried(manager, { role: "admin" })).toMatchObject(exceeded("/role"));
  expect(await tried(manager, { grants: ["settings:write"] })).toMatchObject(exceeded("/grants"));
  expect(await tried(manager, { allLocations: true })).toMatchObject(exceeded("/locationIds"));
  expect(await tried(manager, { locationIds: [] })).toMatchObject(exceeded("/locationIds"));
  expect(await tried(manager, { locationIds: [tenant.locationIds[1]] })).toMatchObject({
    status: 422,
    json: { type: "/problems/invalid", errors: [{ pointer: "/locationIds/0" }] },
  });
  expect(await tried(tenant.key, { grants: ["api-keys:write"] })).toMatchObject(exceeded("/grants"));
  expect((await tried(tenant.key, { role: "owner" })).status).toBe(422);
  const roleId = await newRole(tenant, ["exports:create"]);
  expect(await tried(manager, { roleId })).toMatchObject(exceeded("/roleId"));
  expect((await tried(tenant.key, { roleId })).json).toMatchObject({ role: "custom", roleId });
  // A key that is held to an address makes nobody who is held to none.
  const scopes = ["members:read", "members:write", "orders:read"];
  const body = { name: "Till", scopes, ipAllowList: ["127.0.0.1/32"] };
  const { json } = await call("api-keys.create", { ...as(tenant), body });
  const headers = { "cf-connecting-ip": "127.0.0.1" };
  const params = { memberId };
  const held = await call("members.suspend", { tenant: tenant.slug, as: json.key, params, headers });
  expect(held).toMatchObject({ status: 403, ...problem("forbidden") });
});

test("a manager sees and manages the people of their own locations, and of those alone", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const { as: manager, memberId: themselves } = await newColleague(tenant, { role: "manager" }, [here]);
  const near = await newColleague(tenant, { role: "staff" }, [here]);
  const far = await newColleague(tenant, { role: "staff" }, [there]);
  const both = await newColleague(tenant, { role: "staff" }, [here, there]);
  const everywhere = await newColleague(tenant, { role: "staff" }, null);
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = { limit: "2", ...(cursor === "" ? {} : { cursor }) };
    const { json } = await call("members.list", { tenant: tenant.slug, as: manager, query });
    for (const { id, locationIds } of json.data) {
      seen.push(id);
      // Where else somebody is they do not see.
      expect(locationIds).toEqual([here]);
    }
    cursor = json.nextCursor;
  }
  expect(seen).toEqual(expect.arrayContaining([themselves, near.memberId, both.memberId]));
  expect(seen).not.toContain(far.memberId);
  expect(seen).not.toContain(everywhere.memberId);
  for (const { memberId } of [far, everywhere])
    for (const operation of ["get", "suspend", "remove"] as const)
      expect((await doTo(tenant, manager, operation, memberId)).status, operation).toBe(404);
  expect(await doTo(tenant, manager, "suspend", both.memberId)).toMatchObject(problem("member-above-you"));
  expect((await doTo(tenant, manager, "suspend", near.memberId)).status).toBe(200);
});

test("a business always has an owner, however many leave it at once", async () => {
  for (let round = 0; round < 6; round += 1) {
    const tenant = await newTenant();
    const second = await newColleague(tenant, { role: "owner" }, null);
    const first = { memberId: tenant.memberIds.owner, as: await memberToken(tenant, "owner") };
    const operation = (["remove", "suspend", "update"] as const)[round % 3] ?? "remove";
    const body = operation === "update" ? { role: "admin" } : undefined;
    const answers = await Promise.all([
      doTo(tenant, first.as, operation, second.memberId, { body }),
      doTo(tenant, second.as, operation, first.memberId, { body }),
    ]);
    const owners = await rowsOf(
      tenant.cell.database,
      "select id from members where tenant_id = ? and role = 'owner' and state = 'active'",
      tenant.tenantId,
    );
    expect(owners, answers.map(({ text }) => text).join()).toHaveLength(1);
  }
  const alone = await newTenant();
  expect(await doTo(alone, alone.key, "remove", alone.memberIds.owner)).toMatchObject({
    status: 409,
    ...problem("last-owner"),
  });
});

test("an owner makes another in their place, or beside them, and nobody else does", async () => {
  const tenant = await newTenant();
  const owner = await memberToken(tenant, "owner");
  const { memberId, as: theirs } = await newColleague(tenant, { role: "staff" });
  const admin = await memberToken(tenant, "admin");
  // Not by a key that may do all: what is stolen of a program makes nobody an owner.
  for (const as of [admin, tenant.key])
    expect((await doTo(tenant, as, "transferOwnership", memberId, { body: { keepsOwn: true } })).status).toBe(
      403,
    );
  const given = await doTo(tenant, owner, "transferOwnership", memberId, {
    body: {},
    headers: { "Idempotency-Key": "given-once" },
  });
  expect(given.json).toMatchObject({ role: "owner", allLocations: true, grants: [], denials: [] });
  const roleOf = async (id: string) => (await doTo(tenant, theirs, "get", id)).json.role;
  expect([await roleOf(memberId), await roleOf(tenant.memberIds.owner)]).toEqual(["owner", "admin"]);
  expect((await doTo(tenant, owner, "transferOwnership", tenant.memberIds.admin, { body: {} })).status).toBe(
    403,
  );
});

test("who was removed is in no list, has no place, no consent and no pointer, and begins anew", async () => {
  const tenant = await newTenant();
  const [here] = tenant.locationIds;
  const { memberId, userId } = await newColleague(tenant, { role: "staff" }, [here]);
  await doTo(tenant, tenant.key, "update", memberId, { body: { grants: ["invoices:read"] } });
  expect((await doTo(tenant, tenant.key, "remove", memberId)).status).toBe(204);
  expect((await doTo(tenant, tenant.key, "remove", memberId)).status).toBe(404);
  const { json } = await call("members.list", { ...as(tenant), query: { limit: "100" } });
  expect(json.data.map(({ id }: { id: string }) => id)).not.toContain(memberId);
  expect((await doTo(tenant, tenant.key, "get", memberId)).json).toMatchObject({
    state: "suspended",
    removedAt: expect.stringMatching(/Z$/),
    grants: [],
    locationIds: [],
  });
  const pointers = await rowsOf(testEnv().DIRECTORY, "select id from memberships where user_id = ?", userId);
  expect(pointers).toEqual([]);
});

test("a role of the business's own holds for its members from their next request on", async () => {
  const tenant = await newTenant();
  const owner = await memberToken(tenant, "owner");
  const make = (body: object) => call("roles.create", { tenant: tenant.slug, as: owner, body });
  const { json: role } = await make({ name: "Casual", capabilities: ["orders:read"] });
  expect((await make({ name: "Casual", capabilities: ["orders:read"] })).json.type).toBe(
    "/problems/role-name-taken",
  );
  expect((await make({ name: "Keys", capabilities: ["api-keys:write"] })).json.type).toBe(
    "/problems/rights-exceed-yours",
  );
  const casual = await newColleague(tenant, { roleId: role.id });
  const may = async (operation: string) =>
    (await call(operation, { tenant: tenant.slug, as: casual.as })).status;
  expect([await may("orders.list"), await may("customers.list")]).toEqual([200, 403]);
  const params = { roleId: role.id };
  const change = (body: object) => call("roles.update", { tenant: tenant.slug, as: owner, params, body });
  await change({ capabilities: ["customers:read"] });
  expect([await may("orders.list"), await may("customers.list")]).toEqual([403, 200]);
  const remove = () => call("roles.remove", { tenant: tenant.slug, as: owner, params });
  expect((await remove()).json.type).toBe("/problems/role-in-use");
  await doTo(tenant, tenant.key, "remove", casual.memberId);
  expect((await remove()).status).toBe(204);
});

test("whoever has a role that reaches what is assigned sees no other work", async () => {
  const tenant = await newTenant();
  const roleId = await newRole(tenant, ["orders:read"], "assigned");
  const { as: theirs } = await newColleague(tenant, { roleId }, null);
  const { json } = await call("orders.list", { tenant: tenant.slug, as: theirs });
  expect(json.data).toEqual([]);
  const { json: me } = await call("principal.get", { tenant: tenant.slug, as: theirs });
  expect(me).toMatchObject({ kind: "member", capabilities: ["orders:read"], assignedOnly: true });
});

test("why somebody may do something is told step by step", async () => {
  const tenant = await newTenant();
  const { memberId } = await newColleague(tenant, { role: "staff" });
  const ask = async (capability: string) =>
    (await doTo(tenant, tenant.key, "access", memberId, { query: { capability } })).json;
  expect(await ask("orders:read")).toMatchObject({ isAllowed: true, locationIds: [tenant.locationIds[0]] });
  await doTo(tenant, tenant.key, "update", memberId, {
    body: { grants: ["invoices:read"], denials: ["orders:read"] },
  });
  expect(await ask("orders:read")).toMatchObject({
    isAllowed: false,
    steps: [
      { by: "role", says: "gives", isHeld: true },
      { by: "grants", says: "nothing", isHeld: true },
      { by: "denials", says: "takes", isHeld: false },
      { by: "state", says: "nothing", isHeld: false },
    ],
  });
  expect(await ask("invoices:read")).toMatchObject({ isAllowed: true });
  expect((await ask("wizardry:use")).type).toBe("/problems/invalid");
});

test("what credentials may do is what their member may, within their own scope", async () => {
  const tenant = await newTenant();
  const scope = "orders:read settings:write";
  const narrow = await memberToken(tenant, "staff", { scope });
  const me = async (by: string) => (await call("principal.get", { tenant: tenant.slug, as: by })).json;
  expect(await me(narrow)).toMatchObject({
    capabilities: ["orders:read"],
    allLocations: false,
    locationIds: [tenant.locationIds[0]],
  });
  expect(await me(tenant.key)).toMatchObject({ kind: "api-key", id: tenant.keyId, allLocations: true });
});

test("an owner is one of the whole business: none is made by who is held to a place, and none is hollowed out", async () => {
  const tenant = await newTenant();
  const [here] = tenant.locationIds;
  const { memberId } = await newColleague(tenant, { role: "staff" }, [here]);
  const { json } = await call("principal.get", as(tenant));
  const body = { name: "All but everywhere", scopes: json.capabilities, locationIds: [here] };
  const { json: held } = await call("api-keys.create", { ...as(tenant), body });
  const given = { body: { keepsOwn: true } };
  expect(await doTo(tenant, held.key, "transferOwnership", memberId, given)).toMatchObject({ status: 403 });
  for (const less of [{ denials: ["orders:read"] }, { allLocations: false, locationIds: [here] }])
    expect(await doTo(tenant, tenant.key, "update", tenant.memberIds.owner, { body: less })).toMatchObject({
      status: 403,
    });
  await rowsOf(
    tenant.cell.database,
    "update members set denials = ? where tenant_id = ? and id = ?",
    maskOf(["orders:read"]),
    tenant.tenantId,
    (await newColleague(tenant, { role: "owner" }, null)).memberId,
  );
  // Who was hollowed out before is no other owner.
  expect(await doTo(tenant, tenant.key, "suspend", tenant.memberIds.owner)).toMatchObject({
    status: 409,
    json: { type: "/problems/last-owner" },
  });
});
