import { afterEach, expect, test, vi } from "vitest";
import { hourMs } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { createCustomer, person } from "#test/http/kit.ts";
import { tamper } from "#test/tampering.ts";
import { as, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

test("a value that does not open is a 500, one audit row and one event an hour, without the value", async () => {
  const tenant = await newTenant();
  const { json: customer } = await createCustomer(tenant);
  await tamper(tenant.cell.database, "customers", "note", tenant.tenantId, customer.id);
  vi.useFakeTimers({ toFake: ["Date"] });
  const get = () => call("customers.get", { ...as(tenant), params: { customerId: customer.id } });
  const answers = await Promise.all([get(), get(), get(), call("customers.list", as(tenant))]);
  expect(answers.map(({ status, json }) => [status, json.type])).toEqual(
    answers.map(() => [500, "/problems/internal"]),
  );
  const where = { table: "customers", column: "note", row: customer.id, reason: "bad-tag" };
  expect(await notes(tenant)).toEqual([
    {
      actor_kind: "system",
      operation: "vault.open",
      entity: "sealed-value",
      entity_id: customer.id,
      row: where,
    },
  ]);
  expect(await events(tenant)).toEqual([where]);

  vi.setSystemTime(Date.now() + hourMs - 1);
  expect((await get()).status).toBe(500);
  expect(await notes(tenant)).toHaveLength(1);
  vi.setSystemTime(Date.now() + 1);
  expect((await get()).status).toBe(500);
  expect(await notes(tenant)).toHaveLength(2);
  expect(JSON.stringify(await auditAndEvents(tenant))).not.toContain(person.note);
});

test("each value that does not open has a row of its own, and other tenants have none", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const { database } = tenant.cell;
  const [first, second] = [await createCustomer(tenant), await createCustomer(tenant)];
  const ids: string[] = [first.json.id, second.json.id];
  const [id = "", donor = ""] = ids;
  // Another person's envelope, in its own column: the key that it asks for is not this person's.
  await database
    .prepare(
      "update customers set email = (select email from customers where tenant_id = ?1 and id = ?2) where tenant_id = ?1 and id = ?3",
    )
    .bind(tenant.tenantId, donor, id)
    .run();
  await database
    .prepare("update customers set name = 'in plain' where tenant_id = ? and id = ?")
    .bind(tenant.tenantId, donor)
    .run();
  for (const customerId of [id, donor])
    expect((await call("customers.get", { ...as(tenant), params: { customerId } })).status).toBe(500);
  expect((await notes(tenant)).map(({ row }) => row)).toEqual([
    { table: "customers", column: "email", row: id, reason: "wrong-key" },
    { table: "customers", column: "name", row: donor, reason: "malformed" },
  ]);
  expect(await notes(other)).toEqual([]);
  expect(
    await rowsOf(
      database,
      "select 1 from audit_log where tenant_id = ? and row like '%plain%'",
      tenant.tenantId,
    ),
  ).toEqual([]);
});

test("a wrapped key that does not open is told by whose it is", async () => {
  const tenant = await newTenant();
  const { json: customer } = await createCustomer(tenant);
  const { database } = tenant.cell;
  const [key] = await rowsOf<{ wrapped: string; id: string }>(
    database,
    "select id, wrapped from subject_keys where tenant_id = ? and subject_id = ?",
    tenant.tenantId,
    customer.id,
  );
  await database
    .prepare("update subject_keys set wrapped = ? where tenant_id = ? and subject_id = ?")
    .bind(`${key?.wrapped.slice(0, -2)}AA`, tenant.tenantId, customer.id)
    .run();
  expect((await call("customers.get", { ...as(tenant), params: { customerId: customer.id } })).status).toBe(
    500,
  );
  expect(await notes(tenant)).toMatchObject([
    { entity_id: customer.id, row: { table: "subject_keys", column: "wrapped", reason: "bad-tag" } },
  ]);
});

test("a tenant's own key that does not open is told too, though no key is at hand to tell it", async () => {
  const tenant = await newTenant();
  const { database } = tenant.cell;
  await tamper(database, "tenant_keys", "wrapped", tenant.tenantId, await keyIdOf(tenant));
  expect((await call("customers.list", as(tenant))).status).toBe(500);
  expect(await notes(tenant)).toMatchObject([
    { row: { table: "tenant_keys", column: "wrapped", reason: "bad-tag" } },
  ]);
});

test("who called is told as unopened where their key is gone, and as nobody where it was destroyed", async () => {
  const tenant = await newTenant();
  const headers = { "User-Agent": "Till/2" };
  expect((await call("customers.create", { ...as(tenant), headers, body: person })).status).toBe(201);
  const { database } = tenant.cell;
  const owner = await memberToken(tenant, "owner");
  const query = { operation: "customers.create", limit: "1" };
  const list = () => call("audit.list", { tenant: tenant.slug, as: owner, query });
  const { data } = (await list()).json;
  expect(data[0].userAgent).toBe("Till/2");
  await database
    .prepare("delete from subject_keys where tenant_id = ? and subject_id = ?")
    .bind(tenant.tenantId, tenant.keyId)
    .run();
  expect((await list()).status).toBe(500);
  expect(await notes(tenant)).toMatchObject([
    { row: { table: "audit_log", column: "caller", row: data[0].requestId, reason: "wrong-key" } },
  ]);
  await database
    .prepare("insert into subject_tombstones (tenant_id, subject_id, destroyed_at) values (?, ?, ?)")
    .bind(tenant.tenantId, tenant.keyId, new Date().toISOString())
    .run();
  expect((await list()).json.data).toMatchObject([{ ip: null, userAgent: null }]);
});

test("the row is read like any other of the audit, and its tenant's operators may be told of it", async () => {
  const tenant = await newTenant();
  const { json: customer } = await createCustomer(tenant);
  await tamper(tenant.cell.database, "customers", "phone", tenant.tenantId, customer.id);
  await call("customers.get", { ...as(tenant), params: { customerId: customer.id } });
  const audit = await call("audit.list", { ...as(tenant), query: { operation: "vault.open" } });
  expect(audit.json.data).toMatchObject([
    { action: "note", entityId: customer.id, ip: null, userAgent: null },
  ]);
  const told = await call("events.list", as(tenant));
  expect(told.json.data.map(({ type }: { type: string }) => type)).toContain("vault.open_failed");
});

async function keyIdOf({ cell, tenantId }: TestTenant): Promise<string> {
  const [row] = await rowsOf<{ id: string }>(
    cell.database,
    "select id from tenant_keys where tenant_id = ?",
    tenantId,
  );
  return row?.id ?? "";
}

async function notes({ cell, tenantId }: TestTenant) {
  const rows = await rowsOf<{ row: string }>(
    cell.database,
    "select actor_kind, operation, entity, entity_id, row from audit_log where tenant_id = ? and operation = 'vault.open' order by seq",
    tenantId,
  );
  return rows.map((row) => ({ ...row, row: JSON.parse(row.row) }));
}

async function events({ cell, tenantId }: TestTenant) {
  const rows = await rowsOf<{ data: string }>(
    cell.database,
    "select data from events where tenant_id = ? and type = 'vault.open_failed' order by seq",
    tenantId,
  );
  return rows.map(({ data }) => JSON.parse(data));
}

async function auditAndEvents({ cell, tenantId }: TestTenant) {
  return [
    await rowsOf(cell.database, "select * from audit_log where tenant_id = ?", tenantId),
    await rowsOf(cell.database, "select * from events where tenant_id = ?", tenantId),
  ];
}
