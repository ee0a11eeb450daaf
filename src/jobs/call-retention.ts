import { forgetHour, purgeCalls } from "#db/call-hours.ts";
import { forgetUses } from "#db/capability-uses.ts";
import { LogSystem } from "#db/log-system.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { dayMs, dayOf, hourStart, timestamp } from "#lib/time.ts";
import { deleteCalls } from "#platform/call-archive.ts";
import type { Cell } from "#platform/cells.ts";
import { errorFields, log } from "#platform/log.ts";

export const callsKeptMs = 7 * dayMs;
export const callCountsKeptMs = 90 * dayMs;
export const capabilityUsesKeptMs = 90 * dayMs;

/**
 * Deletes what of the call log is past its time, a bounded number of hours and of rows in each at every run: rows after
 * 7 days, counts, archive and uses of capabilities after 90. One hour's failure, or one tenant's, stops no other.
 */
export async function deleteOldCalls(cell: Cell, now: number): Promise<void> {
  const store = new Store(cell.log, "first-primary");
  const system = new LogSystem(store);
  const before = (ms: number) => timestamp(hourStart(now - ms));
  for (const { tenantId, hour } of await system.hoursToPurge(before(callsKeptMs)))
    await attempt(hour, () => purgeCalls(new TenantDriver(store, tenantId), hour));
  for (const { tenantId, hour } of await system.hoursToForget(before(callCountsKeptMs)))
    await attempt(hour, async () => {
      // The archive first: without the hour's row nobody would know of it.
      if (await deleteCalls(cell.callArchive, tenantId, hour))
        await forgetHour(new TenantDriver(store, tenantId), hour);
    });
  const day = dayOf(now - capabilityUsesKeptMs);
  for (const tenantId of await system.tenantsWithOldUses(day))
    await attempt(day, () => forgetUses(new TenantDriver(store, tenantId), day));
}

async function attempt(time: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log("error", "old calls could not be deleted", { time, ...errorFields(error) });
  }
}
