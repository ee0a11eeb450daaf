import { type SQL, sql } from "drizzle-orm";
import type { KekProvider } from "#crypto/kek.ts";
import { rewrapTenantKey } from "#crypto/key-ring.ts";
import type { Upkeep } from "./changes.ts";
import { tenantKeyRows } from "./open-tenant.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";

/** The tenant's keys wrapped by the newest KEK, unless somebody else rewrapped one meanwhile. */
export async function newestWraps(session: TenantSession, keks: KekProvider): Promise<Upkeep> {
  const { tenantId } = session;
  const statements: Statement[] = [];
  const moved: SQL[] = [];
  for (const row of await tenantKeyRows(session)) {
    const rewrapped = await rewrapTenantKey(keks, tenantId, row);
    if (rewrapped === null) continue;
    // With a text added, no index of all tenants' wraps is tempting.
    moved.push(
      sql`not exists (select 1 from "tenant_keys" where "tenant_keys"."tenant_id" = ${tenantId} and "id" = ${row.id} and "wrapped" || '' = ${row.wrapped})`,
    );
    statements.push(
      statementOf(
        sql`update "tenant_keys" set "wrapped" = ${rewrapped.wrapped} where "tenant_keys"."tenant_id" = ${tenantId} and "id" = ${row.id}`,
      ),
    );
  }
  return { kind: "upkeep", unless: moved.length === 0 ? sql`1` : sql.join(moved, sql` or `), statements };
}
