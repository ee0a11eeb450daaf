import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

const Named = z.object({ id: z.string(), version: z.int() });

/** A key's limit that expired by then, by id and version alone and without any key; null for any other. */
export function pastKeyLimit(id: string, by: string): Query<z.output<typeof Named> | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "key_limits"."id", "key_limits"."version" from "key_limits" where "key_limits"."tenant_id" = ${tenantId} and "key_limits"."id" = ${id} and "key_limits"."expires_at" <= ${by}`,
      ),
    decode: async (_context, [row]) => (row ? Named.parse(row) : null),
  };
}
