import { CellSystem } from "#db/cell-system.ts";
import { deleteExpiredRows, keptSince } from "#db/retention.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { timestamp } from "#lib/time.ts";

/** Deletes technical rows whose time is over, for a bounded number of tenants at each run. */
export async function deleteExpired(database: D1Database, now: number): Promise<void> {
  const system = new CellSystem(new Store(database, "first-primary"));
  for (const tenantId of await system.tenantsWithExpired(timestamp(now), keptSince(now))) {
    await deleteExpiredRows(new TenantDriver(new Store(database, "first-primary"), tenantId), now);
  }
}
