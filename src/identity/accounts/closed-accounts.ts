import { sql } from "drizzle-orm";
import { z } from "zod";
import { memberships, users } from "#db/directory-tables.ts";
import type { Query } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";
import { type AnyTenantTable, columnOf } from "#db/tenant-table.ts";
import { timestamp } from "#lib/time.ts";
import type { Named } from "./expired-rows.ts";

/** Of one page. */
export const mostAtOnce = 20;
const mostRows = 200;
const Closing = z.array(z.object({ id: z.string(), closedAt: z.string() }));
export type Closing = z.output<typeof Closing>[number];
const Rows = z.array(z.object({ id: z.string(), version: z.int() }));

/** Who closed their account by then and is yet to be erased, the longest first, after this one; by id alone. */
export function closingUsers(by: number, after: Closing | null): Query<Closing[]> {
  const { tenantId: owner, id, state, emailToken, updatedAt } = users;
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${id} as "id", ${updatedAt} as "closedAt" from ${users} indexed by "users_closing" where ${owner} = ${tenantId} and ${state} = 'closed' and substr(${emailToken}, 1, 7) <> 'erased:' and ${updatedAt} <= ${timestamp(by)} and (${updatedAt}, ${id}) > (${after?.closedAt ?? ""}, ${after?.id ?? ""}) order by ${updatedAt}, ${id} limit ${mostAtOnce}`,
      ),
    decode: async (_context, rows) => Closing.parse(rows),
  };
}

/** Whatever a user has in this table, by id and version alone. */
export function rowsOfUser(table: AnyTenantTable, userId: string): Query<Named[]> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${table.id} as "id", ${table.version} as "version" from ${table} where ${table.tenantId} = ${tenantId} and ${columnOf(table, "userId")} = ${userId} limit ${mostRows}`,
      ),
    decode: async (_context, rows) => Rows.parse(rows),
  };
}

/** Their memberships at these tenants. */
export function membershipsAt(userId: string, tenantIds: readonly string[]): Query<Named[]> {
  const { id, version, userId: whose, memberTenantId, tenantId: owner } = memberships;
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${id} as "id", ${version} as "version" from ${memberships} indexed by "memberships_by_user" where ${owner} = ${tenantId} and ${whose} = ${userId} and ${memberTenantId} in (select value from json_each(${JSON.stringify(tenantIds)}))`,
      ),
    decode: async (_context, rows) => Rows.parse(rows),
  };
}
