import { sql } from "drizzle-orm";
import { z } from "zod";
import { platformTenant } from "./directory-tables.ts";
import { statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";

/** From when on each of the directory's newest keys serves, RFC 3339; null where there is none. */
export interface DirectoryKeyTerms {
  readonly signsFrom: string | null;
  readonly signsHeadsFrom: string | null;
  readonly peppersFrom: string | null;
}

const Found = z.array(z.object({ at: z.string() }));

/** What is told in plain of the directory's keys: opening them takes the key-encryption keys. */
export async function directoryKeyTerms(directory: TenantSession): Promise<DirectoryKeyTerms> {
  const results = await directory.execute([
    statementOf(
      sql`select "signs_from" as "at" from "signing_keys" where "signing_keys"."tenant_id" = ${platformTenant} order by "id" desc limit 1`,
    ),
    statementOf(
      sql`select "signs_from" as "at" from "checkpoint_keys" where "checkpoint_keys"."tenant_id" = ${platformTenant} order by "id" desc limit 1`,
    ),
    statementOf(
      sql`select "created_at" as "at" from "key_peppers" where "key_peppers"."tenant_id" = ${platformTenant} order by "id" desc limit 1`,
    ),
  ]);
  const [signsFrom = null, signsHeadsFrom = null, peppersFrom = null] = results.map(
    (rows) => Found.parse(rows)[0]?.at ?? null,
  );
  return { signsFrom, signsHeadsFrom, peppersFrom };
}

/**
 * Since when this key-encryption key wraps: the first time that it was given a key of the platform's, or else, as the
 * first of a deployment, since the platform has one. Null where there is neither.
 */
export async function kekWrapsSince(directory: TenantSession, kid: string): Promise<string | null> {
  const rewrapped = sql`select "created_at" from "audit_log" indexed by "audit_log_by_entity" where "audit_log"."tenant_id" = ${platformTenant} and "entity_id" = ${kid} and "entity" = 'key-wraps' order by "created_at" limit 1`;
  const founded = sql`select min("created_at") from "tenant_keys" where "tenant_keys"."tenant_id" = ${platformTenant}`;
  const [rows] = await directory.execute([
    statementOf(sql`select coalesce((${rewrapped}), (${founded})) as "at"`),
  ]);
  return Found.parse((rows ?? []).filter(({ at }) => at !== null))[0]?.at ?? null;
}
