import { sql } from "drizzle-orm";
import { z } from "zod";
import { statementOf } from "#db/statement.ts";
import { Store } from "#db/store.ts";
import { executeTogether } from "#db/tenant-driver.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";

/** A tenant, and where it lies. */
export interface Place {
  readonly tenantId: string;
  readonly cell: string;
}

/** Who a user is at a tenant. */
export interface Membership extends Place {
  readonly memberId: string;
  readonly role: string;
  readonly slug: string;
  readonly name: string;
}

const Rows = z.array(z.object({ id: z.string(), role: z.string(), slug: z.string(), name: z.string() }));

/** Who a user is at these tenants by now, as their cells say: one round trip each. Where they may not act is left out. */
export async function membersOfUser(
  env: Env,
  places: readonly Place[],
  userId: string,
): Promise<Membership[]> {
  const byCell = Map.groupBy(places, ({ cell }) => cell);
  const found = await Promise.all(
    [...byCell].map(async ([cellId, ofCell]) => {
      const cell = cellOf(env, cellId);
      if (!cell) return [];
      const statements = ofCell.map(({ tenantId }): [string, ReturnType<typeof memberRow>[]] => [
        tenantId,
        [memberRow(tenantId, userId)],
      ]);
      const results = await executeTogether(new Store(cell.database, "first-primary"), new Map(statements));
      return ofCell.flatMap((place, index) =>
        Rows.parse(results[index]).map(({ id, ...of }) => ({ ...place, ...of, memberId: id })),
      );
    }),
  );
  return found.flat();
}

function memberRow(tenantId: string, userId: string) {
  return statementOf(
    sql`select "members"."id", "members"."role", "tenants"."slug", "tenants"."name" from "members" join "tenants" on "tenants"."tenant_id" = ${tenantId} and "tenants"."id" = ${tenantId} join "tenant_state" on "tenant_state"."tenant_id" = ${tenantId} and "tenant_state"."state" = 'active' where "members"."tenant_id" = ${tenantId} and "members"."user_id" = ${userId} and "members"."state" = 'active'`,
  );
}
