import { sql } from "drizzle-orm";
import type { KekProvider } from "#crypto/kek.ts";
import { rewrapTenantKey } from "#crypto/key-ring.ts";
import type { Upkeep } from "./changes.ts";
import { tenantKeyRows } from "./open-tenant.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";

/** The tenant's keys wrapped by the newest KEK; a row that somebody else rewrapped meanwhile stays as it is. */
export async function newestWraps(session: TenantSession, keks: KekProvider): Promise<Upkeep> {
  const { tenantId } = session;
  const statements: Statement[] = [];
  for (const row of await tenantKeyRows(session)) {
    const rewrapped = await rewrapTenantKey(keks, tenantId, row);
    if (rewrapped === null) continue;
    statements.push(
      statementOf(
        sql`update "tenant_keys" set "wrapped" = ${rewrapped.wrapped} where "tenant_keys"."tenant_id" = ${tenantId} and "id" = ${row.id} and "wrapped" = ${row.wrapped}`,
      ),
    );
  }
  return { kind: "upkeep", statements };
}
