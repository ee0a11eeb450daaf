import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** Where as many were marked, there may be more. */
export const mostPerRun = 100;

/**
 * Marks the tenant's oldest undispatched events. Two consumers at once never mark the same one.
 * @returns how many were marked
 */
export async function dispatchPending(driver: TenantDriver, now: number): Promise<number> {
  const { tenantId } = driver;
  const oldest = sql`select "events"."seq" from "events" where "events"."tenant_id" = ${tenantId} and "events"."dispatched_at" is null order by "events"."seq" limit ${mostPerRun}`;
  const [marked] = await driver.execute([
    statementOf(
      sql`update "events" set "dispatched_at" = ${timestamp(now)} where "events"."tenant_id" = ${tenantId} and "events"."dispatched_at" is null and "events"."seq" in (${oldest}) returning "seq"`,
    ),
  ]);
  return marked?.length ?? 0;
}
