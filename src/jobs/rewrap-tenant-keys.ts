import { SealError } from "#crypto/envelope.ts";
import { kekKid } from "#crypto/kek.ts";
import { CellSystem } from "#db/cell-system.ts";
import { note } from "#db/changes.ts";
import { keksOf } from "#db/keks.ts";
import { newestWraps } from "#db/key-wraps.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import { noteUnopened } from "#db/unopened.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { KmsUnavailable } from "#platform/kms.ts";
import { errorFields, log } from "#platform/log.ts";

/** A run of the vault's upkeep by cron; a command's bears the command's name. */
export function scheduledRun(now: number): SystemRun {
  return { job: "jobs.rotate-keys", requestId: newId("run"), now };
}

/**
 * Wraps what older key-encryption keys wrap by the newest one, some tenants a run, each in one batch with one audit row.
 * Whoever has read the older wrap meanwhile opens it all the same, as long as the older KEK stands in KEYLINE_KEKS.
 * @returns how many tenants were brought up to date
 */
export async function rewrapTenantKeys(env: Env, database: D1Database, run: SystemRun): Promise<number> {
  const keks = await keksOf(env);
  const kek = kekKid(keks.currentVersion);
  const tenants = await new CellSystem(new Store(database, "first-primary")).tenantsNotWrappedBy(kek);
  let done = 0;
  for (const tenantId of tenants) {
    try {
      if (await rewrap(tenantId)) done += 1;
    } catch (error) {
      if (error instanceof SealError) await noteUnopened(database, error, run);
      log("error", "a tenant's keys could not be rewrapped", { tenantId, ...errorFields(error) });
      // Each of the others would wait as long for the same answer, and later jobs for all of them; the next run asks again.
      if (error instanceof KmsUnavailable) break;
    }
  }
  return done;

  async function rewrap(tenantId: string): Promise<boolean> {
    const session = keylessSession(database, tenantId);
    const upkeep = await newestWraps(session, keks);
    const told = note("key-wraps", kek, { rewrapped: upkeep.statements.length });
    const outcome = await commitAsSystem(session, run, [upkeep, told]);
    return outcome.kind === "committed";
  }
}
