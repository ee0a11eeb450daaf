import { sql } from "drizzle-orm";
import { update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { directoryTenants, supportAgents, supportVisits, type VisitEnd } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { sessionEndOf } from "#db/support-rows.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { timestamp } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { endInCell } from "./end-in-cell.ts";

const mostPerRun = 50;

/**
 * Tells the directory which visits of support are over by now: ended in their cell, where that is the truth, or past their
 * time. Those of an agent who was removed while a cell was away are ended there.
 */
export async function sweepVisits(env: Env, now: number): Promise<void> {
  const directory = await openDirectory(env);
  const { tenantId } = directory;
  const running = sql`${supportVisits.endedAt} is null`;
  const { visits, tenants, removed } = await directory.read({
    visits: many(supportVisits, {
      where: running,
      indexedBy: "support_visits_to_end",
      order: sql`${supportVisits.expiresAt}`,
      limit: mostPerRun,
    }),
    tenants: many(directoryTenants, {
      where: sql`${directoryTenants.id} in (select ${supportVisits.visitedTenantId} from ${supportVisits} where ${supportVisits.tenantId} = ${tenantId} and ${running})`,
      limit: mostPerRun,
    }),
    removed: many(supportAgents, {
      where: sql`${supportAgents.state} = 'removed' and ${supportAgents.id} in (select ${supportVisits.agentId} from ${supportVisits} where ${supportVisits.tenantId} = ${tenantId} and ${running})`,
      limit: mostPerRun,
    }),
  });
  const run = { job: "support.end-visits", requestId: newId("run"), now };
  for (const visit of visits) {
    try {
      const place = {
        tenantId: visit.visitedTenantId,
        cell: tenants.find(({ id }) => id === visit.visitedTenantId)?.cell ?? "",
      };
      const isOver = visit.expiresAt <= timestamp(now);
      if (!isOver && removed.some(({ id }) => id === visit.agentId)) {
        const by = { because: "operator" as const, actor: { kind: "system" as const, id: "system" } };
        await endInCell(env, place, visit.id, by, run);
      }
      const cell = cellOf(env, place.cell);
      const end =
        cell &&
        (await keylessSession(cell.database, place.tenantId).read({ end: sessionEndOf(visit.id) })).end;
      const because: VisitEnd | null = end?.because ?? (isOver ? "expired" : null);
      if (because === null) continue;
      const over = { endedAt: end?.at ?? visit.expiresAt, endedBecause: because };
      await commitAsSystem(directory, run, [update(supportVisits, visit, over, now)]);
    } catch (error) {
      log("warn", "the end of a visit is told later", { visit: visit.id, ...errorFields(error) });
    }
  }
}
