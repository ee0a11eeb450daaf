import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** How many calls an hour had so far, by the start of the hour in ms since 1970. */
export type HourCounts = ReadonlyMap<number, number>;

/** What a principal's gate counted. Whole numbers of an hour, not steps: to write one twice changes nothing. */
export async function recordGateCounts(
  driver: TenantDriver,
  actorId: string,
  hours: HourCounts,
): Promise<void> {
  const { tenantId } = driver;
  const counts = JSON.stringify([...hours].map(([hour, calls]) => [timestamp(hour), calls]));
  const counted = sql`(select json_each.value ->> 1 from json_each(${counts}) where json_each.value ->> 0 = "gate_counts"."hour")`;
  await driver.execute(
    [
      sql`insert or ignore into "gate_counts" ("tenant_id", "hour", "actor_id", "calls") select ${tenantId}, json_each.value ->> 0, ${actorId}, 0 from json_each(${counts})`,
      sql`update "gate_counts" set "calls" = max("calls", ${counted}) where "gate_counts"."tenant_id" = ${tenantId} and "actor_id" = ${actorId} and "hour" in (select json_each.value ->> 0 from json_each(${counts}))`,
      // Though all of its calls were lost, the hour is one that ends.
      sql`insert or ignore into "call_hours" ("tenant_id", "hour") select ${tenantId}, json_each.value ->> 0 from json_each(${counts})`,
    ].map(statementOf),
  );
}
