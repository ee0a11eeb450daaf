import { type Change, update } from "#db/changes.ts";
import { type SessionEnd, sessions, users } from "#db/directory-tables.ts";
import type { Patch, Row } from "#db/tenant-table.ts";
import { type IdentityEvent, tell } from "#identity/identity-events.ts";
import { timestamp } from "#lib/time.ts";

/** Ends each of these of one user, so that none of their tokens is taken by any later request here. */
export function endSessions(
  ended: readonly Row<typeof sessions>[],
  because: SessionEnd,
  now: number,
): Change[] {
  const patch = { state: "ended", endedAt: timestamp(now), endedBecause: because } as const;
  const [first] = ended;
  if (!first) return [];
  const sessionId = ended.length === 1 ? first.id : null;
  const told = tell(eventOf(because), first.userId, { sessionId, sessions: ended.length, because });
  return [...ended.map((session) => update(sessions, session, patch, now)), ...told];
}

function eventOf(because: SessionEnd): IdentityEvent {
  if (because === "signed-out") return "user.signed_out";
  return because === "refresh-reused" ? "user.refresh_reused" : "user.session_ended";
}

/** All sessions end but the one that asks, however many there are: it alone goes on in the user's new epoch. */
export function inNewEpoch(
  user: Row<typeof users>,
  current: Row<typeof sessions> | null,
  now: number,
  patch: Patch<typeof sessions> = {},
): Change[] {
  const sessionEpoch = user.sessionEpoch + 1;
  return [
    update(users, user, { sessionEpoch }, now),
    ...(current ? [update(sessions, current, { ...patch, sessionEpoch }, now)] : []),
  ];
}
