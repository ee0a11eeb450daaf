import { CellSystem } from "#db/cell-system.ts";
import { removeNamed } from "#db/changes.ts";
import { pastKeyLimit } from "#db/key-limit-rows.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { keyLimits } from "#gate/key-limits.ts";
import { inTurn } from "#lib/in-turn.ts";
import { timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";

const mostPerRun = 50;

/** Takes away limits that no gate holds any more. Nothing waits for it: a gate knows by itself when one has expired. */
export async function forgetKeyLimits(cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const before = timestamp(now);
  const due = await system.keyLimitsToForget(before);
  const run = { job: "api-keys.forget-limits", requestId: newId("run"), now };
  for (const { tenantId, keyLimitId } of inTurn(due, (limit) => limit.tenantId, mostPerRun)) {
    try {
      const session = keylessSession(cell.database, tenantId);
      // One that was prolonged meanwhile has another version, and stays.
      const { past } = await session.read({ past: pastKeyLimit(keyLimitId, before) });
      if (past !== null) await commitAsSystem(session, run, removeNamed(keyLimits, [past]));
    } catch (error) {
      log("error", "a key's limit could not be forgotten; it is tried again", {
        limit: keyLimitId,
        ...errorFields(error),
      });
    }
  }
}
