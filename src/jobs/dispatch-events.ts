import { z } from "zod";
import { CellSystem } from "#db/cell-system.ts";
import { dispatchPending, hasPending, mostPerRun } from "#db/outbox.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { tellEndpoints } from "./tell-endpoints.ts";

/** A wake-up: this tenant's outbox has something. It carries nothing of what. */
export const WakeUp = z.object({ v: z.literal(1), tenantId: z.string() });

const sweepAfterMs = 30 * secondMs;
const mostPerSend = 100;

/** Takes all of a tenant's undispatched events. A message that comes twice finds what is left. */
export async function dispatchEvents(env: Env, cell: Cell, tenantId: string, now: number): Promise<void> {
  const driver = new TenantDriver(new Store(cell.database, "first-primary"), tenantId);
  let marked: number;
  do marked = await dispatchPending(driver, now);
  while (marked === mostPerRun);
  // Where none were marked, somebody listens or nothing was there.
  if (marked === 0 && (await hasPending(driver))) await tellEndpoints(env, cell, driver, now);
}

/** Sends a wake-up for every tenant whose events no message has led to. */
export async function sweepEvents(cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const tenants = await system.tenantsWithPendingEvents(timestamp(now - sweepAfterMs));
  for (let start = 0; start < tenants.length; start += mostPerSend) {
    await cell.queue.sendBatch(
      tenants.slice(start, start + mostPerSend).map((tenantId) => ({ body: { v: 1, tenantId } })),
    );
  }
}
