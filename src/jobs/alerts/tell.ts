import { alertKinds } from "#db/alert-kinds.ts";
import { update } from "#db/changes.ts";
import { onceWithin } from "#db/once-an-hour.ts";
import { keylessSession, systemSession } from "#db/open-tenant.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { ownersOf } from "#gate/owners.ts";
import { operatorSession, tellingOperator, wakeOperator } from "#jobs/operator/tell-operator.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { mostPending, pendingNotices } from "#resources/alerts/queries.ts";
import { alertNotices, alerts } from "#resources/alerts/table.ts";

const job = "jobs.alerts";
/** For longer than a queue and its sweeper go on with a notice that is told by half. */
const recordsKeptMs = 30 * dayMs;

type NoticeRow = Row<typeof alertNotices>;

/** Of these the owners have a letter of its own. */
const letterOfItsOwn: readonly NoticeRow["kind"][] = ["key-leaked"];

/**
 * Passes a tenant's notices on to the operator, and writes the owners' mails of them. The record that lies beside the mails, in the directory, says that they
 * were written, however often whoever wrote them died before the cell knew.
 * @returns whether there are more
 */
export async function tellNotices(env: Env, cell: Cell, tenantId: string, now: number): Promise<boolean> {
  const session = keylessSession(cell.database, tenantId);
  const { pending } = await session.read({ pending: pendingNotices });
  const run = { job, requestId: newId("run"), now };
  const passedOn: NoticeRow[] = [];
  // First and all of them, as what keeps the owners from being told may be what the operator is to mend.
  for (const notice of pending) {
    if (notice.passedOnAt === null) await passOn(env, notice, run);
    const marked = update(alertNotices, notice, { passedOnAt: notice.passedOnAt ?? timestamp(now) }, now);
    // Where it is another's by now, that one goes on with it.
    if ((await commitAsSystem(session, run, [marked])).kind === "committed") passedOn.push(marked.row);
  }
  for (const notice of passedOn) {
    if (!letterOfItsOwn.includes(notice.kind)) await mailOwners(env, cell, notice, run);
    await commitAsSystem(session, run, [update(alertNotices, notice, { mailedAt: timestamp(now) }, now)]);
  }
  return pending.length === mostPending;
}

async function passOn(
  env: Env,
  { tenantId: ofTenant, id: sourceId, kind, count, fromAt, toAt }: NoticeRow,
  run: SystemRun,
): Promise<void> {
  const told = { sourceId, kind, severity: alertKinds[kind], ofTenant, count, fromAt, toAt };
  const telling = tellingOperator(env, told, run.now);
  if (telling.length === 0) return;
  const once = onceWithin(recordsKeptMs, "jobs.operator", sourceId, run.now);
  const { kind: outcome } = await commitAsSystem(operatorSession(env), run, telling, null, once);
  if (outcome === "committed")
    await wakeOperator(
      env,
      telling.map(({ row }) => row.id),
    ).catch((error: unknown) => log("warn", "the operator waits for the sweeper", errorFields(error)));
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
