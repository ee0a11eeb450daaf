import { CellSystem } from "#db/cell-system.ts";
import { type cellKinds, deleteExpiredRows, kernelKinds } from "#db/retention.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";

/** Deletes technical rows of these kinds whose time is over, a bounded number at each run. */
export async function deleteExpired(
  database: D1Database,
  now: number,
  kinds: readonly (typeof cellKinds)[number][] = kernelKinds,
): Promise<void> {
  const expired = await new CellSystem(new Store(database, "first-primary")).expired(now, kinds);
  for (const [tenantId, rows] of expired) {
    await deleteExpiredRows(new TenantDriver(new Store(database, "first-primary"), tenantId), rows, now);
  }
}
