import { type Change, emit, update } from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import { timestamp } from "#lib/time.ts";
import { type SupportEnd, supportSessions } from "./support-tables.ts";

/** What ends an agent's session at once, and what it is then; one that is over already stays as it is. */
export function supportEnded(
  row: Row<typeof supportSessions>,
  because: SupportEnd,
  now: number,
): { readonly row: Row<typeof supportSessions>; readonly changes: readonly Change[] } {
  if (row.endedAt !== null || row.expiresAt <= timestamp(now)) return { row, changes: [] };
  const ended = update(supportSessions, row, { endedAt: timestamp(now), endedBecause: because }, now);
  const { id: supportSessionId, grantId: supportGrantId, agentId } = row;
  const data = { supportSessionId, supportGrantId, agentId, because };
  const told = emit("support.session_ended", data, { table: supportSessions, row });
  return { row: ended.row, changes: [ended, told] };
}
