import { CellSystem } from "#db/cell-system.ts";
import { removeNamed } from "#db/changes.ts";
import { type Forgettable, pastRow } from "#db/forgetting.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { invitationLocations, invitations } from "#gate/invitation-tables.ts";
import { keyLimits } from "#gate/key-limits.ts";
import { supportGrants, supportSessions } from "#gate/support-tables.ts";
import { inTurn } from "#lib/in-turn.ts";
import { dayMs } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { alertNotices, alerts } from "#resources/alerts/table.ts";

const recordsKeptMs = 400 * dayMs;

/** How long each table's rows are kept. Rows that others reference go in a later run (`heldBy`). */
export const forgettables: readonly Forgettable[] = [
  {
    // For as long as one that nobody accepted can be sent again.
    table: invitations,
    since: "expiresAt",
    index: "invitations_by_expiry",
    keptMs: 30 * dayMs,
    takes: { table: invitationLocations, by: "invitationId" },
  },
  // Nothing waits for it: a gate knows by itself when one has expired.
  { table: keyLimits, since: "expiresAt", index: "key_limits_by_expiry", keptMs: 0 },
  // For as long as a business can see who was there, and what it was told, beside its audit.
  {
    table: supportSessions,
    since: "expiresAt",
    index: "support_sessions_by_expiry",
    keptMs: recordsKeptMs,
  },
  {
    table: supportGrants,
    since: "expiresAt",
    index: "support_grants_by_expiry",
    keptMs: recordsKeptMs,
    heldBy: { table: supportSessions, by: "grantId" },
  },
  {
    table: alertNotices,
    since: "createdAt",
    index: "alert_notices_by_age",
    keptMs: recordsKeptMs,
    only: "mailed_at is not null and passed_on_at is not null",
  },
  {
    table: alerts,
    since: "lastAt",
    index: "alerts_by_age",
    keptMs: recordsKeptMs,
    only: "tell_at is null",
    heldBy: { table: alertNotices, by: "alertId" },
  },
];

const mostPerRun = 100;

/** Takes away what is past its time, a bounded number at each run, of each tenant in turn; without any key, so that none stays. */
export async function forgetRows(cell: Cell, now: number): Promise<void> {
  const due = await new CellSystem(new Store(cell.database, "first-primary")).rowsToForget(forgettables, now);
  const run = { job: "rows.forget", requestId: newId("run"), now };
  for (const { tenantId, id, of } of inTurn(due, (row) => row.tenantId, mostPerRun)) {
    try {
      const session = keylessSession(cell.database, tenantId);
      const { past } = await session.read({ past: pastRow(of, id, now) });
      if (past === null) continue;
      await commitAsSystem(session, run, [
        ...(of.takes ? removeNamed(of.takes.table, past.taken) : []),
        ...removeNamed(of.table, [past.row]),
      ]);
    } catch (error) {
      log("error", "a row could not be forgotten; it is tried again", { row: id, ...errorFields(error) });
    }
  }
}
