import { expect, test } from "vitest";
import { kekWrapsSince } from "#db/directory-key-terms.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { runScheduled } from "#jobs/scheduled.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { registry } from "#resources/index.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { createCustomer, person } from "#test/http/kit.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
const second = `2:${"B".repeat(42)}A`;

test("cron wraps every tenant key by the newest KEK, with one audit row each, and nothing a second time", async () => {
  const tenants = [await newTenant("signs"), await newTenant("cafe")];
  const [tenant] = tenants;
  if (!tenant) throw new Error("No tenant.");
  const { json: customer } = await createCustomer(tenant);
  const both = envWith({ KEYLINE_KEKS: `${testEnv().KEYLINE_KEKS},${second}` });
  const read = (env = both) =>
    call("customers.get", { ...as(tenant), params: { customerId: customer.id }, env });
  // An isolate that has the newest KEK reads what the older one wraps.
  expect((await read()).json).toMatchObject(person);
  expect((await wraps(tenants)).every((kid) => kid === "kek1")).toBe(true);

  const since = (kid: string) => kekWrapsSince(keylessSession(testEnv().DIRECTORY, platformTenant), kid);
  const founded = await since("kek1");
  expect(await since("kek2")).toBe(founded);
  const at = Date.now() + dayMs;
  // However many runners see the same.
  await Promise.all([1, 2, 3].map(() => runScheduled(both, registry, at)));
  expect([await since("kek1"), await since("kek2")]).toEqual([founded, timestamp(at)]);
  expect((await wraps(tenants)).every((kid) => kid === "kek2")).toBe(true);
  for (const each of tenants) expect(await notes(each)).toEqual(['{"rewrapped":1}']);
  expect((await read()).json).toMatchObject(person);
  // Zero wraps are left on the older one, so it may go.
  expect((await read(envWith({ KEYLINE_KEKS: second }))).json).toMatchObject(person);

  await runScheduled(both, registry, Date.now());
  for (const each of tenants) expect(await notes(each)).toHaveLength(1);
});

test("a tenant whose key does not open keeps nobody else from being served", async () => {
  const [broken, tenant] = [await newTenant(), await newTenant()];
  const { database } = broken.cell;
  await database
    .prepare(
      "update tenant_keys set wrapped = substr(wrapped, 1, length(wrapped) - 2) || 'AA' where tenant_id = ?",
    )
    .bind(broken.tenantId)
    .run();
  await runScheduled(envWith({ KEYLINE_KEKS: `${testEnv().KEYLINE_KEKS},${second}` }), registry, Date.now());
  expect(await kids(database, broken.tenantId)).toEqual(["kek1"]);
  expect(await kids(database, tenant.tenantId)).toEqual(["kek2"]);
  expect(await notes(broken)).toEqual([]);
  const failures = "select row from audit_log where tenant_id = ? and operation = 'vault.open'";
  expect(await rowsOf(database, failures, broken.tenantId)).toEqual([
    { row: expect.stringContaining('"table":"tenant_keys"') },
  ]);
});

async function wraps(tenants: readonly TestTenant[]): Promise<string[]> {
  const ofTenants = await Promise.all(tenants.map(({ cell, tenantId }) => kids(cell.database, tenantId)));
  return [...ofTenants.flat(), ...(await kids(testEnv().DIRECTORY, platformTenant))];
}

async function kids(database: D1Database, tenantId: string): Promise<string[]> {
  const rows = await rowsOf<{ wrapped: string }>(
    database,
    "select wrapped from tenant_keys where tenant_id = ?",
    tenantId,
  );
  return rows.map(({ wrapped }) => wrapped.split(".")[1] ?? "");
}

async function notes({ cell, tenantId }: TestTenant): Promise<string[]> {
  const rows = await rowsOf<{ row: string }>(
    cell.database,
    "select row from audit_log where tenant_id = ? and operation = 'jobs.rotate-keys' and entity_id = 'kek2'",
    tenantId,
  );
  return rows.map(({ row }) => row);
}
