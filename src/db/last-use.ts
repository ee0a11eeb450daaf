import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** When a key, or a client by its secret, was last let in. Technical: no version, no epoch, no audit row. */
export async function recordLastUse(
  driver: TenantDriver,
  principalId: string,
  usedAt: number,
): Promise<void> {
  const at = timestamp(usedAt);
  const used = principalId.startsWith("cli_")
    ? sql`update "oauth_clients" set "last_used_at" = ${at} where "oauth_clients"."tenant_id" = ${driver.tenantId} and "oauth_clients"."id" = ${principalId}`
    : sql`update "api_keys" set "last_used_at" = ${at} where "api_keys"."tenant_id" = ${driver.tenantId} and "api_keys"."id" = ${principalId}`;
  await driver.execute([statementOf(used)]);
}
