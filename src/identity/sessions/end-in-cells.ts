import { openDirectory } from "#db/directory.ts";
import { endedUntold, endSessionOf, forgetRefreshes } from "#db/ended-sessions.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { type Membership, membersOfUser } from "#gate/members-of-user.ts";
import { placesOf, tenantsIn, userById } from "#identity/accounts/account-queries.ts";
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
    const directory = await openDirectory(env);
    await told(env, directory, userId, sessionIds, now);
    return true;
  } catch (error) {
    log("warn", "a cell was not told of an ended session", { userId, ...errorFields(error) });
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

async function told(
  env: Env,
  directory: TenantSession,
  userId: string,
  sessionIds: readonly string[],
  now: number,
): Promise<void> {
  const { tenants } = await directory.read({ tenants: tenantsIn(userById(userId)) });
  const members = await membersOfUser(env, placesOf(tenants), userId);
  const run = { job: "sessions.end", requestId: newId("run"), now };
  for (const member of members) await endAt(env, member, sessionIds, run);
  await directory.execute([forgetRefreshes(sessionIds)]);
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
  for (const id of sessionIds)
    await commitAsSystem(session, run, endSessionOf(tenantId, memberId, id, run.now));
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
