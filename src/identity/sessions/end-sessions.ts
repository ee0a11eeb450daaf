import { type Change, update } from "#db/changes.ts";
import { type SessionEnd, sessions } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import { timestamp } from "#lib/time.ts";

/** Ends each of these, so that none of their tokens is taken by any later request here. */
export function endSessions(
  ended: readonly Row<typeof sessions>[],
  because: SessionEnd,
  now: number,
): Change[] {
  const patch = { state: "ended", endedAt: timestamp(now), endedBecause: because } as const;
  return ended.map((session) => update(sessions, session, patch, now));
}
