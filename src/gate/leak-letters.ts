import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";
import { dayMs, timestamp } from "#lib/time.ts";

/** What ends a leaked key, whoever says that it leaked. */
export const leakOperation = "api-keys.reportLeak";

/** So many leaks of a day have a letter of their own; whoever makes keys only to report them has owners told by fewer. */
const mostLetters = 5;

const Instants = z.array(z.object({ at: z.string() }));

/** Whether there were fewer leaks in the day before `from`, and from then until `to`, than have letters; RFC 3339. */
function fewLeaks(from: string, to: string, most: number): Query<boolean> {
  const since = timestamp(Date.parse(from) - dayMs);
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "audit_log"."created_at" as "at" from "audit_log" indexed by "audit_log_by_operation" where "audit_log"."tenant_id" = ${tenantId} and "audit_log"."operation" = ${leakOperation} and "audit_log"."created_at" > ${since} and "audit_log"."created_at" <= ${to} and "audit_log"."entity" = 'api-key' and "audit_log"."action" = 'updated' order by "audit_log"."created_at" desc limit ${most}`,
      ),
    decode: async (_context, rows) => Instants.parse(rows).length < most,
  };
}

/** Whether a leak of now has a letter of its own. */
export function hasLetter(now: number): Query<boolean> {
  return fewLeaks(timestamp(now), timestamp(now), mostLetters);
}

/** Whether each leak of this time, RFC 3339, had one. */
export function hadLetters({
  fromAt,
  toAt,
}: {
  readonly fromAt: string;
  readonly toAt: string;
}): Query<boolean> {
  return fewLeaks(fromAt, toAt, mostLetters + 1);
}
