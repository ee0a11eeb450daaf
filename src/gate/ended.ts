import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { tokensOutlivedMs } from "#db/ended-sessions.ts";
import type { ResultRows } from "#db/store.ts";
import { secondMs } from "#lib/time.ts";
import type { Credential } from "./authenticate.ts";
import type { Policy } from "./policy.ts";

type Ended = Pick<Policy, "endedSessions" | "tokensFromMs">;

/**
 * How many ended ids a gate names. Of a member fewer than the sessions that are ended one by one where all of theirs end:
 * those beyond are told to no cell. A client ends tokens of its own, each by itself.
 */
export const mostEnded = { member: 90, client: 200 } as const;
// Between the reading of the clock and the commit, of whoever ends a session and of whoever makes a last token in it.
const overlapMs = 30 * secondMs;

/** The ids of what this principal's tokens were made in that ended of late, the latest first. */
export function endedLately(tenantId: string, principalId: string, most: number): SQL {
  return sql`select "session_id", "kept_until" from "ended_sessions" indexed by "ended_sessions_latest" where "ended_sessions"."tenant_id" = ${tenantId} and "ended_sessions"."member_id" = ${principalId} order by "kept_until" desc limit ${sql.raw(String(most))}`;
}

const Rows = z.array(z.object({ session_id: z.string(), kept_until: z.string() }));

/** What a gate knows of them. Where more may have ended than are named, whatever could have been made in those is over too. */
export function endedFrom(rows: ResultRows | undefined, most: number): Ended {
  const ended = Rows.parse(rows ?? []);
  const last = ended.length < most ? undefined : ended.at(-1);
  return {
    endedSessions: ended.map(({ session_id: id }) => id),
    tokensFromMs: last ? Date.parse(last.kept_until) - tokensOutlivedMs + overlapMs : null,
  };
}

/** Has what this credential was made in ended, or may it have: then it is made anew, or not at all. */
export function isOver(
  { endsWith, issuedAtSeconds }: Pick<Credential, "endsWith" | "issuedAtSeconds">,
  { endedSessions, tokensFromMs }: Ended,
): boolean {
  if (endsWith.some((id) => endedSessions.includes(id))) return true;
  return issuedAtSeconds !== null && tokensFromMs !== null && issuedAtSeconds * secondMs < tokensFromMs;
}
