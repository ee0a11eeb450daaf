import { CellSystem } from "#db/cell-system.ts";
import { removeNamed } from "#db/changes.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { pastSupport } from "#db/support-rows.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { supportGrants, supportSessions } from "#gate/support-tables.ts";
import { inTurn } from "#lib/in-turn.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";

/** Past their time: for as long as a business can see who was there, beside its audit. */
export const supportKeptMs = 400 * dayMs;
const mostPerRun = 50;

/** Takes away sessions of support, and the grants of none; without any key, so that none stays. */
export async function forgetSupport(cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const before = timestamp(now - supportKeptMs);
  const run = { job: "support.forget", requestId: newId("run"), now };
  // A grant goes after its sessions, in a later run.
  for (const { tenantId, id } of inTurn(
    await system.supportToForget(before),
    (due) => due.tenantId,
    mostPerRun,
  )) {
    const table = id.startsWith("sps_") ? supportSessions : supportGrants;
    try {
      const session = keylessSession(cell.database, tenantId);
      const { past } = await session.read({ past: pastSupport(table, id, before) });
      if (past !== null) await commitAsSystem(session, run, removeNamed(table, [past]));
    } catch (error) {
      log("error", "what support did could not be forgotten; it is tried again", {
        row: id,
        ...errorFields(error),
      });
    }
  }
}
