import { remove, update } from "#db/changes.ts";
import { ssoDomainClaims as claims, directoryTenants, platformTenant } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { one } from "#db/queries.ts";
import { claimsLookedAfter, claimsToCheck, claimsToForget } from "#db/sso-checks.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { Claim } from "#gate/sso-claims.ts";
import { ssoDomains } from "#gate/sso-tables.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { claimAfter } from "#resources/sso/rules.ts";

/**
 * Holds each live claim against its row in the cell once a day, the longest not looked at first, and removes those that
 * ended long ago. A claim without a verified row was left by something that died between the two stores.
 */
export async function sweepDomainClaims(env: Env, now: number): Promise<void> {
  const run = { job: "sso-domains.sweep", requestId: newId("run"), now };
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  const { due, old } = await directory.read({ due: claimsToCheck(now), old: claimsToForget(now) });
  // Of two runners at once one finds the others' rows gone, and does nothing.
  if (old.length > 0)
    await commitAsSystem(
      directory,
      run,
      old.map((claim) => remove(claims, claim)),
    );
  if (due.length === 0) return;
  // First of all, so that those of a cell that is away hold up nobody else's.
  const ids = due.map(({ id }) => id);
  await directory.execute([claimsLookedAfter(platformTenant, ids, now)]);
  const tenants = await directory.read(
    Object.fromEntries(due.map(({ ownerId }) => [ownerId, one(directoryTenants, ownerId)])),
  );
  for (const claim of due) {
    try {
      await hold(env, claim, tenants[claim.ownerId]?.cell ?? "", run);
    } catch (error) {
      log("error", "a domain's claim is held against its row tomorrow", {
        claim: claim.id,
        ...errorFields(error),
      });
    }
  }
}

async function hold(env: Env, claim: Claim, cellId: string, run: SystemRun): Promise<void> {
  const cell = cellOf(env, cellId);
  if (!cell) throw new Error("A claim's tenant has no cell here.");
  const row = await keylessSession(cell.database, claim.ownerId).get(ssoDomains, claim.id);
  const patch = claimAfter(claim, row, run.now);
  if (patch === null) return;
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  await commitAsSystem(directory, run, [update(claims, claim, patch, run.now)]);
}
