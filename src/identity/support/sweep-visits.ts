import { sql } from "drizzle-orm";
import { update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { sessions, supportAgents, supportVisits, type VisitEnd } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { sessionEndOf } from "#db/support-rows.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { timestamp } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { endVisits, mostAtOnce, placesOf, visitsOn } from "./end-visits.ts";

/**
 * Tells the directory which visits of support are over by now: ended in their cell, where that is the truth, or past their
 * time. Those of an agent who was removed, or who signed out, while a cell was away are ended there.
 */
export async function sweepVisits(env: Env, now: number): Promise<void> {
  const directory = await openDirectory(env);
  const { tenantId } = directory;
  const running = sql`${supportVisits.endedAt} is null`;
  const { visits, left, signedOut } = await directory.read({
    visits: many(supportVisits, {
      where: running,
      indexedBy: "support_visits_to_end",
      order: sql`${supportVisits.expiresAt}`,
      limit: mostAtOnce,
    }),
    left: visitsOn(
      "support_visits_running",
      sql`${supportVisits.agentId} in (select ${supportAgents.id} from ${supportAgents} where ${supportAgents.tenantId} = ${tenantId} and ${supportAgents.state} = 'removed')`,
    ),
    signedOut: visitsOn(
      "support_visits_to_end",
      sql`exists (select 1 from ${sessions} where ${sessions.tenantId} = ${tenantId} and ${sessions.id} = ${supportVisits.sessionId} and ${sessions.state} = 'ended')`,
    ),
  });
  const run = { job: "support.end-visits", requestId: newId("run"), now };
  await endVisits(env, directory, left, "operator", run);
  const [isLeft, isSignedOut] = [left, signedOut].map((some) => new Set(some.map(({ id }) => id)));
  await endVisits(
    env,
    directory,
    signedOut.filter(({ id }) => !isLeft?.has(id)),
    "agent",
    run,
  );
  if (visits.length === 0) return;
  const placeOf = await placesOf(directory, visits);
  for (const visit of visits) {
    if (isLeft?.has(visit.id) || isSignedOut?.has(visit.id)) continue;
    try {
      const place = placeOf(visit);
      const isOver = visit.expiresAt <= timestamp(now);
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
