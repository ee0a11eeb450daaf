import { sql } from "drizzle-orm";
import { minuteMs, timestamp } from "#lib/time.ts";
import { type Note, note, type Upkeep } from "./changes.ts";
import { platformTenant, sessions } from "./directory-tables.ts";
import { many } from "./queries.ts";
import { statementOf } from "./statement.ts";

/** Longer than any access token lives. */
const tokensOutlivedMs = 10 * minuteMs;

/** Has the gate of this member refuse what tokens of the session are left; told twice, it is written once. */
export function endSessionOf(
  tenantId: string,
  memberId: string,
  sessionId: string,
  now: number,
): [Upkeep, Note] {
  const isIt = sql`"ended_sessions"."tenant_id" = ${tenantId} and "ended_sessions"."member_id" = ${memberId} and "ended_sessions"."session_id" = ${sessionId}`;
  const upkeep: Upkeep = {
    kind: "upkeep",
    unless: sql`exists (select 1 from "ended_sessions" where ${isIt})`,
    statements: [
      statementOf(
        sql`insert into "ended_sessions" ("tenant_id", "member_id", "session_id", "kept_until") values (${tenantId}, ${memberId}, ${sessionId}, ${timestamp(now + tokensOutlivedMs)})`,
      ),
      statementOf(
        sql`update "tenant_state" set "epoch" = "epoch" + 1 where "tenant_state"."tenant_id" = ${tenantId}`,
      ),
    ],
  };
  return [upkeep, note("member", memberId, { sessionEnded: sessionId })];
}

const untoldAtOnce = 100;

/** Sessions that ended of late and that some cell may not have been told of: their refresh state is still there. */
export function endedUntold(now: number) {
  const since = timestamp(now - tokensOutlivedMs);
  return many(sessions, {
    where: sql`${sessions.state} = 'ended' and ${sessions.endedAt} > ${since} and exists (select 1 from "session_refreshes" where "session_refreshes"."tenant_id" = ${platformTenant} and "session_refreshes"."session_id" = ${sessions.id})`,
    indexedBy: "sessions_ended",
    order: sql`${sessions.endedAt}`,
    limit: untoldAtOnce,
  });
}

/** Once every cell was told. */
export function forgetRefreshes(sessionIds: readonly string[]) {
  return statementOf(
    sql`delete from "session_refreshes" where "session_refreshes"."tenant_id" = ${platformTenant} and "session_refreshes"."session_id" in (select value from json_each(${JSON.stringify(sessionIds)}))`,
  );
}
