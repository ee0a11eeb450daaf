import { sql } from "drizzle-orm";
import { z } from "zod";
import { firstIdAt } from "#lib/typeid.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** How many calls of a kind each principal made. */
export type CallsByActor = ReadonlyMap<string, number>;

// Well above every threshold: more are as many.
const mostRows = 2_000;

const Counted = z.array(z.object({ actorId: z.string(), calls: z.int() }));

/** Calls that were answered with one of these since then (ms since 1970), by principal; of very many some. */
export async function refusedSince(
  driver: TenantDriver,
  statuses: readonly number[],
  since: number,
): Promise<CallsByActor> {
  const { tenantId } = driver;
  const [rows = []] = await driver.execute([
    statementOf(
      sql`select "calls"."actor_id" as "actorId", "calls"."times" as "calls" from "calls" indexed by "calls_by_status" where "calls"."tenant_id" = ${tenantId} and "calls"."status" in (select json_each.value from json_each(${JSON.stringify(statuses)})) and "calls"."id" >= ${firstIdAt("req", since)} limit ${mostRows}`,
    ),
  ]);
  return summed(rows);
}

/** Calls of these operations by these principals that were let since the start of this hour, RFC 3339. */
export async function madeSince(
  driver: TenantDriver,
  { actorIds, operations }: { readonly actorIds: readonly string[]; readonly operations: readonly string[] },
  hour: string,
): Promise<CallsByActor> {
  const { tenantId } = driver;
  const [rows = []] = await driver.execute([
    statementOf(
      sql`select "call_counts"."actor_id" as "actorId", "call_counts"."calls" from "call_counts" indexed by "call_counts_by_actor" where "call_counts"."tenant_id" = ${tenantId} and "call_counts"."actor_id" in (select json_each.value from json_each(${JSON.stringify(actorIds)})) and "call_counts"."hour" >= ${hour} and "call_counts"."operation" in (select json_each.value from json_each(${JSON.stringify(operations)})) and "call_counts"."status" < 300 limit ${mostRows}`,
    ),
  ]);
  return summed(rows);
}

function summed(rows: readonly unknown[]): CallsByActor {
  const byActor = new Map<string, number>();
  for (const { actorId, calls } of Counted.parse(rows))
    byActor.set(actorId, (byActor.get(actorId) ?? 0) + calls);
  return byActor;
}
