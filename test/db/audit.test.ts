import { afterEach, expect, test, vi } from "vitest";
import { destroySubject } from "#db/destroy-subject.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { as, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

afterEach(() => void vi.useRealTimers());

const columns =
  "tenant_id, seq, id, operation, action, entity, entity_id, row, changed, location_id, assignee_id, actor_kind, actor_id, actor_chain, support_grant_id, request_id, caller, created_at";

/** A row of this tenant (?1) copied with some columns changed. */
function forged(changes: Readonly<Record<string, string>>, where = "seq = 1"): string {
  const values = columns.split(", ").map((column) => changes[column] ?? column);
  return `(${columns}) select ${values.join(", ")} from audit_log where tenant_id = ?1 and ${where}`;
}

const attacks: Readonly<Record<string, string>> = {
  update: "update audit_log set operation = 'forged' where tenant_id = ?1",
  "update of one column of one row": "update audit_log set caller = null where tenant_id = ?1 and seq = 2",
  "update or replace": "update or replace audit_log set seq = 2 where tenant_id = ?1 and seq = 1",
  "update or ignore": "update or ignore audit_log set row = '{}' where tenant_id = ?1",
  "update from": "update audit_log set row = a.row from audit_log as a where audit_log.tenant_id = ?1",
  delete: "delete from audit_log where tenant_id = ?1",
  "delete of one row": "delete from audit_log where tenant_id = ?1 and seq = 1",
  "replace into": `replace into audit_log ${forged({ operation: "'forged'" })}`,
  "replace into by id": `replace into audit_log ${forged({ seq: "100000" })}`,
  "insert or replace": `insert or replace into audit_log ${forged({ row: "'{}'" })}`,
  "insert or replace by seq": `insert or replace into audit_log ${forged({ id: "'aud_forged'" })}`,
  "insert or ignore": `insert or ignore into audit_log ${forged({ operation: "'forged'" })}`,
  upsert: `insert into audit_log ${forged({})} on conflict (tenant_id, seq) do update set operation = 'forged'`,
  "upsert by id": `insert into audit_log ${forged({ seq: "100000" })} on conflict (tenant_id, id) do update set row = '{}'`,
  "upsert on any conflict": `insert into audit_log ${forged({})} on conflict do update set row = '{}'`,
};

for (const [form, text] of Object.entries(attacks)) {
  test(`the audit refuses ${form}, in a cell and in the directory`, async () => {
    const tenant = await newTenant();
    for (const [database, tenantId] of auditsOf(tenant)) {
      const before = await auditOf(database, tenantId);
      expect(before.length).toBeGreaterThan(1);
      await expect(database.prepare(text).bind(tenantId).run()).rejects.toThrow("audit-is-append-only");
      await expect(
        database.batch([database.prepare(text).bind(tenantId), database.prepare("select 1")]),
      ).rejects.toThrow("audit-is-append-only");
      expect(await auditOf(database, tenantId)).toEqual(before);
    }
  });
}

test("rows leave the audit under a purge permit, up to its seq and of its tenant alone", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const { database } = tenant.cell;
  const purge = (tenantId: string, upto: number) =>
    database.prepare("delete from audit_log where tenant_id = ? and seq <= ?").bind(tenantId, upto).run();
  const before = await auditOf(database, tenant.tenantId);
  await expect(purge(tenant.tenantId, 1)).rejects.toThrow("audit-is-append-only");
  await permit(tenant, 3);
  await expect(purge(tenant.tenantId, 4)).rejects.toThrow("audit-is-append-only");
  await expect(purge(other.tenantId, 1)).rejects.toThrow("audit-is-append-only");
  expect(await auditOf(database, tenant.tenantId)).toEqual(before);
  await purge(tenant.tenantId, 3);
  expect(await auditOf(database, tenant.tenantId)).toEqual(before.slice(3));
  expect((await createCustomer(tenant)).status).toBe(201);
  expect((await auditOf(database, tenant.tenantId)).at(-1)?.seq).toBe(before.length + 1);
});

