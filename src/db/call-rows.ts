import { type SQL, sql } from "drizzle-orm";
import type { CallRecord } from "#lib/call-record.ts";
import { hourStart, timestamp } from "#lib/time.ts";
import { timeOfId } from "#lib/typeid.ts";
import { type Statement, statementOf } from "./statement.ts";

// A bound text is at most 2 MB, and a record some 300 bytes.
const mostPerStatement = 1_000;

/** The calls that came in one message: stored together or not at all. */
type Calls = readonly CallRecord[];

/**
 * Stores a tenant's calls and counts them. A call is in one message alone, so the row of a message's first call says of
 * all whether they were counted, within the same transaction: a message that comes twice counts once.
 */
export function callStatements(tenantId: string, messages: readonly Calls[]): Statement[] {
  const chunks: Calls[][] = [];
  let room = 0;
  for (const calls of messages) {
    if (calls.length > room) {
      chunks.push([]);
      room = mostPerStatement;
    }
    chunks.at(-1)?.push(calls);
    room -= calls.length;
  }
  return chunks.flatMap((chunk) => chunkStatements(tenantId, chunk));
}

function chunkStatements(tenantId: string, messages: readonly Calls[]): Statement[] {
  const hourOf = hourReader();
  const counts = grouped(messages, (call) => [hourOf(call), call.actorId, call.operation, call.status]);
  const hours = grouped(messages, (call) => [hourOf(call)]);
  const rows = JSON.stringify(messages.flat().map(rowOf));
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

/** How many calls the group of this row has, of the messages that have no rows yet. */
function fresh(tenantId: string, { calls }: Grouped, name: SQL): SQL {
  return sql`(select coalesce(sum(json_each.value ->> 1), 0) from json_each(json_extract(${calls}, '$."' || ${name} || '"')) where not exists (select 1 from "calls" where "calls"."tenant_id" = ${tenantId} and "calls"."id" = json_each.value ->> 0))`;
}

interface Grouped {
  /** JSON: the columns of each group. */
  readonly keys: string;
  /** JSON: by each group's name, of each message that has some of it: its first call's id, and how many. */
  readonly calls: string;
}

function grouped(messages: readonly Calls[], keyOf: (call: CallRecord) => (string | number)[]): Grouped {
  const keys = new Map<string, (string | number)[]>();
  const byName: Record<string, [firstId: string, calls: number][]> = {};
  for (const calls of messages) {
    const totals = new Map<string, number>();
    for (const call of calls) {
      const key = keyOf(call);
      const name = key.join(" ");
      keys.set(name, key);
      totals.set(name, (totals.get(name) ?? 0) + call.times);
    }
    const [first] = calls;
    for (const [name, total] of totals) {
      byName[name] ??= [];
      if (first) byName[name].push([first.id, total]);
    }
  }
  return { keys: JSON.stringify([...keys.values()]), calls: JSON.stringify(byName) };
}

function rowOf({ id, actorId, operation, route, status, problem, durationMs, times }: CallRecord) {
  return [id, actorId, operation, route, status, problem, durationMs, times];
}

// Nearly all calls of a message are of the same hour.
function hourReader(): (call: CallRecord) => string {
  const texts = new Map<number, string>();
  return ({ id }) => {
    const start = hourStart(timeOfId(id));
    const text = texts.get(start) ?? timestamp(start);
    texts.set(start, text);
    return text;
  };
}
