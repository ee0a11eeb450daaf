import { CellSystem } from "#db/cell-system.ts";
import { type cellKinds, deleteExpiredRows, type Expired, kernelKinds, mostOfAKind } from "#db/retention.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";

// An invocation may ask D1 a thousand times, and cron's does more than this.
const mostQuestions = 200;

/** Deletes technical rows of these kinds whose time is over, a bounded number at each run. */
export async function deleteExpired(
  database: D1Database,
  now: number,
  kinds: readonly (typeof cellKinds)[number][] = kernelKinds,
): Promise<void> {
  let asked = 0;
  let expired: ReadonlyMap<string, Expired>;
  do {
    expired = await new CellSystem(new Store(database, "first-primary")).expired(now, kinds);
    for (const [tenantId, rows] of expired) {
      await deleteExpiredRows(new TenantDriver(new Store(database, "first-primary"), tenantId), rows, now);
    }
    asked += 1 + expired.size;
  } while (asked < mostQuestions && kinds.some((kind) => countOf(expired, kind) === mostOfAKind));
}

function countOf(expired: ReadonlyMap<string, Expired>, kind: keyof Expired): number {
  return [...expired.values()].reduce((count, rows) => count + (rows[kind]?.length ?? 0), 0);
}
