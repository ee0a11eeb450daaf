import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";
import { type AnyTenantTable, columnOf } from "./tenant-table.ts";

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

const Named = z.object({ id: z.string(), version: z.int() });

/** A session, or a grant, that was over by then, by id and version alone and without any key; null for any other. */
export function pastSupport(
  table: AnyTenantTable,
  id: string,
  by: string,
): Query<z.output<typeof Named> | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${table.id} as "id", ${table.version} as "version" from ${table} where ${table.tenantId} = ${tenantId} and ${table.id} = ${id} and ${columnOf(table, "expiresAt")} <= ${by}`,
      ),
    decode: async (_context, [row]) => (row ? Named.parse(row) : null),
  };
}
