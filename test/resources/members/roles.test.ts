import { expect, test } from "vitest";
import { clientOf } from "#test/client.ts";
import { newRole } from "#test/member-examples.ts";
import { as, envWith, memberToken, newTenant, overtaken, rowsOf } from "#test/world.ts";
import { doTo, newColleague } from "./kit.ts";

const { call } = clientOf();

test("the roles of a business are the fixed ones and its own, and no other's", async () => {
  const [tenant, foreign] = [await newTenant(), await newTenant()];
  const own = await newRole(tenant, ["orders:read"]);
  const foreigner = await newRole(foreign, ["orders:read"]);
  const { json } = await call("roles.list", as(tenant));
  expect(json.fixed.map(({ role }: { role: string }) => role)).toContain("manager");
  const ids = json.data.map(({ id }: { id: string }) => id);
  expect(ids).toContain(own);
  expect(ids).not.toContain(foreigner);
  const { memberId } = await newColleague(tenant, { role: "staff" });
  const given = await doTo(tenant, tenant.key, "update", memberId, { body: { roleId: foreigner } });
  expect([given.status, given.json.errors[0].pointer]).toEqual([422, "/roleId"]);
});

test("whoever may do less than a role holds neither makes, changes nor removes it", async () => {
  const tenant = await newTenant();
  const roleId = await newRole(tenant, ["payments:refund"]);
  const narrow = await memberToken(tenant, "owner", { scope: "roles:write orders:read members:read" });
  const by = { tenant: tenant.slug, as: narrow };
  const exceeded = { status: 422, json: { type: "/problems/rights-exceed-yours" } };
  const body = { name: "Refunds", capabilities: ["payments:refund"] };
  expect(await call("roles.create", { ...by, body })).toMatchObject(exceeded);
  const fewer = { capabilities: ["orders:read"] };
  expect(await call("roles.update", { ...by, params: { roleId }, body: fewer })).toMatchObject(exceeded);
  expect(await call("roles.remove", { ...by, params: { roleId } })).toMatchObject(exceeded);
});

test("of ten roles of one name made at once there is one, and a hundred at most", async () => {
  const tenant = await newTenant();
  const owner = await memberToken(tenant, "owner");
  const make = (name: string) =>
    call("roles.create", { tenant: tenant.slug, as: owner, body: { name, capabilities: ["orders:read"] } });
  const answers = await Promise.all(Array.from({ length: 10 }, () => make("Casual")));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  await rowsOf(
    tenant.cell.database,
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 98)
     insert into roles (tenant_id, id, name, capabilities, version, created_at, updated_at)
     select ?1, 'rol_' || i, 'Role ' || i, '00000000000000000000000000000000', 1, '', '' from n`,
    tenant.tenantId,
  );
  expect((await make("Last")).json.type).toBe("/problems/too-many-roles");
  const there = await rowsOf(
    tenant.cell.database,
    "select id from roles where tenant_id = ?",
    tenant.tenantId,
  );
  expect(there).toHaveLength(100);
});

test("a role takes no other's name", async () => {
  const tenant = await newTenant();
  const owner = await memberToken(tenant, "owner");
  const by = { tenant: tenant.slug, as: owner };
  const make = (name: string) =>
    call("roles.create", { ...by, body: { name, capabilities: ["orders:read"] } });
  const [first, second] = [(await make("First")).json, (await make("Second")).json];
  const rename = (roleId: string, name: string) =>
    call("roles.update", { ...by, params: { roleId }, body: { name } });
  expect((await rename(second.id, "First")).json.type).toBe("/problems/role-name-taken");
  expect((await rename(first.id, "First")).status).toBe(200);
});

test("a role that somebody gets at the moment that it is removed stays", async () => {
  const tenant = await newTenant();
  const roleId = await newRole(tenant, ["orders:read"]);
  const { memberId } = await newColleague(tenant, { role: "staff" });
  const late = overtaken(tenant.cell.database, 'delete from "roles"', () =>
    doTo(tenant, tenant.key, "update", memberId, { body: { roleId } }),
  );
  const env = envWith({ [`CELL_${tenant.cell.id.toUpperCase()}`]: late.database });
  const params = { roleId };
  const removed = await call("roles.remove", { ...as(tenant), params, env });
  expect([late.done(), removed.json.type]).toEqual([true, "/problems/role-in-use"]);
});
