import { emit, type Update, update } from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import { listOf, storedMask } from "#gate/capabilities.ts";
import { type SupportEnd, type supportGrants, supportSessions } from "#gate/support-tables.ts";
import { dayMs, timestamp } from "#lib/time.ts";

const longestGrantMs = 30 * dayMs;

/** Why a grant may not last until then; null where it may. */
export function endFault(expiresAt: string, now: number): string | null {
  if (expiresAt <= timestamp(now)) return "is not in the future";
  return expiresAt > timestamp(now + longestGrantMs) ? "is more than 30 days away" : null;
}

export function presentGrant(row: Row<typeof supportGrants>) {
  return {
    ...row,
    capabilities: listOf(storedMask(row.capabilities)),
    showsPersonalData: row.showsPersonalData === 1,
  };
}

/** What ends a session at once; nothing where it is over already. */
export function sessionEnded(
  row: Row<typeof supportSessions>,
  because: SupportEnd,
  now: number,
): readonly [Update & { readonly row: Row<typeof supportSessions> }, ReturnType<typeof emit>] | readonly [] {
  if (row.endedAt !== null || row.expiresAt <= timestamp(now)) return [];
  const ended = update(supportSessions, row, { endedAt: timestamp(now), endedBecause: because }, now);
  const { id: supportSessionId, grantId: supportGrantId, agentId } = row;
  const data = { supportSessionId, supportGrantId, agentId, because };
  return [ended, emit("support.session_ended", data, { table: supportSessions, row })];
}
