import { CellSystem } from "#db/cell-system.ts";
import { deleteExpiredRows } from "#db/retention.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";

/** Deletes technical rows whose time is over, a bounded number at each run. */
export async function deleteExpired(database: D1Database, now: number): Promise<void> {
  const expired = await new CellSystem(new Store(database, "first-primary")).expired(now);
  for (const [tenantId, rows] of expired) {
    await deleteExpiredRows(new TenantDriver(new Store(database, "first-primary"), tenantId), rows, now);
  }
}
