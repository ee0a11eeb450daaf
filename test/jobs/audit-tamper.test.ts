import { expect, test } from "vitest";
import { type Hash, hashLeaf } from "#crypto/merkle.ts";
import { entriesAfter, entryOf } from "#db/audit-entries.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { auditLogOf } from "#platform/audit-trees.ts";
import { addNotes, logAll } from "#test/audit-log.ts";
import { testEnv } from "#test/env.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";

// The audit's rows are edited by hand, in D1, under a tree that has taken them in.

test("every column of an audit row is in its leaf, in both kinds of database", async () => {
  const tenant = await newTenant();
  const [row] = await auditOf(tenant);
  const { bytes } = await entryOf(tenant.tenantId, row);
  const { v: _, ...logged } = JSON.parse(fromUtf8(bytes));
  for (const database of [tenant.cell.database, testEnv().DIRECTORY])
    expect(Object.keys(logged).toSorted()).toEqual((await columnsOf(database)).toSorted());
});

test("whichever column of a row is edited, the row fits its leaf no longer", async () => {
  const tenant = await newTenant();
  const { database } = await opened(tenant);
  const columns = (await columnsOf(database)).filter((name) => name !== "tenant_id");
  expect(columns).toHaveLength(17);
  const isJson = (name: string) => ["row", "changed", "actor_chain"].includes(name);
  const before = (await auditOf(tenant))[4];
  const leaf = (await leavesOf(tenant))[4]?.toHex();
  const edit = async (name: string, value: unknown) => {
    await rowsOf(
      database,
      `update audit_log set "${name}" = ? where tenant_id = ? and id = ?`,
      value,
      tenant.tenantId,
      name === "id" && value === before?.id ? "edited" : before?.id,
    );
  };
  for (const name of columns) {
    const value = name === "seq" ? 100_000 : isJson(name) ? '{"edited":true}' : "edited";
    await edit(name, value);
    const edited = (await auditOf(tenant)).find((row) => row[name] === value);
    expect(edited, name).toBeDefined();
    expect((await hashLeaf((await entryOf(tenant.tenantId, edited)).bytes)).toHex(), name).not.toBe(leaf);
    expect(await misfits(tenant), name).toContain(5);
    await edit(name, before?.[name] ?? null);
    expect(await misfits(tenant), `${name} is as it was`).toEqual([]);
  }
});

test("of a row that is inserted, two that are swapped and some that are cut off, the first that misfits is the one", async () => {
  const tenant = await newTenant();
  const { database, size } = await opened(tenant);
  const renumber = (from: number, to: number) =>
    rowsOf(
      database,
      "update audit_log set seq = ? where tenant_id = ? and seq = ?",
      to,
      tenant.tenantId,
      from,
    );
  const swap = async () => {
    await renumber(3, 0);
    await renumber(7, 3);
    await renumber(0, 7);
  };
  await swap();
  expect(await misfits(tenant)).toEqual([3, 7]);
  await swap();
  expect(await misfits(tenant)).toEqual([]);

  for (let seq = size; seq >= 9; seq -= 1) await renumber(seq, seq + 1);
  const columns = (await columnsOf(database)).filter((name) => name !== "seq" && name !== "id").join(", ");
  await rowsOf(
    database,
    `insert into audit_log (seq, id, ${columns}) select 9, 'inserted', ${columns} from audit_log where tenant_id = ? and seq = 8`,
    tenant.tenantId,
  );
  expect((await misfits(tenant))[0]).toBe(9);
  await rowsOf(database, "delete from audit_log where tenant_id = ? and seq = 9", tenant.tenantId);
  for (let seq = 9; seq <= size; seq += 1) await renumber(seq + 1, seq);
  expect(await misfits(tenant)).toEqual([]);

  await rowsOf(database, "delete from audit_log where tenant_id = ? and seq > ?", tenant.tenantId, size - 2);
  expect(await misfits(tenant)).toEqual([size - 1, size]);
});

/** Its rows can be changed from here on, and all are leaves. */
async function opened(tenant: TestTenant) {
  await addNotes(tenant, 10);
  await logAll(tenant);
  const { database } = tenant.cell;
  for (const name of ["update", "delete", "replace"])
    await database.exec(`drop trigger if exists audit_log_refuses_${name}`);
  expect(await misfits(tenant)).toEqual([]);
  return { database, size: (await leavesOf(tenant)).length };
}

/** The numbers of the leaves whose row is not there, or another. */
async function misfits(tenant: TestTenant): Promise<number[]> {
  const driver = new TenantDriver(new Store(tenant.cell.database, "first-primary"), tenant.tenantId);
  const { entries } = await entriesAfter(driver, 0, 1000);
  const hashes = new Map<number, string>();
  for (const { seq, bytes } of entries) hashes.set(seq, (await hashLeaf(bytes)).toHex());
  const leaves = await leavesOf(tenant);
  expect(leaves.length).toBeGreaterThan(20);
  return leaves.flatMap((leaf, at) => (hashes.get(at + 1) === leaf.toHex() ? [] : [at + 1]));
}

async function leavesOf(tenant: TestTenant): Promise<Hash[]> {
  const log = auditLogOf(testEnv(), tenant.cell, tenant.tenantId);
  return (await log.leaves(0, 1000)).map((hash) => new Uint8Array(hash));
}

function auditOf({ cell, tenantId }: TestTenant) {
  return rowsOf(cell.database, "select * from audit_log where tenant_id = ? order by seq", tenantId);
}

async function columnsOf(database: D1Database): Promise<string[]> {
  const columns = await rowsOf<{ name: string }>(database, "select name from pragma_table_info('audit_log')");
  return columns.map(({ name }) => name);
}
