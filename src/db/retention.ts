import { sql } from "drizzle-orm";
import { dayMs, timestamp } from "#lib/time.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

// A commit's row outlives the longest idempotency record that reads its assigned numbers.
const commitsKeptMs = 31 * dayMs;

/** Before when a commit or a settled intent was made to be past its time. */
export function keptSince(now: number): string {
  return timestamp(now - commitsKeptMs);
}

/** Deletes one tenant's technical rows whose time is over. */
export async function deleteExpiredRows(driver: TenantDriver, now: number): Promise<void> {
  const { tenantId } = driver;
  await driver.execute(
    [
      sql`delete from "idempotency" where "idempotency"."tenant_id" = ${tenantId} and "idempotency"."expires_at" <= ${timestamp(now)}`,
      sql`delete from "commits" where "commits"."tenant_id" = ${tenantId} and "commits"."created_at" <= ${keptSince(now)}`,
      sql`delete from "intents" where "intents"."tenant_id" = ${tenantId} and "intents"."state" <> 'intended' and "intents"."created_at" <= ${keptSince(now)}`,
    ].map(statementOf),
  );
}
