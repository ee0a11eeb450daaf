import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** When a key was last let in. Technical: no version, no epoch, no audit row. */
export async function recordLastUse(driver: TenantDriver, keyId: string, usedAt: number): Promise<void> {
  await driver.execute([
    statementOf(
      sql`update "api_keys" set "last_used_at" = ${timestamp(usedAt)} where "api_keys"."tenant_id" = ${driver.tenantId} and "api_keys"."id" = ${keyId}`,
    ),
  ]);
}
