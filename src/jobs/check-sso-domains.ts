import { CellSystem } from "#db/cell-system.ts";
import { emit, update } from "#db/changes.ts";
import { platformTenant, ssoDomainClaims } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { domainLookedAfter } from "#db/sso-checks.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { isProven } from "#gate/sso-claims.ts";
import { ssoDomains } from "#gate/sso-tables.ts";
import { inTurn } from "#lib/in-turn.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { afterCheck } from "#resources/sso/rules.ts";

const mostPerRun = 25;

/**
 * Asks DNS once a day whether verified domains are still their tenants', a bounded number at each run: what has been gone
 * for a week lapses. Who looks takes the turn first, so what cannot be looked after holds up nobody else.
 */
export async function checkSsoDomains(env: Env, cell: Cell, now: number): Promise<void> {
  const run = { job: "sso-domains.check", requestId: newId("run"), now };
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const due = await system.domainsToCheck(timestamp(now - dayMs));
  for (const { tenantId, domainId } of inTurn(due, (domain) => domain.tenantId, mostPerRun)) {
    try {
      await check(env, keylessSession(cell.database, tenantId), domainId, run);
    } catch (error) {
      log("error", "a domain could not be looked after; it is tomorrow", {
        domain: domainId,
        ...errorFields(error),
      });
    }
  }
}

// Whoever loses the row's version leaves it: it was changed, or verified, meanwhile.
async function check(env: Env, session: TenantSession, domainId: string, run: SystemRun): Promise<void> {
  await session.execute([domainLookedAfter(session.tenantId, domainId, run.now)]);
  const row = await session.get(ssoDomains, domainId);
  if (row?.state !== "verified") return;
  const { patch, hasLapsed } = afterCheck(row, await isProven(env, row.domain, row.proof), run.now);
  if (patch === null) return;
  const changed = update(ssoDomains, row, patch, run.now);
  if (!hasLapsed) {
    await commitAsSystem(session, run, [changed]);
    return;
  }
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  // Read before the cell is changed: one that is verified again from then on has moved its claim, which stays.
  const claim = await directory.get(ssoDomainClaims, domainId);
  const told = emit("sso_domain.lapsed", { domainId }, { table: ssoDomains, row });
  const outcome = await commitAsSystem(session, run, [changed, told]);
  if (outcome.kind !== "committed" || claim?.state !== "live") return;
  await commitAsSystem(directory, run, [update(ssoDomainClaims, claim, { state: "ended" }, run.now)]);
}
