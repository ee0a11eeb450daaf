import { type SQL, sql } from "drizzle-orm";
import { minuteMs, timestamp } from "#lib/time.ts";
import { type Note, note, type Upkeep } from "./changes.ts";
import { platformTenant, sessions } from "./directory-tables.ts";
import { many } from "./queries.ts";
import { statementOf } from "./statement.ts";

/** Longer than any access token lives: so long after its end the id of a session, grant or token is kept. */
export const tokensOutlivedMs = 10 * minuteMs;

/** Has the gate of this member refuse what tokens of these sessions are left; told twice, it is written once. */
export function endSessionsOf(
  tenantId: string,
  memberId: string,
  sessionIds: readonly string[],
  now: number,
): [Upkeep, Note] {
  const ids = JSON.stringify(sessionIds);
  const isThere = (id: SQL) =>
    sql`exists (select 1 from "ended_sessions" where "ended_sessions"."tenant_id" = ${tenantId} and "ended_sessions"."member_id" = ${memberId} and "ended_sessions"."session_id" = ${id})`;
  const upkeep: Upkeep = {
    kind: "upkeep",
    unless: sql`not exists (select 1 from json_each(${ids}) where not ${isThere(sql`json_each.value`)})`,
    statements: [
      statementOf(
        sql`insert into "ended_sessions" ("tenant_id", "member_id", "session_id", "kept_until") select ${tenantId}, ${memberId}, json_each.value, ${timestamp(now + tokensOutlivedMs)} from json_each(${ids}) where not ${isThere(sql`json_each.value`)}`,
      ),
      statementOf(
        sql`update "tenant_state" set "epoch" = "epoch" + 1 where "tenant_state"."tenant_id" = ${tenantId}`,
      ),
    ],
  };
  return [upkeep, note("member", memberId, { sessionsEnded: [...sessionIds] })];
}

// Each may be of another user with tenants of their own, and cron has other work as well.
const untoldAtOnce = 20;

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
