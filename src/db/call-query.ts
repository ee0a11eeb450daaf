import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import { firstIdAt, timeOfId } from "#lib/typeid.ts";
import { type CallFilter, callConditions, column, hourConditions } from "./call-filter.ts";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";
import type { ResultRows } from "./store.ts";

/** One call; `at` is RFC 3339. */
export type CallRow = z.output<typeof StoredCall> & { readonly at: string };

/** The calls, newest first. */
export function callRows(filter: CallFilter, after: string | null, limit: number): Query<CallRow[]> {
  return {
    async statement(context) {
      const where = callConditions("calls", context, filter);
      where.push(sql`"calls"."id" >= ${firstIdAt("req", Date.parse(filter.from))}`);
      if (filter.until !== undefined)
        where.push(sql`"calls"."id" < ${firstIdAt("req", Date.parse(filter.until))}`);
      if (after !== null) where.push(sql`"calls"."id" < ${after}`);
      return statementOf(
        sql`select ${callColumns} from "calls"${indexFor("calls", filter)} where ${sql.join(where, sql` and `)} order by "calls"."id" desc limit ${limit}`,
      );
    },
    decode: async (_context, rows) => parseCalls(rows),
  };
}

export function parseCalls(rows: ResultRows): CallRow[] {
  const calls = z.array(StoredCall).parse(rows);
  return calls.map((call) => ({ ...call, at: timestamp(timeOfId(call.id)) }));
}

/** How many calls an hour (by its start) had of one principal, operation and status. */
export type CallCount = z.output<typeof StoredCount>;
export const CallCountKey = z.object({
  hour: z.string(),
  actorId: z.string(),
  operation: z.string(),
  status: z.int(),
});

/** The counts of whole hours, newest first. */
export function callCounts(
  filter: CallFilter,
  after: z.output<typeof CallCountKey> | null,
  limit: number,
): Query<CallCount[]> {
  return {
    async statement(context) {
      const where = [
        ...callConditions("call_counts", context, filter),
        ...hourConditions("call_counts", filter),
      ];
      if (after) {
        const { hour, actorId, operation, status } = after;
        where.push(sql`(${countOrder("")}) < (${hour}, ${actorId}, ${operation}, ${status})`);
      }
      return statementOf(
        sql`select ${countColumns} from "call_counts"${indexFor("call_counts", filter)} where ${sql.join(where, sql` and `)} order by ${countOrder(" desc")} limit ${limit}`,
      );
    },
    decode: async (_context, rows) => z.array(StoredCount).parse(rows),
  };
}

/** Each filter has its index (migrations/log); without one the primary key serves. */
function indexFor(table: "calls" | "call_counts", { actorId, operation, status }: CallFilter): SQL {
  const indexed = (by: string) => sql.raw(` indexed by "${table}_by_${by}"`);
  if (actorId !== undefined) return indexed("actor");
  if (operation !== undefined) return indexed("operation");
  return status === undefined ? sql`` : indexed("status");
}

function countOrder(direction: "" | " desc"): SQL {
  const columns = ["hour", "actor_id", "operation", "status"];
  return sql.raw(columns.map((name) => `"call_counts"."${name}"${direction}`).join(", "));
}

export const callColumns = sql.join(
  [
    ...["id", "operation", "route", "status", "problem", "times"].map((name) => column("calls", name)),
    sql`"calls"."actor_id" as "actorId"`,
    sql`"calls"."duration_ms" as "durationMs"`,
  ],
  sql`, `,
);

const countColumns = sql.join(
  [
    ...["hour", "operation", "status", "calls"].map((name) => column("call_counts", name)),
    sql`"call_counts"."actor_id" as "actorId"`,
  ],
  sql`, `,
);

const StoredCall = z.object({
  id: z.string(),
  actorId: z.string(),
  operation: z.string(),
  route: z.string(),
  status: z.int(),
  problem: z.string().nullable(),
  durationMs: z.int(),
  times: z.int(),
});
const StoredCount = z.object({
  hour: z.string(),
  actorId: z.string(),
  operation: z.string(),
  status: z.int(),
  calls: z.int(),
});
