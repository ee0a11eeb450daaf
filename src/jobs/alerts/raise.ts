import { alertKinds } from "#db/alert-kinds.ts";
import { alertProgress, goneThrough, moveOn, rowsAtOnce, unalertedRows } from "#db/alert-progress.ts";
import { type Change, emit, insert, update } from "#db/changes.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { standingQueries } from "#resources/alerts/queries.ts";
import { type Draft, type NoticeDraft, planned } from "#resources/alerts/rules.ts";
import { alertNotices, alerts } from "#resources/alerts/table.ts";
import { criticalNames, findingsOf } from "./findings.ts";

const job = "jobs.alerts";
/** Pages of one tenant's audit that one message has gone through, so that a backlog leaves others their turn. */
const mostPages = 10;

type AlertRow = Row<typeof alerts>;

/**
 * Goes through the rows of a tenant's audit that it has not gone through yet. What it finds stands in the batch that says
 * how far it got: a message that comes twice, or a crash, neither counts twice nor loses any.
 * @returns whether there is more
 */
export async function raiseAlerts(cell: Cell, tenantId: string, now: number): Promise<boolean> {
  // What does not open is one of the things it tells of: no key has a part in it.
  const session = keylessSession(cell.database, tenantId);
  for (let page = 0; page < mostPages; page += 1) {
    const { progress, rows, recent, untold, notices } = await session.read({
      progress: alertProgress,
      rows: unalertedRows(criticalNames),
      ...standingQueries(now),
    });
    const known = [...new Map([...untold, ...recent].map((row) => [row.id, row])).values()];
    const isBegun = ({ kind }: { kind: AlertRow["kind"] }) => recent.some((row) => row.kind === kind);
    const findings = rows.length === 0 ? [] : await findingsOf(session, rows, { to: progress.to, isBegun });
    const plan = planned({ alerts: known, notices }, findings, now);
    if (plan.drafts.length > 0) {
      const changes = [...changesOf(plan, now), goneThrough(tenantId, progress)];
      const outcome = await commitAsSystem(session, { job, requestId: newId("run"), now }, changes);
      // Another was faster, or the tenant is being taken down; what is left is found again.
      if (outcome.kind !== "committed") return outcome.kind === "lost" && outcome.what === "version";
      continue;
    }
    if (progress.to > progress.from) await session.execute([moveOn(tenantId, progress)]);
    if (progress.to - progress.from < rowsAtOnce) return false;
  }
  return true;
}

function changesOf(
  {
    drafts,
    notices,
  }: { readonly drafts: readonly Draft<AlertRow>[]; readonly notices: readonly NoticeDraft<AlertRow>[] },
  now: number,
): Change[] {
  const written = new Map(drafts.map((draft) => [draft, writtenAs(draft, now)]));
  const rows = [...written.values()];
  return [
    ...rows,
    ...notices.flatMap(({ alert, kind, subjectIds, count, fromAt, toAt }): Change[] => {
      const row = written.get(alert)?.row;
      if (!row) throw new TypeError("A notice is of an alert that is written.");
      const notice = { id: newId("ntc"), alertId: row.id, kind, count, fromAt, toAt };
      const { severity, subjectId } = row;
      const about = { subjectId, subjectIds: subjectIds.join(" ") };
      const data = { alertId: row.id, kind, severity, ...about, count, from: fromAt, to: toAt };
      return [insert(alertNotices, notice, now), emit("alert.raised", data, { table: alerts, row })];
    }),
  ];
}

function writtenAs({ before, next }: Draft<AlertRow>, now: number) {
  const { kind, subjectId, count, told, firstAt, lastAt, toldAt, tellAt } = next;
  if (before) return update(alerts, before, { count, told, firstAt, lastAt, toldAt, tellAt }, now);
  const severity = alertKinds[kind];
  const row = { id: newId("alr"), kind, severity, subjectId, count, told, firstAt, lastAt, toldAt, tellAt };
  return insert(alerts, row, now);
}
