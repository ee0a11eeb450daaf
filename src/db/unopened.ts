import type { SealError } from "#crypto/envelope.ts";
import { errorFields, log } from "#platform/log.ts";
import type { Emit } from "./changes.ts";
import { note } from "./changes.ts";
import { onceAnHour } from "./once-an-hour.ts";
import { keylessSession } from "./open-tenant.ts";
import { commitAsSystem } from "./system-commit.ts";

const job = "vault.open";

/**
 * Records that a sealed value did not open: where it lies and why, never what it is. The record of a key that lives an
 * hour makes it one row for each value and hour, however many reads meet it. Fails silently but for the log, as whoever
 * calls is answering that very failure.
 */
export async function noteUnopened(
  database: D1Database,
  error: SealError,
  run: { readonly requestId: string; readonly now: number },
): Promise<void> {
  const { address, reason } = error;
  if (address === null) return;
  const { tenant, table, column, row } = address;
  const session = keylessSession(database, tenant);
  const where = { table, column, row, reason };
  const record = onceAnHour(job, `${table} ${column} ${row}`, run.now);
  const told: Emit = {
    kind: "emit",
    type: "vault.open_failed",
    data: where,
    locationId: null,
    assigneeId: null,
  };
  try {
    await commitAsSystem(
      session,
      { ...run, job },
      [note("sealed-value", entityIdOf(row), where), told],
      null,
      record,
    );
  } catch (failure) {
    log("error", "an unopened value could not be recorded", { tenantId: tenant, ...errorFields(failure) });
  }
}

// Some rows are named by several ids; the first is whose they are.
function entityIdOf(row: string): string {
  return /[\w.-]{1,64}/.exec(row)?.[0] ?? "unknown";
}
