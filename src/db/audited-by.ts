import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

const Rows = z.array(z.object({ seq: z.int(), operation: z.string() }));

/** By which operation, or job, each of these rows of the audit was written; by their numbers. */
export function auditedBy(seqs: readonly number[]): Query<ReadonlyMap<number, string>> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "audit_log"."seq", "audit_log"."operation" from "audit_log" where "audit_log"."tenant_id" = ${tenantId} and "audit_log"."seq" in (select json_each.value from json_each(${JSON.stringify(seqs)}))`,
      ),
    decode: async (_context, rows) => new Map(Rows.parse(rows).map(({ seq, operation }) => [seq, operation])),
  };
}
