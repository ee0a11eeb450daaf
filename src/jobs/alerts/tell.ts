import { alertKinds } from "#db/alert-kinds.ts";
import { update } from "#db/changes.ts";
import { onceWithin } from "#db/once-an-hour.ts";
import { keylessSession, systemSession } from "#db/open-tenant.ts";
import { one } from "#db/queries.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { hadLetters } from "#gate/leak-letters.ts";
import { ownersOf } from "#gate/owners.ts";
import { operatorSession, tellingOperator, wakeOperator } from "#jobs/operator/tell-operator.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { alertsOfNotice, mostPending, pendingNotices } from "#resources/alerts/queries.ts";
import { listedSubjects } from "#resources/alerts/rules.ts";
import { alertNotices, alerts } from "#resources/alerts/table.ts";

const job = "jobs.alerts";
/** For longer than a queue and its sweeper go on with a notice that is told by half. */
const recordsKeptMs = 30 * dayMs;

type NoticeRow = Row<typeof alertNotices>;

/**
 * Passes a tenant's notices on to the operator, and writes the owners' mails of them. The record that lies beside the mails,
 * in the directory, says that they were written, however often whoever wrote them died before the cell knew.
 * @returns whether there are more, of which some can be told
 * @throws what kept one of them from being told, after the others were
 */
export async function tellNotices(env: Env, cell: Cell, tenantId: string, now: number): Promise<boolean> {
  const session = keylessSession(cell.database, tenantId);
  const { notPassedOn, notMailed } = await session.read(pendingNotices);
  const run = { job, requestId: newId("run"), now };
  const standing = new Map<string, NoticeRow | null>(notMailed.map((notice) => [notice.id, notice]));
  const failures: unknown[] = [];
  let isTold = false;
  const settled = async (notice: NoticeRow, patch: { passedOnAt: string } | { mailedAt: string }) => {
    const change = update(alertNotices, notice, patch, now);
    const isDone = (await commitAsSystem(session, run, [change])).kind === "committed";
    isTold ||= isDone;
    // Where it is another's by now, that one goes on with it.
    standing.set(notice.id, isDone ? change.row : null);
  };
  const eachOf = async (notices: readonly NoticeRow[], tell: (notice: NoticeRow) => Promise<void>) => {
    for (const notice of notices) {
      try {
        await tell(notice);
      } catch (error) {
        log("warn", "a notice is told later", { tenantId, notice: notice.id, ...errorFields(error) });
        failures.push(error);
      }
    }
  };
  // First and all of them, as what keeps the owners from being told may be what the operator is to mend.
  await eachOf(notPassedOn, async (notice) => {
    await passOn(env, notice, run);
    await settled(notice, { passedOnAt: timestamp(now) });
  });
  await eachOf(notMailed, async ({ id }) => {
    const notice = standing.get(id);
    if (!notice) return;
    await mailOwners(env, cell, notice, run);
    await settled(notice, { mailedAt: timestamp(now) });
  });
  if (failures.length > 0) throw failures[0];
  return isTold && [notPassedOn, notMailed].some(({ length }) => length === mostPending);
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

async function mailOwners(env: Env, cell: Cell, notice: NoticeRow, run: SystemRun): Promise<void> {
  const { tenantId, id, alertId, kind, count, fromAt: from, toAt: to } = notice;
  const session = await systemSession(env, cell.database, tenantId);
  const { newest, alerted, isWritten } = await session.read({
    newest: one(alerts, alertId),
    alerted: alertsOfNotice(notice),
    ...(kind === "key-leaked" ? { isWritten: hadLetters(notice) } : {}),
  });
  if (isWritten === true) return;
  const subjectId = newest?.subjectId ?? null;
  const otherIds = listedSubjects(alerted).filter((each) => each !== subjectId);
  // Who is an owner no longer hears of it too: the others may be in it together.
  const alsoTo =
    kind === "owner-changed" ? [...alerted, newest].flatMap((each) => each?.subjectId ?? []) : [];
  await ownersOf(env, cell, session.keys, run).tell(
    "alert",
    (place) => ({ ...place, kind, subjectId, otherIds, count, from, to }),
    { once: onceWithin(recordsKeptMs, job, id, run.now), alsoTo },
  );
}
