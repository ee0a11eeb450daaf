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
