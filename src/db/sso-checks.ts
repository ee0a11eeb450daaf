import { sql } from "drizzle-orm";
import { dayMs, timestamp } from "#lib/time.ts";
import { ssoDomainClaims } from "./directory-tables.ts";
import { many, type Query } from "./queries.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { Row } from "./tenant-table.ts";

type Claims = Query<Row<typeof ssoDomainClaims>[]>;

const mostAtOnce = 50;
/** How long one can see in the directory who spoke for a domain before; the audit keeps it longer. */
const keptMs = 30 * dayMs;

/** Live claims that nobody has held against their rows for a day, the longest of them first. */
export function claimsToCheck(now: number): Claims {
  const { state, checkedAt } = ssoDomainClaims;
  return many(ssoDomainClaims, {
    where: sql`${state} = 'live' and ${checkedAt} <= ${timestamp(now - dayMs)}`,
    indexedBy: "sso_domain_claims_to_check",
    order: sql`${checkedAt}`,
    limit: mostAtOnce,
  });
}

/** Claims that ended long ago. */
export function claimsToForget(now: number): Claims {
  const { state, updatedAt } = ssoDomainClaims;
  return many(ssoDomainClaims, {
    where: sql`${state} = 'ended' and ${updatedAt} <= ${timestamp(now - keptMs)}`,
    indexedBy: "sso_domain_claims_ended",
    order: sql`${updatedAt}`,
    limit: mostAtOnce,
  });
}

// When somebody looked is technical: no version, no audit row.

/** A tenant's domain was looked after. */
export function domainLookedAfter(tenantId: string, id: string, now: number): Statement {
  return statementOf(
    sql`update "sso_domains" set "checked_at" = ${timestamp(now)} where "sso_domains"."tenant_id" = ${tenantId} and "sso_domains"."id" = ${id}`,
  );
}

/** So were these claims of the directory. */
export function claimsLookedAfter(tenantId: string, ids: readonly string[], now: number): Statement {
  const { tenantId: owner, id } = ssoDomainClaims;
  return statementOf(
    sql`update ${ssoDomainClaims} set "checked_at" = ${timestamp(now)} where ${owner} = ${tenantId} and ${id} in (select value from json_each(${JSON.stringify(ids)}))`,
  );
}