test("a purge permit is never changed, withdrawn or replaced", async () => {
  const tenant = await newTenant();
  const { database } = tenant.cell;
  await permit(tenant, 1);
  const values = "(tenant_id, upto_seq, reason, created_at) values (?1, 1, 'forged', '')";
  for (const text of [
    "update purge_permits set upto_seq = 1000 where tenant_id = ?1",
    "update or replace purge_permits set reason = 'forged' where tenant_id = ?1",
    "delete from purge_permits where tenant_id = ?1",
    `replace into purge_permits ${values}`,
    `insert or replace into purge_permits ${values}`,
    `insert or ignore into purge_permits ${values}`,
    `insert into purge_permits ${values} on conflict do update set upto_seq = 1000`,
  ]) {
    await expect(database.prepare(text).bind(tenant.tenantId).run(), text).rejects.toThrow(
      "purge-permits-are-append-only",
    );
  }
  expect(
    await rowsOf(database, "select upto_seq, reason from purge_permits where tenant_id = ?", tenant.tenantId),
  ).toEqual([{ upto_seq: 1, reason: "test" }]);
});

test("50 parallel writes of several principals are numbered without gaps, and refused ones leave none", async () => {
  const tenant = await newTenant();
  const [member, staff] = [await memberToken(tenant, "owner"), await memberToken(tenant, "staff")];
  const writes = Array.from({ length: 50 }, (_, index) => {
    const by = [tenant.key, member, staff][index % 3] ?? tenant.key;
    if (index % 5 === 1) return createOrder(tenant, by, { customerId: newId("cus") });
    return index % 2 === 0 ? createCustomer(tenant, by) : createOrder(tenant, by);
  });
  const statuses = (await Promise.all(writes)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 422)).toHaveLength(10);
  expect(statuses.filter((status) => status === 201)).toHaveLength(40);
  const { database } = tenant.cell;
  const audit = await auditOf(database, tenant.tenantId);
  expect(audit.map(({ seq }) => seq)).toEqual(audit.map((_, index) => index + 1));
  const events = await rowsOf(
    database,
    "select seq from events where tenant_id = ? order by seq",
    tenant.tenantId,
  );
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  // Customers give one row each and orders two: their own and their line's.
  const customers = statuses.filter((status, index) => status === 201 && index % 2 === 0).length;
  const written = audit.filter(({ operation }) => /^(customers|orders)\.create$/.test(String(operation)));
  expect(written).toHaveLength(customers + 2 * (40 - customers));
});

test("an audit row is the changed row itself: sealed fields as they lie, no digest, what was changed", async () => {
  const tenant = await newTenant();
  const person = { name: "Ottoline Fairweather", email: "ottoline@example.com", phone: "+44 20 7946 0999" };
  const { json: customer } = await createCustomer(tenant, tenant.key, person);
  const created = await storedCustomer(tenant, customer.id);
  const updated = await call("customers.update", {
    ...as(tenant),
    params: { customerId: customer.id },
    body: { email: "o.fairweather@example.com", note: null },
  });
  const [first, second] = await entriesOf(tenant, customer.id);
  expect(JSON.parse(String(first?.row))).toEqual(created);
  expect(JSON.parse(String(second?.row))).toEqual(await storedCustomer(tenant, customer.id));
  expect(first).toMatchObject({ operation: "customers.create", action: "created", changed: null });
  expect(second).toMatchObject({ operation: "customers.update", action: "updated" });
  expect(JSON.parse(String(second?.changed))).toEqual(["email", "note"]);
  expect(second).toMatchObject({
    entity: "customer",
    actor_kind: "api-key",
    actor_id: tenant.keyId,
    request_id: updated.headers.get("x-request-id"),
    location_id: null,
    assignee_id: null,
  });
  for (const field of ["name", "email", "phone"]) expect(created[field]).toMatch(/^v1\.sky_/);
  expect(Object.keys(created)).not.toContain("emailToken");
  const text = JSON.stringify(await auditOf(tenant.cell.database, tenant.tenantId));
  for (const canary of ["Ottoline", "fairweather@", "7946", await tokenOf(tenant, customer.id)])
    expect(text).not.toContain(canary);
});

