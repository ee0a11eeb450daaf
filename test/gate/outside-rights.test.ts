import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { secondMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { expectSuccess } from "#test/every-operation/trial.ts";
import { exampleOf, tenantOperations } from "#test/examples.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { newIssuer, newOrganization, newPerson, roleMapping, type TestIssuer } from "#test/outside.ts";
import { memberToken, newTenant, type Role, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

/** Which role a token may name and what it is here; by hand, beside test/outside.ts. */
const claimed: Readonly<Record<string, Role>> = {
  "org:boss": "owner",
  "org:admin": "admin",
  "org:sales": "sales",
  "org:guest": "viewer",
};
const rows: readonly Role[] = ["owner", "admin", "sales", "accountant", "viewer"];

let issuer: TestIssuer;
let tenant: TestTenant;
let organization: string;
const subjects = new Map<Role, string>();

beforeAll(async () => {
  issuer = await newIssuer({
    permissions: { "org:desk:refund": ["payments:refund"], "org:desk:audit": ["audit:read"] },
  });
  tenant = await newTenant();
  organization = await newOrganization(issuer, tenant);
  for (const role of [...rows, "manager", "installer"] as const)
    subjects.set(role, await newPerson(issuer, organization, tenant, role));
});

afterEach(() => void vi.useRealTimers());

for (const [role, here] of Object.entries(claimed)) {
  for (const row of rows) {
    test(`a token of ${role}, here ${here}, whose member is ${row} may do what both may`, async () => {
      const may = (needs: string) => roleTable[here].includes(needs) && roleTable[row].includes(needs);
      let [allowed, refused] = [0, 0];
      for (const { name } of tenantOperations) {
        const { needs } = exampleOf(name);
        const isAllowed = needs === "any principal" || may(needs);
        const answer = await tryAs(name, role, row);
        if (isAllowed) expectSuccess(name, answer);
        else expect([name, answer.status, answer.json.type]).toEqual([name, 403, "/problems/forbidden"]);
        if (isAllowed) allowed += 1;
        else refused += 1;
      }
      expect(allowed).toBeGreaterThan(0);
      const isAll = [here, row].every((each) => each === "owner");
      expect(refused > 0).toBe(!isAll);
    });
  }
}

test("a token that names no role, or one that is mapped to none, may do what asks for nothing", async () => {
  for (const role of ["org:unheard-of", "owner", ""]) {
    const before = await written();
    for (const { name } of tenantOperations) {
      const { needs } = exampleOf(name);
      if (needs === "any principal") expectSuccess(name, await tryAs(name, role, "owner"));
    }
    const answer = await tryAs("orders.list", role, "owner");
    expect([role, answer.status]).toEqual([role, 403]);
    expect(grown(before, await written())).toEqual({});
  }
});

test("permissions of the token add what they are mapped to, within the member's row", async () => {
  const o = { id: organization, rol: "sales", per: "audit,refund", fpm: "3" };
  const as = async (row: Role) => await token("org:sales", row, { fea: "o:desk", o });
  const audit = async (row: Role) =>
    (await call("audit.list", { tenant: tenant.slug, as: await as(row), env: issuer.env() })).status;
  expect([await audit("accountant"), await audit("owner"), await audit("sales")]).toEqual([200, 200, 403]);
  expect((await tryAs("audit.list", "org:sales", "owner")).status).toBe(403);
});

test("who is an installer by their token sees what is assigned to them alone, whatever their row", async () => {
  const place = await newTenant();
  const own = await newOrganization(issuer, place);
  const ask = async (name: string, role: string, row: Role, params = {}) => {
    const subject = await newPerson(issuer, own, place, row);
    const as = await issuer.token({ organization: own, subject, role });
    return await call(name, { tenant: place.slug, as, env: issuer.env(), params });
  };
  const orders = async (role: string, row: Role) =>
    (await ask("orders.list", role, row)).json.data.map(({ id }: { id: string }) => id);
  expect(await orders("org:fitter", "installer")).toEqual([place.orderId]);
  expect(await orders("org:fitter", "owner")).toEqual([]);
  expect(await orders("org:boss", "owner")).toEqual([place.orderId]);
  const params = { orderId: place.orderId };
  expect((await ask("orders.get", "org:fitter", "owner", params)).status).toBe(404);
  expect((await ask("orders.get", "org:fitter", "installer", params)).status).toBe(200);
});

test("locations are those of the row, whatever the token", async () => {
  const ids = async (role: string) => {
    const as = await token(role, "manager");
    const { json } = await call("locations.list", { tenant: tenant.slug, as, env: issuer.env() });
    return json.data.map(({ id }: { id: string }) => id);
  };
  expect(await ids("org:boss")).toEqual([tenant.locationIds[0]]);
  expect(await ids("org:member")).toEqual([tenant.locationIds[0]]);
});

test("a key made by an outside token holds no more than claim and row together", async () => {
  const make = async (scopes: string[], role: string, row: Role) => {
    const body = { name: "Till", scopes };
    const as = await token(role, row);
    return await call("api-keys.create", { tenant: tenant.slug, as, env: issuer.env(), body });
  };
  expect((await make(["orders:read"], "org:admin", "owner")).status).toBe(201);
  const more = await make(["tenant:delete"], "org:admin", "owner");
  expect([more.status, more.json.type]).toEqual([422, "/problems/scopes-exceed-creator"]);
  expect((await make(["tenant:delete"], "org:boss", "admin")).status).toBe(422);
  expect((await make(["orders:read"], "org:fitter", "owner")).status, "held to assignments").toBe(403);
});

test("what may be asked is asked within the member's tenant by the rights of the cell, whatever was cached", async () => {
  const place = await newTenant();
  const own = await newOrganization(issuer, place);
  const subject = await newPerson(issuer, own, place, "sales");
  const as = await issuer.token({ organization: own, subject, role: "org:boss" });
  const create = () =>
    call("customers.create", { tenant: place.slug, as, env: issuer.env(), body: { name: "Ada" } });
  const list = () => call("orders.list", { tenant: place.slug, as, env: issuer.env() });
  expect((await create()).status).toBe(201);
  // Demoted behind the gate's back: the epoch tells.
  const change = (sets: string) =>
    place.cell.database.batch([
      place.cell.database
        .prepare(`update members set ${sets} where tenant_id = ? and id = ?`)
        .bind(place.tenantId, place.memberIds.sales),
      place.cell.database
        .prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?")
        .bind(place.tenantId),
    ]);
  await change("role = 'viewer'");
  expect((await create()).status).toBe(403);
  const freeze = (state: string) =>
    rowsOf(
      place.cell.database,
      "update tenant_state set state = ? where tenant_id = ?",
      state,
      place.tenantId,
    );
  await freeze("frozen");
  expect((await list()).json.type).toBe("/problems/tenant-suspended");
  await freeze("active");
  await change("state = 'suspended'");
  // Rights that said no are read anew two seconds later.
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 2 * secondMs);
  expect((await list()).status).toBe(401);
});

test("the roles that these tests name are those that the issuer maps", () => {
  for (const [role, here] of Object.entries(claimed))
    expect(Object.entries(roleMapping)).toContainEqual([role, here]);
});

async function tryAs(name: string, role: string, row: Role) {
  const input = await exampleOf(name).make(tenant);
  return await call(name, { tenant: tenant.slug, as: await token(role, row), env: issuer.env(), ...input });
}

async function token(role: string, row: Role, changes: object = {}): Promise<string> {
  const subject = subjects.get(row);
  if (!subject) throw new Error(`Nobody outside is the ${row}.`);
  return await issuer.token({ organization, subject, role }, changes);
}

test("where a tenant asks for a second factor, its issuer has to say that there was one", async () => {
  const own = await newTenant();
  const place = await newOrganization(issuer, own);
  const people = {
    admin: await newPerson(issuer, place, own, "admin"),
    viewer: await newPerson(issuer, place, own, "viewer"),
  };
  const as = async (role: "admin" | "viewer", fva: readonly number[]) =>
    await issuer.token(
      { organization: place, role: role === "admin" ? "org:admin" : "org:guest", subject: people[role] },
      { fva },
    );
  const read = async (role: "admin" | "viewer", fva: readonly number[]) => {
    const { status, json } = await call("locations.list", {
      tenant: own.slug,
      as: await as(role, fva),
      env: issuer.env(),
    });
    return status === 200 ? 200 : json.type;
  };
  const owner = await memberToken(own, "owner");
  const ask = (secondFactor: string) =>
    call("security-policy.update", { tenant: own.slug, as: owner, body: { secondFactor } });
  const refused = "/problems/second-factor-enrolment-required";
  expect([await read("admin", [3, -1]), await read("viewer", [3, -1])]).toEqual([200, 200]);
  expect((await ask("elevated")).status).toBe(200);
  expect([await read("admin", [3, -1]), await read("viewer", [3, -1])]).toEqual([refused, 200]);
  expect(await read("admin", [3, 5])).toBe(200);
  await ask("everyone");
  expect([await read("viewer", [3, -1]), await read("viewer", [3, 0])]).toEqual([refused, 200]);
});
