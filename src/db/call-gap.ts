import { sql } from "drizzle-orm";
import { z } from "zod";
import { actorConditions, actorsOf, type CallFilter, column, hourConditions } from "./call-filter.ts";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

/** How many calls the gates counted in the filter's hours: of its actor, or of the whole tenant. */
export function gateTotal(filter: CallFilter): Query<number> {
  return total("gate_counts", "calls", filter);
}

/** How many of those calls the log has. */
export function loggedTotal(filter: CallFilter): Query<number> {
  const [byTenant, byActor] = [total("call_hours", "logged", filter), total("call_counts", "calls", filter)];
  return {
    statement: (context) => (actorsOf(context, filter).length === 0 ? byTenant : byActor).statement(context),
    decode: byTenant.decode,
  };
}

function total(
  table: "gate_counts" | "call_counts" | "call_hours",
  counted: "calls" | "logged",
  filter: CallFilter,
): Query<number> {
  return {
    async statement(context) {
      const where = [...actorConditions(table, context, filter), ...hourConditions(table, filter)];
      return statementOf(
        sql`select coalesce(sum(${column(table, counted)}), 0) as "total" from ${sql.identifier(table)} where ${sql.join(where, sql` and `)}`,
      );
    },
    decode: async (_context, rows) => Total.parse(rows)[0].total,
  };
}

const Total = z.tuple([z.object({ total: z.int() })]);
