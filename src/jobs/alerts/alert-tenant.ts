import type { SweepStart } from "#db/alert-progress.ts";
import { CellSystem } from "#db/cell-system.ts";
import { Store } from "#db/store.ts";
import { dayMs, minuteMs, timestamp } from "#lib/time.ts";
import { firstIdAt } from "#lib/typeid.ts";
import type { Cell } from "#platform/cells.ts";
import { chance } from "#platform/chance.ts";
import type { Env } from "#platform/env.ts";
import { wakeTenants } from "#platform/wake-ups.ts";
import { raiseAlerts } from "./raise.ts";
import { tellNotices } from "./tell.ts";

/** No tenant is older. */
const firstTenantMs = Date.UTC(2025, 0, 1);
const longestWaitMs = 7 * dayMs;
/** Longer than a message that is under way takes. */
const sweepAfterMs = minuteMs;

/** Raises what a tenant is to be alerted of and tells of it. @returns whether there is more */
export async function alertTenant(env: Env, cell: Cell, tenantId: string, now: number): Promise<boolean> {
  const hasMoreRows = await raiseAlerts(cell, tenantId, now);
  const hasMoreNotices = await tellNotices(env, cell, tenantId, now);
  return hasMoreRows || hasMoreNotices;
}

/**
 * Wakes the consumer for the tenants whose audit no message has had gone through, whose notices were told by half, and
 * of which alerts that were held back may be told of by now.
 */
export async function sweepAlerts(cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const due = await system.tenantsToAlert(timestamp(now), timestamp(now - sweepAfterMs), startOf(now));
  await wakeTenants(cell.queue, due);
}

// At random: of tenants by when they were made, of what waits by how long, where what waits for a short time is likelier.
function startOf(now: number): SweepStart {
  const tenantId = firstIdAt("ten", Math.floor(firstTenantMs + (now - firstTenantMs) * chance()));
  return { tenantId, at: timestamp(now - longestWaitMs * chance() ** 3) };
}
