import { CellSystem } from "#db/cell-system.ts";
import { note } from "#db/changes.ts";
import { nextPage, pendingRotation } from "#db/key-rotation.ts";
import { systemSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import { checkTenantKey } from "#db/tenant-keys.ts";
import { noteUnopened } from "#db/unopened.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
// Every table has to be declared before what lies in them is moved, in a command too.
import "#mail/tables.ts";
import "#identity/tables.ts";
import "#resources/index.ts";

const pagesPerRun = 20;

/** Looks at some tenants' keys, each once a day, and goes on with the rotations that are under way. */
export async function rotateTenantKeys(env: Env, database: D1Database, run: SystemRun): Promise<void> {
  const system = new CellSystem(new Store(database, "first-primary"));
  for (const tenantId of await system.tenantsWithUncheckedKeys(timestamp(run.now - dayMs)))
    await apart(tenantId, () => checkTenantKey(env, database, tenantId, run));
  let pages = pagesPerRun;
  for (const tenantId of await system.tenantsInRotation()) {
    if (pages <= 0) return;
    await apart(tenantId, async () => {
      pages -= await moveToNewestKey(env, database, tenantId, run, pages);
    });
  }
}

/**
 * Goes on with one tenant's rotation, page by page, each in one batch with one audit row that says how much it moved.
 * @returns how many pages it took; fewer than asked for where the rotation has ended
 */
export async function moveToNewestKey(
  env: Env,
  database: D1Database,
  tenantId: string,
  run: SystemRun,
  mostPages: number,
): Promise<number> {
  const session = await systemSession(env, database, tenantId);
  for (let page = 0; page < mostPages; page += 1) {
    const rotation = await pendingRotation(session);
    if (rotation === null) return page;
    const { upkeep, moved, unopened, isLast } = await nextPage(session, rotation, run.now);
    const told = note("tenant-key", rotation.key_id, { step: rotation.step, moved, isLast });
    const outcome = await commitAsSystem(session, run, moved > 0 || isLast ? [upkeep, told] : [upkeep]);
    if (outcome.kind !== "committed") return page;
    for (const error of unopened) await noteUnopened(database, error, run);
  }
  return mostPages;
}

// One tenant's trouble is nobody else's.
async function apart(tenantId: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log("error", "a tenant's keys could not be rotated", { tenantId, ...errorFields(error) });
  }
}
