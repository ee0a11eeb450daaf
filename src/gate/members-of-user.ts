import { sql } from "drizzle-orm";
import { z } from "zod";
import { type SsoTerms, ssoColumns, ssoTermsIn, ssoTermsOf } from "#db/sso-terms.ts";
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
  readonly joinedAt: string;
  readonly slug: string;
  readonly name: string;
  /** Whom this tenant asks for a second factor, and since when. */
  readonly secondFactor: "off" | "elevated" | "everyone";
  readonly secondFactorSince: string | null;
  readonly sso: SsoTerms;
  /** Whether codes by SMS are a second factor there. */
  readonly allowsSms: boolean;
}

const Rows = z.array(
  z.object({
    id: z.string(),
    role: z.string(),
    created_at: z.string(),
    slug: z.string(),
    name: z.string(),
    second_factor: z.enum(["off", "elevated", "everyone"]).nullable(),
    second_factor_since: z.string().nullable(),
    ...ssoColumns,
    allows_sms: z.int().nullable(),
  }),
);

/**
 * Who a user is at these tenants by now, as their cells say: one round trip each. Those that may not act are left out, but
 * where `whoever` is asked for: what ends a session must find also who is suspended, as that may end sooner than a token.
 */
export async function membersOfUser(
  env: Env,
  places: readonly Place[],
  userId: string,
  which: "active" | "whoever" = "active",
): Promise<Membership[]> {
  const byCell = Map.groupBy(places, ({ cell }) => cell);
  const found = await Promise.all(
    [...byCell].map(async ([cellId, ofCell]) => {
      const cell = cellOf(env, cellId);
      if (!cell) return [];
      const statements = ofCell.map(({ tenantId }): [string, ReturnType<typeof memberRow>[]] => [
        tenantId,
        [memberRow(tenantId, userId, which)],
      ]);
      const results = await executeTogether(new Store(cell.database, "first-primary"), new Map(statements));
      return ofCell.flatMap((place, index) =>
        Rows.parse(results[index]).map(
          ({ id: memberId, role, created_at: joinedAt, slug, name, ...policy }) => ({
            ...place,
            memberId,
            role,
            joinedAt,
            slug,
            name,
            secondFactor: policy.second_factor ?? "off",
            secondFactorSince: policy.second_factor_since,
            sso: ssoTermsIn(policy),
            allowsSms: policy.allows_sms === 1,
          }),
        ),
      );
    }),
  );
  return found.flat();
}

function memberRow(tenantId: string, userId: string, which: "active" | "whoever") {
  const mayAct = sql`"members"."state" = 'active' and "members"."removed_at" is null and exists (select 1 from "tenant_state" where "tenant_state"."tenant_id" = ${tenantId} and "tenant_state"."state" = 'active')`;
  return statementOf(
    sql`select "members"."id", "members"."role", "members"."created_at", "tenants"."slug", "tenants"."name", "security_policies"."second_factor", "security_policies"."second_factor_since", "security_policies"."allows_sms", ${ssoTermsOf(tenantId)} from "members" join "tenants" on "tenants"."tenant_id" = ${tenantId} and "tenants"."id" = ${tenantId} left join "security_policies" on "security_policies"."tenant_id" = ${tenantId} where "members"."tenant_id" = ${tenantId} and "members"."user_id" = ${userId} and ${which === "active" ? mayAct : sql`1`}`,
  );
}
