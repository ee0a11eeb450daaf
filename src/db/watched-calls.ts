import { sql } from "drizzle-orm";
import { z } from "zod";
import { firstIdAt } from "#lib/typeid.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** How many calls of a kind each principal made. */
export type CallsByActor = ReadonlyMap<string, number>;

/** As many principals are looked at, those who made the most. */
const mostActors = 2_000;

const Counted = z.array(z.object({ actorId: z.string(), calls: z.int() }));

/** Calls that were answered with one of these since then (ms since 1970), by principal. */
export async function refusedSince(
  driver: TenantDriver,
  statuses: readonly number[],
  since: number,
): Promise<CallsByActor> {
  const { tenantId } = driver;
  const [rows = []] = await driver.execute([
    statementOf(
      sql`select "calls"."actor_id" as "actorId", sum("calls"."times") as "calls" from "calls" indexed by "calls_by_status" where "calls"."tenant_id" = ${tenantId} and "calls"."id" >= ${firstIdAt("req", since)} and "calls"."status" in (select json_each.value from json_each(${JSON.stringify(statuses)})) group by "calls"."actor_id" order by sum("calls"."times") desc limit ${mostActors}`,
    ),
  ]);
  return byActor(rows);
}

/** Calls that were let since the start of this hour (RFC 3339), by principal: of these operations, each by its weight. */
export async function madeSince(
  driver: TenantDriver,
  weights: Readonly<Record<string, number>>,
  hour: string,
): Promise<CallsByActor> {
  const { tenantId } = driver;
  const [rows = []] = await driver.execute([
    statementOf(
      sql`select "call_counts"."actor_id" as "actorId", sum("call_counts"."calls" * json_each.value) as "calls" from json_each(${JSON.stringify(weights)}) cross join "call_counts" indexed by "call_counts_by_operation" on "call_counts"."tenant_id" = ${tenantId} and "call_counts"."operation" = json_each.key and "call_counts"."hour" >= ${hour} where "call_counts"."status" < 300 group by "call_counts"."actor_id" order by sum("call_counts"."calls" * json_each.value) desc limit ${mostActors}`,
    ),
  ]);
  return byActor(rows);
}

function byActor(rows: readonly unknown[]): CallsByActor {
  return new Map(Counted.parse(rows).map(({ actorId, calls }) => [actorId, calls]));
}
