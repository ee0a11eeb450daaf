import { callsOfHour, markArchived } from "#db/call-hours.ts";
import type { CallRow } from "#db/call-query.ts";
import { LogSystem, type TenantHour } from "#db/log-system.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { dayMs, hourStart, minuteMs, timestamp } from "#lib/time.ts";
import { putCalls } from "#platform/call-archive.ts";
import type { Cell } from "#platform/cells.ts";
import { errorFields, log } from "#platform/log.ts";

// By then most calls of an hour have come; for those that come later it is archived anew.
const settledAfterMs = 10 * minuteMs;
const archivedForMs = 7 * dayMs;
const rowsPerPart = 5_000;

/**
 * Writes each ended hour of each tenant to R2 as NDJSON, from the rows: so each call stands there once, and a run that
 * died is done over. One hour's failure stops no other.
 */
export async function archiveCalls(cell: Cell, now: number): Promise<void> {
  const system = new LogSystem(new Store(cell.log, "first-primary"));
  const from = timestamp(hourStart(now - archivedForMs));
  const until = timestamp(hourStart(now - settledAfterMs));
  for (const due of await system.hoursToArchive(from, until)) {
    try {
      await archiveHour(cell, due);
    } catch (error) {
      log("error", "an hour of calls could not be archived", { hour: due.hour, ...errorFields(error) });
    }
  }
}

async function archiveHour(cell: Cell, { tenantId, hour }: TenantHour): Promise<void> {
  const driver = new TenantDriver(new Store(cell.log, "first-primary"), tenantId);
  let archived = 0;
  let after: string | null = null;
  for (let part = 0; ; part += 1) {
    const rows: CallRow[] = await callsOfHour(driver, hour, after, rowsPerPart);
    if (rows.length > 0) await putCalls(cell.callArchive, tenantId, { hour, part }, linesOf(rows));
    archived += rows.reduce((sum, { times }) => sum + times, 0);
    after = rows.at(-1)?.id ?? null;
    if (rows.length < rowsPerPart) break;
  }
  await markArchived(driver, hour, archived);
}

function linesOf(rows: readonly CallRow[]): string {
  const lines = rows.map(({ id, at, ...rest }) => JSON.stringify({ id, at, ...rest }));
  return `${lines.join("\n")}\n`;
}
