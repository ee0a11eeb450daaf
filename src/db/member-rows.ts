import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

const Count = z.object({ count: z.int() });

/** At how many locations a member is, whoever asks: who sees some of them is to know that there are others. */
export function placeCount(memberId: string): Query<number> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select count(*) as "count" from "member_locations" where "member_locations"."tenant_id" = ${tenantId} and "member_locations"."member_id" = ${memberId}`,
      ),
    decode: async (_context, [row]) => Count.parse(row).count,
  };
}

/** Whether somebody may act as this member, told without any key: what is sealed of them stays so. */
export function isActiveMember(memberId: string): Query<boolean> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select count(*) as "count" from "members" where "members"."tenant_id" = ${tenantId} and "members"."id" = ${memberId} and "members"."state" = 'active'`,
      ),
    decode: async (_context, [row]) => Count.parse(row).count === 1,
  };
}
