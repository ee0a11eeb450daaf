import { expect, test } from "vitest";
import { exactToken } from "#crypto/blind-index.ts";
import { insert } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { newestKey } from "#db/tenant-keys.ts";
import { scheduledRun } from "#jobs/rewrap-tenant-keys.ts";
import { rotateTenantKeys } from "#jobs/rotate-tenant-keys.ts";
import { dayMs } from "#lib/time.ts";
import { changeAddress } from "#mail/suppressions.ts";
import { newId } from "#platform/ids.ts";
import { customers } from "#resources/customers/table.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { createCustomer, isReplay, person } from "#test/http/kit.ts";
import { carrier, deliver, newAddress, newMail, resetMail } from "#test/mail/kit.ts";
import { tamper } from "#test/tampering.ts";
import { as, memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { keyIds, left, move, newEndpoint, rotate } from "./rotations.ts";

const { call } = clientOf();

/** What a rotation tells of itself in the audit. By hand: each kind of thing that lies under a tenant's key. */
const steps = [
  "begun",
  "subjects",
  "secrets invitations",
  "secrets webhook_endpoints",
  "index invitations",
  "index customers",
];

test("each page of a rotation leaves everything readable and findable, and the last leaves nothing under the old key", async () => {
  const tenant = await newTenant();
  const { json: customer } = await createCustomer(tenant);
  const endpoint = await newEndpoint(tenant);
  const [oldKey = ""] = await keyIds(tenant);
  await rotate(tenant);
  const [, newKey = ""] = await keyIds(tenant);
  const { json: later } = await createCustomer(tenant, { body: { ...person, phone: "+44 20 7946 0999" } });
  // Of two endpoints, one of them the seed's.
  expect(await left(tenant, oldKey)).toMatchObject({ secrets: 4 });
  expect((await left(tenant, oldKey)).wraps).toBeGreaterThan(2);

  for (let pages = 0; ; pages += 1) {
    const found = await Promise.all([
      search(tenant, { name: "quarter" }),
      search(tenant, { email: person.email }),
      search(tenant, { phone: person.phone }),
    ]);
    expect(found, `after ${pages} pages`).toEqual([
      [later.id, customer.id],
      [later.id, customer.id],
      [customer.id],
    ]);
    expect((await get(tenant, customer.id)).json).toEqual(customer);
    expect((await getEndpoint(tenant, endpoint.id)).json).toMatchObject({ url: endpoint.url });
    if ((await move(tenant, 1)) === 0) break;
  }
  expect(await left(tenant, oldKey)).toEqual({ wraps: 0, secrets: 0 });
  const told = await notes(tenant);
  expect(told.map(({ step }) => step ?? "begun")).toEqual(steps);
  expect(told.map(({ isLast }) => isLast)).toEqual([undefined, false, false, false, false, true]);

  // Nothing asks for the old key any more: it could be gone.
  await tenant.cell.database
    .prepare("delete from tenant_keys where tenant_id = ? and id = ?")
    .bind(tenant.tenantId, oldKey)
    .run();
  await bumpEpoch(tenant);
  expect(await keyIds(tenant)).toEqual([newKey]);
  expect((await get(tenant, customer.id)).json).toEqual(customer);
  expect((await getEndpoint(tenant, endpoint.id)).json).toMatchObject({ url: endpoint.url });
  expect(await search(tenant, { name: "quarter" })).toEqual([later.id, customer.id]);
  expect(await search(tenant, { phone: person.phone })).toEqual([customer.id]);
});

test("a key is counted as used at least as often as a rotation has sealed with it, however often there is one", async () => {
  const tenant = await newTenant();
  const { database } = tenant.cell;
  const session = await systemSession(testEnv(), database, tenant.tenantId);
  const now = Date.now();
  for (const count of [0, 30, 60]) {
    const guests = Array.from({ length: count }, () =>
      insert(customers, { id: newId("cus"), name: "A Guest" }, now),
    );
    if (count > 0) await commitAsSystem(session, scheduledRun(now), guests);
    expect(await rotate(tenant)).toBe("begun");
    await move(tenant, 20);
    const key = await newestKey(session);
    const { wraps, secrets } = await left(tenant, key?.id ?? "");
    expect(wraps).toBeGreaterThan(count);
    expect(key?.uses, `with ${count} more`).toBeGreaterThanOrEqual(wraps + secrets);
  }
});

test("what a client got before a rotation is taken after it: replays, cursors, bookmarks", async () => {
  const tenant = await newTenant();
  const first = await createCustomer(tenant, { key: "before" });
  const page = await call("customers.list", { ...as(tenant), query: { limit: "1" } });
  await rotate(tenant);
  const customers = () =>
    rowsOf(tenant.cell.database, "select id from customers where tenant_id = ?", tenant.tenantId);
  const count = (await customers()).length;

  for (const again of [await createCustomer(tenant, { key: "before" }), await finished(tenant, "before")]) {
    expect([again.status, isReplay(again), again.json]).toEqual([201, true, first.json]);
  }
  const other = await createCustomer(tenant, { key: "before", body: { name: "Somebody else" } });
  expect([other.status, other.json.type]).toEqual([422, "/problems/idempotency-key-reused"]);
  expect(await customers()).toHaveLength(count);
  const next = await call("customers.list", {
    ...as(tenant),
    query: { limit: "1", cursor: page.json.nextCursor },
  });
  expect([next.status, next.json.data.length]).toEqual([200, 1]);
  expect(next.json.data[0].id).not.toBe(page.json.data[0].id);
});

test("the directory's own key rotates: signing keys and peppers move, and its unique tokens stay as they are", async () => {
  const tenant = await newTenant();
  const { DIRECTORY } = testEnv();
  const directory = { ...tenant, cell: { ...tenant.cell, database: DIRECTORY }, tenantId: platformTenant };
  const [mail, bounced] = [resetMail(newAddress()), newAddress()];
  const mailId = await newMail(mail);
  const run = { job: "test.suppress", requestId: newId("run"), now: Date.now() };
  await changeAddress(await openDirectory(testEnv()), { address: bounced, suppress: "bounced" }, run);
  const sealed: readonly (readonly [table: string, column: string])[] = [
    ["signing_keys", "private_jwk"],
    ["key_peppers", "pepper"],
    ["checkpoint_keys", "seed"],
    ["outgoing_mails", "recipient"],
    ["outgoing_mails", "data"],
    ["mail_suppressions", "recipient"],
  ];
  const kids = async () => {
    const texts = sealed.map(([table, column]) => `select ${column} as sealed from ${table}`);
    const rows = await Promise.all(texts.map((text) => rowsOf<{ sealed: string }>(DIRECTORY, text)));
    for (const [index, found] of rows.entries()) expect(found.length, texts[index]).toBeGreaterThan(0);
    return new Set(rows.flat().map((row) => row.sealed.split(".")[1]));
  };
  const tokenOf = async () =>
    await exactToken((await openDirectory(testEnv())).keys.ring.indexKey(), "subject", "user_1");
  const [oldKey = ""] = await keyIds(directory);
  const token = await tokenOf();
  expect(await kids()).toEqual(new Set([oldKey]));
  await rotate(directory);
  await move(directory, 20);
  const [, newKey = ""] = await keyIds(directory);
  expect(await kids()).toEqual(new Set([newKey]));
  expect(await tokenOf()).toBe(token);
  const bearer = await memberToken(tenant, "owner");
  expect((await call("customers.list", { tenant: tenant.slug, as: bearer })).status).toBe(200);
  expect((await notes(directory)).map(({ step }) => step ?? "begun")).toEqual([
    "begun",
    "subjects",
    "secrets signing_keys",
    "secrets key_peppers",
    "secrets checkpoint_keys",
    "secrets outgoing_mails",
    "secrets mail_suppressions",
    // The last is told, though it had nothing to move.
    "secrets recovery_codes",
  ]);
  // A mail that was written before leaves still, and an address that was suppressed stays so.
  const { env, sent } = carrier();
  for (const id of [mailId, await newMail(resetMail(bounced))]) await deliver(id, env);
  expect(sent.map(({ to }) => to)).toEqual([mail.to]);
});

test("a rotation begins once at a time, and stops at nothing that does not open", async () => {
  const tenant = await newTenant();
  const { json: customer } = await createCustomer(tenant);
  const endpoint = await newEndpoint(tenant);
  const [oldKey = ""] = await keyIds(tenant);
  const begun = await Promise.all(Array.from({ length: 5 }, () => rotate(tenant)));
  expect(begun.toSorted()).toEqual(["begun", ...Array.from({ length: 4 }, () => "under-way")]);
  expect(await keyIds(tenant)).toHaveLength(2);
  await tamper(tenant.cell.database, "webhook_endpoints", "secret", tenant.tenantId, endpoint.id);
  // Two runners at once write each page once.
  await Promise.all([move(tenant, 20), move(tenant, 20)]);
  expect(await left(tenant, oldKey)).toEqual({ wraps: 0, secrets: 2 });
  expect(await pending(tenant)).toEqual([]);
  expect((await notes(tenant)).map(({ step }) => step ?? "begun")).toEqual(steps);
  expect((await get(tenant, customer.id)).json).toEqual(customer);
  const failures = await rowsOf(
    tenant.cell.database,
    "select entity_id from audit_log where tenant_id = ? and operation = 'vault.open'",
    tenant.tenantId,
  );
  expect(failures).toEqual([{ entity_id: endpoint.id }]);
});

test("cron rotates a key that is a year old or near its bound, and looks at each once a day", async () => {
  const tenants = [await newTenant(), await newTenant(), await newTenant()] as const;
  const [old, busy, young] = tenants;
  const now = Date.now();
  const { database } = old.cell;
  const tick = (at: number) => rotateTenantKeys(testEnv(), database, scheduledRun(at));
  const counts = async () => await Promise.all(tenants.map(async (tenant) => (await keyIds(tenant)).length));
  await tick(now);
  expect(await counts()).toEqual([1, 1, 1]);
  const [{ uses = 0 } = {}] = await rowsOf<{ uses: number }>(
    database,
    "select uses from tenant_keys where tenant_id = ?",
    young.tenantId,
  );
  expect(uses).toBeGreaterThan(0);
  await database
    .prepare("update tenant_keys set created_at = ? where tenant_id = ?")
    .bind(new Date(now - 365 * dayMs).toISOString(), old.tenantId)
    .run();
  await database
    .prepare("update tenant_keys set uses_from = uses_from - 2147483648 where tenant_id = ?")
    .bind(busy.tenantId)
    .run();
  await tick(now + dayMs - 1);
  expect(await counts()).toEqual([1, 1, 1]);
  await tick(now + dayMs);
  expect(await counts()).toEqual([2, 2, 1]);
  await tick(now + 2 * dayMs);
  expect(await counts()).toEqual([2, 2, 1]);
});

test("an older key goes once nothing lies under it and 46 days are over, and what came late is moved first", async () => {
  const tenant = await newTenant();
  const { json: customer } = await createCustomer(tenant);
  const { database } = tenant.cell;
  const [oldKey = ""] = await keyIds(tenant);
  // A job that began before the rotation still seals with what it has.
  const late = await systemSession(testEnv(), database, tenant.tenantId);
  const now = Date.now();
  const tick = (at: number) => rotateTenantKeys(testEnv(), database, scheduledRun(at));
  await rotate(tenant);
  await move(tenant, 20);
  const run = scheduledRun(now);
  await commitAsSystem(late, run, [insert(customers, { id: newId("cus"), name: "Belated Guest" }, now)]);
  expect(await left(tenant, oldKey)).toEqual({ wraps: 1, secrets: 0 });
  await tick(now + 46 * dayMs);
  expect(await left(tenant, oldKey)).toEqual({ wraps: 0, secrets: 0 });
  expect(await keyIds(tenant)).toHaveLength(2);
  await tick(now + 47 * dayMs);
  expect(await keyIds(tenant)).not.toContain(oldKey);
  await bumpEpoch(tenant);
  expect((await get(tenant, customer.id)).json).toEqual(customer);
  expect(await search(tenant, { email: person.email })).toEqual([customer.id]);
  expect(await search(tenant, { name: "belated" })).toHaveLength(1);
  expect((await notes(tenant)).at(-1)).toEqual({ removed: true });
});

test("an older key stays while the bodies that may lie under it are kept", async () => {
  const tenant = await newTenant();
  const now = Date.now();
  await rotate(tenant);
  await move(tenant, 20);
  for (const days of [1, 20, 45])
    await rotateTenantKeys(testEnv(), tenant.cell.database, scheduledRun(now + days * dayMs));
  expect(await keyIds(tenant)).toHaveLength(2);
});

async function finished(tenant: TestTenant, key: string): Promise<Answer> {
  await move(tenant, 20);
  return await createCustomer(tenant, { key });
}

function getEndpoint(tenant: TestTenant, webhookEndpointId: string) {
  return call("webhook-endpoints.get", { ...as(tenant), params: { webhookEndpointId } });
}

function get(tenant: TestTenant, customerId: string) {
  return call("customers.get", { ...as(tenant), params: { customerId } });
}

async function search(tenant: TestTenant, body: object): Promise<string[]> {
  const { json } = await call("customers.search", { ...as(tenant), body });
  return json.data.map(({ id }: { id: string }) => id);
}

async function pending({ cell, tenantId }: TestTenant) {
  return await rowsOf(
    cell.database,
    "select key_id from key_rotations where tenant_id = ? and finished_at is null",
    tenantId,
  );
}

async function notes({ cell, tenantId }: TestTenant): Promise<Record<string, unknown>[]> {
  const rows = await rowsOf<{ row: string }>(
    cell.database,
    "select row from audit_log where tenant_id = ? and entity = 'tenant-key' order by seq",
    tenantId,
  );
  return rows.map(({ row }) => JSON.parse(row));
}

async function bumpEpoch({ cell, tenantId }: TestTenant): Promise<void> {
  await cell.database
    .prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?")
    .bind(tenantId)
    .run();
}
