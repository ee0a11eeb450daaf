import { type SQL, sql } from "drizzle-orm";
import { hourMs } from "#lib/time.ts";
import { firstIdAt } from "#lib/typeid.ts";
import { type CallRow, callColumns, parseCalls } from "./call-query.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

// What the jobs do with one hour of a tenant's calls, named by its start as RFC 3339.

const mostAtOnce = 5_000;

/** A page of the hour's calls in the order of time, from behind `after`. */
export async function callsOfHour(
  driver: TenantDriver,
  hour: string,
  after: string | null,
  limit: number,
): Promise<CallRow[]> {
  const rest = after === null ? sql`` : sql` and "calls"."id" > ${after}`;
  const [rows] = await driver.execute([
    statementOf(
      sql`select ${callColumns} from "calls" where ${ofHour(driver, hour)}${rest} order by "calls"."id" limit ${limit}`,
    ),
  ]);
  return parseCalls(rows ?? []);
}

/** Tells how many of the hour's calls are archived; where more have come meanwhile, the hour stays due. */
export async function markArchived(driver: TenantDriver, hour: string, calls: number): Promise<void> {
  await driver.execute([
    statementOf(
      sql`update "call_hours" set "archived" = ${calls} where "call_hours"."tenant_id" = ${driver.tenantId} and "hour" = ${hour}`,
    ),
  ]);
}

/** Deletes some of the hour's rows; when none is left, says so in its own row. */
export async function purgeCalls(driver: TenantDriver, hour: string): Promise<void> {
  const { tenantId } = driver;
  const oldest = sql`select "calls"."id" from "calls" where ${ofHour(driver, hour)} order by "calls"."id" limit ${mostAtOnce}`;
  await driver.execute(
    [
      sql`delete from "calls" where "calls"."tenant_id" = ${tenantId} and "id" in (${oldest})`,
      sql`update "call_hours" set "purged" = 1 where "call_hours"."tenant_id" = ${tenantId} and "hour" = ${hour} and not exists (select 1 from "calls" where ${ofHour(driver, hour)})`,
    ].map(statementOf),
  );
}

/** Deletes some of the hour's counts; with the last of them, its own row. */
export async function forgetHour(driver: TenantDriver, hour: string): Promise<void> {
  const { tenantId } = driver;
  const counts = sql`"call_counts"."tenant_id" = ${tenantId} and "call_counts"."hour" = ${hour}`;
  const gates = sql`"gate_counts"."tenant_id" = ${tenantId} and "gate_counts"."hour" = ${hour}`;
  await driver.execute(
    [
      sql`delete from "call_counts" where ${counts} and ("actor_id", "operation", "status") in (select "actor_id", "operation", "status" from "call_counts" where ${counts} limit ${mostAtOnce})`,
      sql`delete from "gate_counts" where ${gates} and "actor_id" in (select "actor_id" from "gate_counts" where ${gates} limit ${mostAtOnce})`,
      sql`delete from "call_hours" where "call_hours"."tenant_id" = ${tenantId} and "hour" = ${hour} and not exists (select 1 from "call_counts" where ${counts}) and not exists (select 1 from "gate_counts" where ${gates})`,
    ].map(statementOf),
  );
}

function ofHour({ tenantId }: TenantDriver, hour: string): SQL {
  const start = Date.parse(hour);
  return sql`"calls"."tenant_id" = ${tenantId} and "calls"."id" >= ${firstIdAt("req", start)} and "calls"."id" < ${firstIdAt("req", start + hourMs)}`;
}
