import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { type Statement, statementOf } from "./statement.ts";

/** What a gate counted of one hour so far. */
export interface GateCount {
  readonly actorId: string;
  /** Its start, ms since 1970. */
  readonly hour: number;
  readonly calls: number;
}

/** Writes what a tenant's gates counted: the most that each has told of an hour. */
export function gateCountStatements(tenantId: string, counts: readonly GateCount[]): Statement[] {
  if (counts.length === 0) return [];
  const rows = JSON.stringify(
    mostOf(counts).map(({ actorId, hour, calls }) => [timestamp(hour), actorId, calls]),
  );
  const told = sql`(select json_each.value ->> 2 from json_each(${rows}) where json_each.value ->> 0 = "gate_counts"."hour" and json_each.value ->> 1 = "gate_counts"."actor_id")`;
  return [
    sql`insert or ignore into "gate_counts" ("tenant_id", "hour", "actor_id", "calls") select ${tenantId}, json_each.value ->> 0, json_each.value ->> 1, 0 from json_each(${rows})`,
    sql`update "gate_counts" set "calls" = max("calls", ${told}) where "gate_counts"."tenant_id" = ${tenantId} and ("hour", "actor_id") in (select json_each.value ->> 0, json_each.value ->> 1 from json_each(${rows}))`,
    // Though all of its calls were lost, the hour is one that ends.
    sql`insert or ignore into "call_hours" ("tenant_id", "hour") select ${tenantId}, json_each.value ->> 0 from json_each(${rows})`,
  ].map(statementOf);
}

/** One of each principal and hour. */
function mostOf(counts: readonly GateCount[]): GateCount[] {
  const most = new Map<string, GateCount>();
  for (const count of counts) {
    const name = `${count.actorId} ${count.hour}`;
    if (count.calls > (most.get(name)?.calls ?? 0)) most.set(name, count);
  }
  return [...most.values()];
}
