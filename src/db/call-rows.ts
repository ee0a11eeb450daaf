import { type SQL, sql } from "drizzle-orm";
import type { CallRecord } from "#lib/call-record.ts";
import { hourStart, timestamp } from "#lib/time.ts";
import { timeOfId } from "#lib/typeid.ts";
import { type Statement, statementOf } from "./statement.ts";

// A bound text is at most 2 MB, and a record some 300 bytes.
const mostPerStatement = 1_000;

/**
 * Stores a tenant's calls and counts them. A call is counted only where its row is not there yet, within the same
 * transaction, so a message that comes twice counts once.
 */
export function callStatements(tenantId: string, calls: readonly CallRecord[]): Statement[] {
  const statements: Statement[] = [];
  for (let start = 0; start < calls.length; start += mostPerStatement)
    statements.push(...chunkStatements(tenantId, calls.slice(start, start + mostPerStatement)));
  return statements;
}

function chunkStatements(tenantId: string, calls: readonly CallRecord[]): Statement[] {
  const timed = calls.map((call) => ({ ...call, hour: hourOf(call) }));
  const counts = grouped(timed, ({ hour, actorId, operation, status }) => [hour, actorId, operation, status]);
  const hours = grouped(timed, ({ hour }) => [hour]);
  const rows = JSON.stringify(timed.map(rowOf));
  return [
    sql`insert or ignore into "call_counts" ("tenant_id", "hour", "actor_id", "operation", "status", "calls") select ${tenantId}, json_each.value ->> 0, json_each.value ->> 1, json_each.value ->> 2, json_each.value ->> 3, 0 from json_each(${counts.keys})`,
    sql`update "call_counts" set "calls" = "calls" + ${fresh(tenantId, counts, nameOfCount)} where "call_counts"."tenant_id" = ${tenantId} and ("hour", "actor_id", "operation", "status") in (select json_each.value ->> 0, json_each.value ->> 1, json_each.value ->> 2, json_each.value ->> 3 from json_each(${counts.keys}))`,
    sql`insert or ignore into "call_hours" ("tenant_id", "hour") select ${tenantId}, json_each.value ->> 0 from json_each(${hours.keys})`,
    sql`update "call_hours" set "logged" = "logged" + ${fresh(tenantId, hours, nameOfHour)} where "call_hours"."tenant_id" = ${tenantId} and "hour" in (select json_each.value ->> 0 from json_each(${hours.keys}))`,
    sql`insert or ignore into "calls" ("tenant_id", "id", "actor_id", "operation", "route", "status", "problem", "duration_ms", "times") select ${tenantId}, json_each.value ->> 0, json_each.value ->> 1, json_each.value ->> 2, json_each.value ->> 3, json_each.value ->> 4, json_each.value ->> 5, json_each.value ->> 6, json_each.value ->> 7 from json_each(${rows})`,
  ].map(statementOf);
}

// A group's name, as `grouped` puts it together.
const nameOfHour = sql`"call_hours"."hour"`;
const nameOfCount = sql`"call_counts"."hour" || ' ' || "call_counts"."actor_id" || ' ' || "call_counts"."operation" || ' ' || "call_counts"."status"`;

/** How many calls the group of this row has that have no row yet. */
function fresh(tenantId: string, { calls }: Grouped, name: SQL): SQL {
  return sql`(select coalesce(sum(json_each.value ->> 1), 0) from json_each(json_extract(${calls}, '$."' || ${name} || '"')) where not exists (select 1 from "calls" where "calls"."tenant_id" = ${tenantId} and "calls"."id" = json_each.value ->> 0))`;
}

type TimedCall = CallRecord & { readonly hour: string };

interface Grouped {
  /** JSON: the columns of each group. */
  readonly keys: string;
  /** JSON: by each group's name, its calls as pairs of id and times. */
  readonly calls: string;
}

function grouped(calls: readonly TimedCall[], keyOf: (call: TimedCall) => (string | number)[]): Grouped {
  const keys = new Map<string, (string | number)[]>();
  const byName: Record<string, [id: string, times: number][]> = {};
  for (const call of calls) {
    const key = keyOf(call);
    const name = key.join(" ");
    keys.set(name, key);
    byName[name] ??= [];
    byName[name].push([call.id, call.times]);
  }
  return { keys: JSON.stringify([...keys.values()]), calls: JSON.stringify(byName) };
}

function rowOf({ id, actorId, operation, route, status, problem, durationMs, times }: CallRecord) {
  return [id, actorId, operation, route, status, problem, durationMs, times];
}

function hourOf(call: CallRecord): string {
  return timestamp(hourStart(timeOfId(call.id)));
}
