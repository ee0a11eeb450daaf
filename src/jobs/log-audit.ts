import { z } from "zod";
import { CellSystem } from "#db/cell-system.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { Store } from "#db/store.ts";
import { auditTreeOf } from "#platform/audit-trees.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { wakeTenants } from "#platform/wake-ups.ts";

const tenantsAtOnce = 20;

const Appended = z.object({ v: z.literal(1), isMore: z.boolean() });

/** Has the owner's newest audit rows made leaves of its log. @returns whether there are more than one call takes */
export async function logAudit(env: Env, cell: Cell | null, tenantId: string): Promise<boolean> {
  const owner = { v: 1, tenantId, cell: cell?.id ?? null };
  return Appended.parse(await auditTreeOf(env, cell, tenantId).append(owner)).isMore;
}

/**
 * Logs the rows that no message has led to, of some tenants here, as the queue itself may be what lost them. The
 * consumer is woken for the others, and for whoever has more than one call takes.
 */
export async function sweepAudit(env: Env, cell: Cell): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const behind = await system.tenantsWithUnloggedAudit();
  // At random, so that tenants whose log stands still keep nobody else's from its turn.
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  const start = behind.length === 0 ? 0 : random % behind.length;
  const order = [...behind.slice(start), ...behind.slice(0, start)];
  const [here, others] = [order.slice(0, tenantsAtOnce), order.slice(tenantsAtOnce)];
  for (const tenantId of here) {
    try {
      if (await logAudit(env, cell, tenantId)) others.push(tenantId);
    } catch (error) {
      log("error", "a tenant's audit could not be logged", { tenantId, ...errorFields(error) });
    }
  }
  await wakeTenants(cell.queue, others);
}

/** The platform's own, which has no queue. */
export async function logPlatformAudit(env: Env): Promise<void> {
  while (await logAudit(env, null, platformTenant));
}
