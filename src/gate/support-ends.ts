import { sql } from "drizzle-orm";
import { type Change, emit, mustExist, update } from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import { timestamp } from "#lib/time.ts";
import { type SupportEnd, supportGrants, supportSessions } from "./support-tables.ts";

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

/**
 * What an agent writes stands only while their session does, and its grant: a gate that let them in may have done so long
 * before a slow body came to its end.
 */
export function stillVisiting(sessionId: string, grantId: string, now: number): readonly Change[] {
  const at = timestamp(now);
  const over = { problem: "unauthorized" };
  return (
    [
      [supportSessions, sessionId],
      [supportGrants, grantId],
    ] as const
  ).map(([table, id]) =>
    mustExist(
      table,
      sql`${table.id} = ${id} and ${table.endedAt} is null and ${table.expiresAt} > ${at}`,
      over,
    ),
  );
}