test("the audit keeps neither a key's hash nor the secrets of the directory, only that they changed", async () => {
  const tenant = await newTenant();
  const [created] = await entriesOf(tenant, tenant.keyId);
  const [{ secret_hash: hash } = { secret_hash: "" }] = await rowsOf<{ secret_hash: string }>(
    tenant.cell.database,
    "select secret_hash from api_keys where tenant_id = ? and id = ?",
    tenant.tenantId,
    tenant.keyId,
  );
  expect(hash.length).toBeGreaterThan(20);
  expect(String(created?.row)).not.toContain(hash);
  expect(Object.keys(JSON.parse(String(created?.row)))).not.toContain("secretHash");

  const rows = await rowsOf<{ entity: string; row: string }>(
    testEnv().DIRECTORY,
    "select entity, row from audit_log where tenant_id = ? and entity in ('signing-key', 'key-pepper')",
    platformTenant,
  );
  expect(new Set(rows.map(({ entity }) => entity))).toEqual(new Set(["signing-key", "key-pepper"]));
  for (const { row } of rows) {
    expect(Object.keys(JSON.parse(row))).not.toContain("privateJwk");
    expect(Object.keys(JSON.parse(row))).not.toContain("pepper");
  }
});

test("an order's rows carry its location and assignee, and its lines inherit them", async () => {
  const tenant = await newTenant();
  const { json: order } = await createOrder(tenant, tenant.key, { assigneeId: tenant.memberIds.designer });
  const place = { location_id: tenant.locationIds[0], assignee_id: tenant.memberIds.designer };
  const reassigned = { ...place, assignee_id: tenant.memberIds.installer };
  const params = { orderId: order.id };
  const lines = [{ description: "Other", quantityThousandths: 1000, unitPrice: 1 }];
  await call("orders.update", {
    ...as(tenant),
    params,
    body: { lines, assigneeId: tenant.memberIds.installer },
  });
  const updated = await call("orders.get", { ...as(tenant), params });
  const entries = [
    ...(await entriesOf(tenant, order.id)),
    ...(await entriesOf(tenant, order.lines[0].id)),
    ...(await entriesOf(tenant, updated.json.lines[0].id)),
  ];
  expect(entries.map(({ entity, action }) => `${entity} ${action}`)).toEqual([
    "order created",
    "order updated",
    "order-line created",
    "order-line deleted",
    "order-line created",
  ]);
  const [created, changed, line, gone, next] = entries;
  for (const entry of [created, line]) expect(entry).toMatchObject(place);
  for (const entry of [changed, gone, next]) expect(entry).toMatchObject(reassigned);
  expect(JSON.parse(String(gone?.row))).toEqual(JSON.parse(String(line?.row)));
  expect(JSON.parse(String(changed?.changed)).sort()).toEqual(["assigneeId", "net", "tax", "total"]);
  expect(new Set([changed, gone, next].map((entry) => entry?.request_id)).size).toBe(1);
});

test("a refused write leaves no audit row", async () => {
  const tenant = await newTenant();
  const before = await auditOf(tenant.cell.database, tenant.tenantId);
  const refused = [
    await createOrder(tenant, tenant.key, { customerId: newId("cus") }),
    await createCustomer(tenant, await memberToken(tenant, "viewer")),
    await call("orders.complete", { ...as(tenant), params: { orderId: tenant.orderId } }),
    await createCustomer(tenant, tenant.key, { name: "" }),
  ];
  expect(refused.map(({ status }) => status)).toEqual([422, 403, 409, 422]);
  expect(await auditOf(tenant.cell.database, tenant.tenantId)).toEqual(before);
});

test("a caller's address and agent are sealed in the table and open in the audit's answer", async () => {
  const tenant = await newTenant();
  const headers = { "CF-Connecting-IP": "203.0.113.77", "User-Agent": "Till/7.1 (front desk)" };
  const token = await memberToken(tenant, "sales");
  const answers = [
    await createCustomer(tenant, tenant.key, { name: "By key" }, headers),
    await createCustomer(tenant, token, { name: "By member" }, headers),
    await createCustomer(tenant, tenant.key, { name: "By nobody" }),
  ];
  const shown = await listAudit(tenant, { operation: "customers.create" });
  expect(
    shown.json.data.map((entry: Entry) => [entry.actor.id, entry.ip, entry.userAgent, entry.requestId]),
  ).toEqual([
    [tenant.keyId, null, null, answers[2]?.headers.get("x-request-id")],
    [
      tenant.memberIds.sales,
      "203.0.113.77",
      "Till/7.1 (front desk)",
      answers[1]?.headers.get("x-request-id"),
    ],
    [tenant.keyId, "203.0.113.77", "Till/7.1 (front desk)", answers[0]?.headers.get("x-request-id")],
  ]);
  const stored = await auditOf(tenant.cell.database, tenant.tenantId);
  const callers = stored
    .filter(({ operation }) => operation === "customers.create")
    .map(({ caller }) => caller);
  expect(callers.every((caller) => /^v1\.sky_/.test(String(caller)))).toBe(true);
  expect(new Set(callers).size).toBe(3);
  for (const canary of ["203.0.113", "front desk"]) expect(JSON.stringify(stored)).not.toContain(canary);
});

