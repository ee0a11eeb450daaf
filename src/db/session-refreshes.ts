import { sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import type { Upkeep } from "./changes.ts";
import { platformTenant } from "./directory-tables.ts";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

/** Which of its refresh tokens a session is at, since when. */
export interface RefreshState {
  readonly generation: number;
  /** ms since 1970. */
  readonly refreshedAt: number;
}

const Rows = z.array(z.object({ generation: z.int(), refreshed_at: z.string() }));
const ofSession = (sessionId: string) =>
  sql`"session_refreshes"."tenant_id" = ${platformTenant} and "session_refreshes"."session_id" = ${sessionId}`;

export function refreshState(sessionId: string): Query<RefreshState | null> {
  return {
    statement: async () =>
      statementOf(
        sql`select "generation", "refreshed_at" from "session_refreshes" where ${ofSession(sessionId)}`,
      ),
    async decode(_context, rows) {
      const [row] = Rows.parse(rows);
      return row ? { generation: row.generation, refreshedAt: Date.parse(row.refreshed_at) } : null;
    },
  };
}

/** Of a session that begins in the same batch. */
export function firstRefresh(sessionId: string, now: number): Upkeep {
  return {
    kind: "upkeep",
    unless: sql`exists (select 1 from "session_refreshes" where ${ofSession(sessionId)})`,
    statements: [
      statementOf(
        sql`insert into "session_refreshes" ("tenant_id", "session_id", "generation", "refreshed_at") values (${platformTenant}, ${sessionId}, 1, ${timestamp(now)})`,
      ),
    ],
  };
}

/** From this generation to the next: of many at once, one. */
export function nextRefresh(sessionId: string, generation: number, now: number): Upkeep {
  const isThere = sql`${ofSession(sessionId)} and "generation" = ${generation}`;
  return {
    kind: "upkeep",
    unless: sql`not exists (select 1 from "session_refreshes" where ${isThere})`,
    statements: [
      statementOf(
        sql`update "session_refreshes" set "generation" = ${generation + 1}, "refreshed_at" = ${timestamp(now)} where ${isThere}`,
      ),
    ],
  };
}

const Times = z.array(z.object({ session_id: z.string(), refreshed_at: z.string() }));

/** When each of a user's latest sessions was last used, by session. */
export function refreshedAts(userId: string, limit: number): Query<ReadonlyMap<string, string>> {
  return {
    statement: async () =>
      statementOf(
        sql`select "session_refreshes"."session_id", "session_refreshes"."refreshed_at" from "sessions" indexed by "sessions_by_user" cross join "session_refreshes" on "session_refreshes"."tenant_id" = ${platformTenant} and "session_refreshes"."session_id" = "sessions"."id" where "sessions"."tenant_id" = ${platformTenant} and "sessions"."user_id" = ${userId} order by "sessions"."id" desc limit ${limit}`,
      ),
    async decode(_context, rows) {
      return new Map(Times.parse(rows).map((row) => [row.session_id, row.refreshed_at]));
    },
  };
}
