import { sql } from "drizzle-orm";
import { openDirectory } from "#db/directory.ts";
import { supportVisits } from "#db/directory-tables.ts";
import { endedUntold, endSessionsOf, forgetRefreshes } from "#db/ended-sessions.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { type Membership, membersOfUser } from "#gate/members-of-user.ts";
import { placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
import { endVisits, visitsOn } from "#identity/support/end-visits.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { gateOf } from "#platform/gates.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";

/**
 * Has every cell refuse the tokens of sessions that have ended in the directory, from its next request on. May be told
 * twice. @returns false where a cell did not answer: the sweeper goes on, and the tokens die within five minutes
 */
export async function endInCells(
  env: Env,
  userId: string,
  sessionIds: readonly string[],
  now: number,
): Promise<boolean> {
  try {
    return await told(env, await openDirectory(env), userId, sessionIds, now);
  } catch (error) {
    log("warn", "cells were not told of an ended session", { userId, ...errorFields(error) });
    return false;
  }
}

/** What no request has brought to its end. */
export async function sweepEndedSessions(env: Env, now: number): Promise<void> {
  const directory = await openDirectory(env);
  const { ended } = await directory.read({ ended: endedUntold(now) });
  const byUser = Map.groupBy(ended, ({ userId }) => userId);
  for (const [userId, rows] of byUser)
    await endInCells(
      env,
      userId,
      rows.map(({ id }) => id),
      now,
    );
}

// A cell that is away keeps no other from being told.
async function told(
  env: Env,
  directory: TenantSession,
  userId: string,
  sessionIds: readonly string[],
  now: number,
): Promise<boolean> {
  const ofSessions = sql`${supportVisits.sessionId} in (select value from json_each(${JSON.stringify(sessionIds)}))`;
  const { tenants, visits } = await directory.read({
    tenants: tenantsIn(userById(userId)),
    visits: visitsOn("support_visits_by_session", ofSessions),
  });
  const run = { job: "sessions.end", requestId: newId("run"), now };
  const isOver = await endVisits(env, directory, visits, "agent", run);
  const byCell = Map.groupBy(placesOf(tenants), ({ cell }) => cell);
  const done = await Promise.allSettled(
    [...byCell].map(async ([, places]) => {
      for (const member of await membersOfUser(env, places, userId, "whoever"))
        await endAt(env, member, sessionIds, run);
    }),
  );
  const failures = done.filter((each) => each.status === "rejected");
  for (const { reason } of failures)
    log("warn", "a cell was not told of an ended session", { userId, ...errorFields(reason) });
  if (failures.length > 0 || !isOver) return false;
  await directory.execute([forgetRefreshes(sessionIds)]);
  return true;
}

async function endAt(
  env: Env,
  { tenantId, cell: cellId, memberId }: Membership,
  sessionIds: readonly string[],
  run: SystemRun,
): Promise<void> {
  const cell = cellOf(env, cellId);
  if (!cell) return;
  const session = keylessSession(cell.database, tenantId);
  await commitAsSystem(session, run, endSessionsOf(tenantId, memberId, sessionIds, run.now));
  await forget(env, cell, memberId);
}

// For what touches no data, as the epoch is looked at with data alone.
async function forget(env: Env, cell: Cell, memberId: string): Promise<void> {
  try {
    await gateOf(env, cell, memberId).forget();
  } catch (error) {
    log("warn", "a gate was not told of an ended session", errorFields(error));
  }
}
