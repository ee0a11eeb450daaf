import { z } from "zod";
import { CellSystem } from "#db/cell-system.ts";
import { dispatchPending, hasPending, mostPerRun } from "#db/outbox.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { wakeTenants } from "#platform/wake-ups.ts";
import { tellEndpoints } from "./tell-endpoints.ts";
import { type Allowance, newAllowance } from "./telling.ts";

/** A wake-up: this tenant's outbox has something. It carries nothing of what. */
export const WakeUp = z.object({ v: z.literal(1), tenantId: z.string() });

const sweepAfterMs = 30 * secondMs;

/** Takes a tenant's undispatched events, as far as the allowance goes. A message that comes twice finds what is left. */
export async function dispatchEvents(
  env: Env,
  cell: Cell,
  tenantId: string,
  now: number,
  allowance: Allowance = newAllowance(),
): Promise<void> {
  const isLeft = await dispatch(env, cell, tenantId, now, allowance);
  if (isLeft) await cell.queue.send({ v: 1, tenantId });
}

async function dispatch(env: Env, cell: Cell, tenantId: string, now: number, allowance: Allowance) {
  const driver = new TenantDriver(new Store(cell.database, "first-primary"), tenantId);
  while (allowance.questions > 0) {
    allowance.questions -= 1;
    const marked = await dispatchPending(driver, now);
    if (marked === mostPerRun) continue;
    // Where none were marked, somebody listens or nothing was there.
    if (marked > 0 || !(await hasPending(driver))) return false;
    return await tellEndpoints(env, cell, driver, now, allowance);
  }
  return true;
}

/** Sends a wake-up for every tenant whose events no message has led to. */
export async function sweepEvents(cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  await wakeTenants(cell.queue, await system.tenantsWithPendingEvents(timestamp(now - sweepAfterMs)));
}
