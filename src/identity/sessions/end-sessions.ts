import { type Change, update } from "#db/changes.ts";
import { type SessionEnd, sessions, users } from "#db/directory-tables.ts";
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

/** All sessions end but the one that asks, however many there are: it alone goes on in the user's new epoch. */
export function inNewEpoch(
  user: Row<typeof users>,
  known: readonly Row<typeof sessions>[],
  currentId: string,
  now: number,
): Change[] {
  const sessionEpoch = user.sessionEpoch + 1;
  const current = known.filter(({ id }) => id === currentId);
  return [
    update(users, user, { sessionEpoch }, now),
    ...current.map((session) => update(sessions, session, { sessionEpoch }, now)),
  ];
}
