import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

const Ended = z.object({ at: z.string(), because: z.enum(["agent", "business", "grant", "operator"]) });

/** When and why a session of support was ended, without any key; null where it was not, or is none. */
export function sessionEndOf(id: string): Query<z.output<typeof Ended> | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "support_sessions"."ended_at" as "at", "support_sessions"."ended_because" as "because" from "support_sessions" where "support_sessions"."tenant_id" = ${tenantId} and "support_sessions"."id" = ${id} and "support_sessions"."ended_at" is not null`,
      ),
    decode: async (_context, [row]) => (row ? Ended.parse(row) : null),
  };
}
