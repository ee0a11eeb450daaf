import { update } from "#db/changes.ts";
import { onceWithin } from "#db/once-an-hour.ts";
import { keylessSession, systemSession } from "#db/open-tenant.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { ownersOf } from "#gate/owners.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { mostPending, pendingNotices } from "#resources/alerts/queries.ts";
import { alertNotices, alerts } from "#resources/alerts/table.ts";

const job = "jobs.alerts";
/** For longer than a queue and its sweeper go on with a notice that is told by half. */
const recordsKeptMs = 30 * dayMs;

type NoticeRow = Row<typeof alertNotices>;

/** Of these the owners have a letter of its own. */
const letterOfItsOwn: readonly NoticeRow["kind"][] = ["key-leaked"];

/**
 * Writes the owners' mails of a tenant's notices. The record that lies beside the mails, in the directory, says that they
 * were written, however often whoever wrote them died before the cell knew.
 * @returns whether there are more
 */
export async function tellNotices(env: Env, cell: Cell, tenantId: string, now: number): Promise<boolean> {
  const session = keylessSession(cell.database, tenantId);
  const { pending } = await session.read({ pending: pendingNotices });
  for (const notice of pending) {
    const run = { job, requestId: newId("run"), now };
    if (!letterOfItsOwn.includes(notice.kind)) await mailOwners(env, cell, notice, run);
    const done = { mailedAt: timestamp(now), passedOnAt: timestamp(now) };
    await commitAsSystem(session, run, [update(alertNotices, notice, done, now)]);
  }
  return pending.length === mostPending;
}

async function mailOwners(
  env: Env,
  cell: Cell,
  { tenantId, id, alertId, kind, count, fromAt: from, toAt: to }: NoticeRow,
  run: SystemRun,
): Promise<void> {
  const session = await systemSession(env, cell.database, tenantId);
  const subjectId = (await session.get(alerts, alertId))?.subjectId ?? null;
  const once = onceWithin(recordsKeptMs, job, id, run.now);
  await ownersOf(env, cell, session.keys, run).tell(
    "alert",
    (place) => ({ ...place, kind, subjectId, count, from, to }),
    once,
  );
}