test("who called is gone with the caller's own key, and the rest of the entry stays", async () => {
  const tenant = await newTenant();
  await createCustomer(tenant, await memberToken(tenant, "sales"), undefined, {
    "CF-Connecting-IP": "203.0.113.77",
  });
  const person = { tenantId: tenant.tenantId, subjectId: tenant.memberIds.sales };
  const now = Date.now();
  await destroySubject(
    tenant.cell.database,
    { ...person, destroyedAt: timestamp(now) },
    { job: "test.destroy", requestId: newId("run"), now },
  );
  const { json } = await listAudit(tenant, { actorId: tenant.memberIds.sales });
  expect(json.data).toMatchObject([{ operation: "customers.create", ip: null, userAgent: null }]);
});

test("the audit is filtered by actor, operation, entity and time, one of the first three at once", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const start = Date.now();
  const at = (seconds: number) => new Date(start + seconds * secondMs).toISOString();
  const token = await memberToken(tenant, "sales");
  const made: string[] = [];
  for (const by of [tenant.key, token, tenant.key, token]) {
    vi.setSystemTime(Date.now() + secondMs);
    made.push((await createCustomer(tenant, by)).json.id);
  }
  const ids = async (filter: Record<string, string>) =>
    (await listAudit(tenant, filter)).json.data.map((entry: Entry) => made.indexOf(entry.entityId));
  const create = { operation: "customers.create" };
  expect(await ids(create)).toEqual([3, 2, 1, 0]);
  expect(await ids({ actorId: tenant.memberIds.sales })).toEqual([3, 1]);
  expect(await ids({ actorId: tenant.keyId })).toEqual([2, 0]);
  expect(await ids({ entityId: made[2] ?? "" })).toEqual([2]);
  expect(await ids({ ...create, from: at(2) })).toEqual([3, 2, 1]);
  expect(await ids({ ...create, until: at(3) })).toEqual([1, 0]);
  expect(await ids({ from: at(2), until: at(3) })).toEqual([1]);
  expect(await ids({ actorId: tenant.keyId, from: at(2), until: at(4) })).toEqual([2]);
  expect(await ids({ actorId: newId("mbr") })).toEqual([]);
  for (const filter of [
    { actorId: tenant.keyId, operation: "customers.create" },
    { operation: "customers.create", entityId: made[0] ?? "" },
    { from: "yesterday" },
    { colour: "red" },
  ]) {
    expect((await listAudit(tenant, filter)).status).toBe(422);
  }
});

test("pages of the audit join without a gap or a repetition, newest first", async () => {
  const tenant = await newTenant();
  for (let index = 0; index < 3; index += 1) await createOrder(tenant);
  const whole = await listAudit(tenant, { limit: "100" });
  const entries: Entry[] = [];
  let cursor: string | null = null;
  do {
    const page: Answer = await listAudit(tenant, { limit: "7", ...(cursor && { cursor }) });
    expect(page.json.data.length).toBeLessThanOrEqual(7);
    entries.push(...page.json.data);
    cursor = page.json.nextCursor;
  } while (cursor !== null);
  expect(entries).toEqual(whole.json.data);
  expect(whole.json.nextCursor).toBeNull();
  const stored = await auditOf(tenant.cell.database, tenant.tenantId);
  expect(entries.map(({ seq }) => seq)).toEqual(stored.map(({ seq }) => seq).reverse());
});

