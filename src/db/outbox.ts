import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** Where as many were marked, there may be more. */
export const mostPerRun = 100;

/**
 * Marks the tenant's oldest undispatched events where there is no webhook endpoint to be told of them, nor a queue left
 * of one. Two consumers at once never mark the same one.
 * @returns how many were marked
 */
export async function dispatchPending(driver: TenantDriver, now: number): Promise<number> {
  const { tenantId } = driver;
  // Named, as SQLite would rather go through all that the tenant has by its primary key.
  const oldest = sql`select "events"."seq" from "events" indexed by "events_pending" where "events"."tenant_id" = ${tenantId} and "events"."dispatched_at" is null order by "events"."seq" limit ${mostPerRun}`;
  const listener = sql`select 1 from "webhook_endpoints" where "webhook_endpoints"."tenant_id" = ${tenantId} and "webhook_endpoints"."state" = 'enabled'`;
  const queue = sql`select 1 from "webhook_queues" where "webhook_queues"."tenant_id" = ${tenantId}`;
  const [marked] = await driver.execute([
    statementOf(
      sql`update "events" set "dispatched_at" = ${timestamp(now)} where "events"."tenant_id" = ${tenantId} and "events"."dispatched_at" is null and not exists (${listener}) and not exists (${queue}) and "events"."seq" in (${oldest}) returning "seq"`,
    ),
  ]);
  return marked?.length ?? 0;
}

export async function hasPending(driver: TenantDriver): Promise<boolean> {
  const [rows] = await driver.execute([
    statementOf(
      sql`select 1 from "events" indexed by "events_pending" where "events"."tenant_id" = ${driver.tenantId} and "events"."dispatched_at" is null limit 1`,
    ),
  ]);
  return rows?.[0] !== undefined;
}
