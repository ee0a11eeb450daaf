import { type SQL, sql } from "drizzle-orm";
import { update } from "#db/changes.ts";
import { directoryTenants, supportVisits } from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Place } from "#gate/members-of-user.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { endInCell } from "./end-in-cell.ts";

/** As many visits as are ended in one go. */
export const mostAtOnce = 50;

type Visit = Row<typeof supportVisits>;

/** Running visits that match; the index is partial (`ended_at is null`). */
export function visitsOn(
  indexedBy: "support_visits_running" | "support_visits_by_session" | "support_visits_to_end",
  condition: SQL,
) {
  const where = sql`${condition} and ${supportVisits.endedAt} is null`;
  return many(supportVisits, { where, indexedBy, limit: mostAtOnce });
}

/** Where the businesses of these visits lie, no more of them than are ended in one go. */
export async function placesOf(
  directory: TenantSession,
  visits: readonly Visit[],
): Promise<(visit: Visit) => Place> {
  const ids = JSON.stringify(visits.map(({ visitedTenantId }) => visitedTenantId));
  const { tenants } = await directory.read({
    tenants: many(directoryTenants, {
      where: sql`${directoryTenants.id} in (select value from json_each(${ids}))`,
      limit: mostAtOnce,
    }),
  });
  const cells = new Map(tenants.map(({ id, cell }) => [id, cell]));
  return ({ visitedTenantId: tenantId }) => ({ tenantId, cell: cells.get(tenantId) ?? "" });
}

/**
 * Ends these in their cells, where that is the truth, and in the directory; by the agent's own doing or by that of whoever
 * runs the deployment. @returns false where a cell is away: its sessions end within five minutes, as their tokens do
 */
export async function endVisits(
  env: Env,
  directory: TenantSession,
  visits: readonly Visit[],
  because: "agent" | "operator",
  run: SystemRun,
): Promise<boolean> {
  if (visits.length === 0) return true;
  const placeOf = await placesOf(directory, visits);
  const ended = await Promise.all(
    visits.map(async (visit) => {
      const { id, agentId, grantId, memberId } = visit;
      const agent = {
        kind: "support-agent" as const,
        id: agentId,
        support: { sessionId: id, grantId, memberId },
      };
      const actor = because === "agent" ? agent : { kind: "system" as const, id: "system" };
      try {
        const { over } = await endInCell(env, placeOf(visit), id, { because, actor }, run);
        await commitAsSystem(directory, run, [update(supportVisits, visit, over, run.now)]);
        return true;
      } catch (error) {
        log("warn", "a visit of support ends later", { visit: id, ...errorFields(error) });
        return false;
      }
    }),
  );
  return ended.every((isEnded) => isEnded);
}