test("a cursor serves its own tenant, list and filter, and is refused elsewhere like a made-up one", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const first = await listAudit(tenant, { operation: "cli.seed", limit: "2" });
  const cursor: string = first.json.nextCursor;
  const flipped = cursor.slice(0, -1) + (cursor.endsWith("A") ? "B" : "A");
  expect((await listAudit(tenant, { operation: "cli.seed", limit: "3", cursor })).status).toBe(200);
  const refused = [
    await listAudit(tenant, { cursor }),
    await listAudit(tenant, { operation: "customers.create", cursor }),
    await listAudit(tenant, { operation: "cli.seed", from: "2020-01-01T00:00:00Z", cursor }),
    await listAudit(other, { operation: "cli.seed", cursor }),
    await call("orders.list", { ...as(tenant), query: { cursor } }),
    await listAudit(tenant, { operation: "cli.seed", cursor: flipped }),
    await listAudit(tenant, { operation: "cli.seed", cursor: "e30.e30" }),
    await listAudit(tenant, { operation: "cli.seed", cursor: "" }),
  ];
  expect(refused.map(({ status, json }) => [status, json.errors[0].parameter])).toEqual(
    refused.map(() => [422, "cursor"]),
  );
});

test("who is limited to locations sees those entries alone, and never one without a location", async () => {
  const tenant = await newTenant();
  const [, there] = tenant.locationIds;
  const { json: key } = await call("api-keys.create", {
    ...as(tenant),
    body: { name: "Auditor of the bay", scopes: ["audit:read"], locationIds: [there] },
  });
  await createCustomer(tenant);
  await createOrder(tenant);
  const { json: order } = await createOrder(tenant, tenant.key, { locationId: there });
  const seen = await call("audit.list", { tenant: tenant.slug, as: key.key, query: { limit: "100" } });
  expect(new Set(seen.json.data.map((entry: Entry) => entry.locationId))).toEqual(new Set([there]));
  expect(seen.json.data.map((entry: Entry) => entry.entityId)).toContain(order.id);
  expect((await listAudit({ ...tenant, key: await memberToken(tenant, "viewer") })).status).toBe(403);
});

interface Entry {
  readonly seq: number;
  readonly entityId: string;
  readonly locationId: string | null;
  readonly actor: { readonly id: string };
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string;
}

function createCustomer(
  tenant: TestTenant,
  as: string = tenant.key,
  body: object = { name: "Somebody" },
  headers: Record<string, string> = {},
): Promise<Answer> {
  return call("customers.create", { tenant: tenant.slug, as, body, headers });
}

function createOrder(tenant: TestTenant, as: string = tenant.key, changes: object = {}): Promise<Answer> {
  const lines = [{ description: "Sign", quantityThousandths: 1000, unitPrice: 12_000, taxBasisPoints: 1000 }];
  const body = { customerId: tenant.customerIds[0], locationId: tenant.locationIds[0], lines, ...changes };
  return call("orders.create", { tenant: tenant.slug, as, body });
}

function listAudit(tenant: TestTenant, query: Record<string, string> = {}): Promise<Answer> {
  return call("audit.list", { ...as(tenant), query });
}

function auditOf(database: D1Database, tenantId: string) {
  return rowsOf<Record<string, unknown>>(
    database,
    "select * from audit_log where tenant_id = ? order by seq",
    tenantId,
  );
}

function auditsOf(tenant: TestTenant): [D1Database, string][] {
  return [
    [tenant.cell.database, tenant.tenantId],
    [testEnv().DIRECTORY, platformTenant],
  ];
}

function entriesOf({ cell, tenantId }: TestTenant, entityId: string) {
  return rowsOf<Record<string, unknown>>(
    cell.database,
    "select * from audit_log where tenant_id = ? and entity_id = ? order by seq",
    tenantId,
    entityId,
  );
}

async function permit({ cell, tenantId }: TestTenant, upto: number): Promise<void> {
  await cell.database
    .prepare("insert into purge_permits (tenant_id, upto_seq, reason, created_at) values (?, ?, 'test', '')")
    .bind(tenantId, upto)
    .run();
}

/** The customer's row as it lies, under the names that the audit gives its columns. */
async function storedCustomer({ cell, tenantId }: TestTenant, id: string) {
  const [row = {}] = await rowsOf<Record<string, unknown>>(
    cell.database,
    `select id, version, created_at as "createdAt", updated_at as "updatedAt", name, email, phone, note, deleted_at as "deletedAt" from customers where tenant_id = ? and id = ?`,
    tenantId,
    id,
  );
  return row;
}

async function tokenOf({ cell, tenantId }: TestTenant, id: string): Promise<string> {
  const [row] = await rowsOf<{ email_token: string }>(
    cell.database,
    "select email_token from customers where tenant_id = ? and id = ?",
    tenantId,
    id,
  );
  return row?.email_token ?? "";
}
