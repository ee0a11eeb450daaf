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
    sql`insert or ignore into "call_counts" ("tenant_id", "hour", "actor_id", "operation", "status", "calls") select ${tenantId}, json_each.value ->> 0, json_each.value ->> 1, json_each.value ->> 2, json_each.value ->> 3, 0 from json_each(${counts})`,
    sql`update "call_counts" set "calls" = "calls" + ${fresh(tenantId, counts, countIs, 4)} where "call_counts"."tenant_id" = ${tenantId} and ("hour", "actor_id", "operation", "status") in (select json_each.value ->> 0, json_each.value ->> 1, json_each.value ->> 2, json_each.value ->> 3 from json_each(${counts}))`,
    sql`insert or ignore into "call_hours" ("tenant_id", "hour") select ${tenantId}, json_each.value ->> 0 from json_each(${hours})`,
    sql`update "call_hours" set "logged" = "logged" + ${fresh(tenantId, hours, hourIs, 1)} where "call_hours"."tenant_id" = ${tenantId} and "hour" in (select json_each.value ->> 0 from json_each(${hours}))`,
    sql`insert or ignore into "calls" ("tenant_id", "id", "actor_id", "operation", "route", "status", "problem", "duration_ms", "times") select ${tenantId}, json_each.value ->> 0, json_each.value ->> 1, json_each.value ->> 2, json_each.value ->> 3, json_each.value ->> 4, json_each.value ->> 5, json_each.value ->> 6, json_each.value ->> 7 from json_each(${rows})`,
  ].map(statementOf);
}

const countIs = sql`json_each.value ->> 0 = "call_counts"."hour" and json_each.value ->> 1 = "call_counts"."actor_id" and json_each.value ->> 2 = "call_counts"."operation" and json_each.value ->> 3 = "call_counts"."status"`;
const hourIs = sql`json_each.value ->> 0 = "call_hours"."hour"`;

/** Of the group that this row stands for, the calls that have no row yet. `at` is where in a group its calls stand. */
function fresh(tenantId: string, groups: string, isOfThisRow: SQL, at: number): SQL {
  const own = sql`select json_each.value ->> ${sql.raw(String(at))} from json_each(${groups}) where ${isOfThisRow}`;
  return sql`(select coalesce(sum(json_each.value ->> 1), 0) from json_each((${own})) where not exists (select 1 from "calls" where "calls"."tenant_id" = ${tenantId} and "calls"."id" = json_each.value ->> 0))`;
}

type TimedCall = CallRecord & { readonly hour: string };

/** JSON of each group's key, followed by its calls as pairs of id and times. */
function grouped(calls: readonly TimedCall[], keyOf: (call: TimedCall) => (string | number)[]): string {
  const groups = new Map<string, [key: (string | number)[], calls: [id: string, times: number][]]>();
  for (const call of calls) {
    const key = keyOf(call);
    const name = key.join(" ");
    const [, own] = groups.get(name) ?? [];
    if (own) own.push([call.id, call.times]);
    else groups.set(name, [key, [[call.id, call.times]]]);
  }
  return JSON.stringify([...groups.values()].map(([key, own]) => [...key, own]));
}

function rowOf({ id, actorId, operation, route, status, problem, durationMs, times }: CallRecord) {
  return [id, actorId, operation, route, status, problem, durationMs, times];
}

function hourOf(call: CallRecord): string {
  return timestamp(hourStart(timeOfId(call.id)));
}
