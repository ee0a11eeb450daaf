import { z } from "zod";
import { CellSystem } from "#db/cell-system.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { Store } from "#db/store.ts";
import { auditTreeOf } from "#platform/audit-trees.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { wakeTenants } from "#platform/wake-ups.ts";

const Appended = z.object({ v: z.literal(1), isMore: z.boolean() });

/** Has the owner's newest audit rows made leaves of its log. @returns whether there are more than one call takes */
export async function logAudit(env: Env, cell: Cell | null, tenantId: string): Promise<boolean> {
  const owner = { v: 1, tenantId, cell: cell?.id ?? null };
  return Appended.parse(await auditTreeOf(env, cell, tenantId).append(owner)).isMore;
}

/** Wakes the consumer for every tenant whose rows no message has led to. */
export async function sweepAudit(cell: Cell): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  await wakeTenants(cell.queue, await system.tenantsWithUnloggedAudit());
}

/** The platform's own, which has no queue. */
export async function logPlatformAudit(env: Env): Promise<void> {
  while (await logAudit(env, null, platformTenant));
}
