import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";

/** What a business asks of how its members sign in, as its cell says. */
export interface SsoTerms {
  /** Who has an address of one of these comes by the business's own sign-in. */
  readonly enforcedDomains: readonly string[];
  /** `sso_…`: those that let anybody in. */
  readonly connections: readonly string[];
}

const Texts = z.array(z.string());

/** The columns of a row that `ssoTermsIn` reads. */
export const ssoColumns = { enforced_domains: z.string(), sso_connections: z.string() };

/** These terms as two columns of another statement, bounded as both tables are. */
export function ssoTermsOf(tenantId: string): SQL {
  return sql`(select json_group_array("sso_domains"."domain") from "sso_domains" where "sso_domains"."tenant_id" = ${tenantId} and "sso_domains"."state" = 'verified' and "sso_domains"."is_enforced" = 1) as "enforced_domains", (select json_group_array("sso_connections"."id") from "sso_connections" where "sso_connections"."tenant_id" = ${tenantId} and "sso_connections"."state" = 'active') as "sso_connections"`;
}

export function ssoTermsIn(row: z.output<z.ZodObject<typeof ssoColumns>>): SsoTerms {
  return {
    enforcedDomains: Texts.parse(JSON.parse(row.enforced_domains)),
    connections: Texts.parse(JSON.parse(row.sso_connections)),
  };
}
