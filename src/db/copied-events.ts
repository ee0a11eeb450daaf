import { sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import type { SealedCaller } from "./callers.ts";
import type { EventValue } from "./changes.ts";
import { platformTenant } from "./directory-tables.ts";
import type { Query } from "./queries.ts";
import { type Statement, statementOf } from "./statement.ts";
import { subjectKeyColumns, subjectKeyJoin } from "./subject-keys.ts";

/** An event of the directory, with who brought it about as its audit row has them. */
export interface SourceEvent {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, EventValue>>;
  readonly at: string;
  readonly sealed: SealedCaller;
}

const Rows = z.array(
  z.object({
    seq: z.int(),
    id: z.string(),
    type: z.string(),
    data: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))),
    requestId: z.string(),
    actorId: z.string(),
    createdAt: z.string(),
    caller: z.string().nullable(),
    $kid: z.string().nullable(),
    $wrapped: z.string().nullable(),
  }),
);

/** The directory's events after this number, oldest first. The callers stay sealed: one that does not open is no trouble of the others'. */
export function sourceEvents(seq: number, limit: number): Query<SourceEvent[]> {
  return {
    async statement({ tenantId }) {
      const actor = sql`"events"."actor_id"`;
      const told = sql`select "audit_log"."caller" from "audit_log" indexed by "audit_log_by_entity" where "audit_log"."tenant_id" = ${tenantId} and "audit_log"."entity_id" = "events"."data" ->> 'userId' and "audit_log"."created_at" = "events"."created_at" and "audit_log"."request_id" = "events"."request_id" limit 1`;
      return statementOf(
        sql`select "events"."seq", "events"."id", "events"."type", "events"."data", "events"."request_id" as "requestId", ${actor} as "actorId", "events"."created_at" as "createdAt", (${told}) as "caller", ${subjectKeyColumns(tenantId, actor)} from "events"${subjectKeyJoin(tenantId, actor)} where "events"."tenant_id" = ${tenantId} and "events"."seq" > ${seq} order by "events"."seq" limit ${limit}`,
      );
    },
    async decode({ tenantId }, rows) {
      return Rows.parse(rows).map((row) => {
        const { $kid: kid, $wrapped: wrapped, requestId, actorId, caller, createdAt: at, ...event } = row;
        return { ...event, at, sealed: { tenantId, requestId, actorId, caller, kid, wrapped } };
      });
    },
  };
}

const Positions = z.array(z.object({ name: z.string(), value: z.int() }));

/** Up to which event each of these cells has been told; those that were told of none are at 0. */
export function positionsOf(cellIds: readonly string[]): Query<ReadonlyMap<string, number>> {
  const names = JSON.stringify(cellIds.map(counterOf));
  return {
    async statement({ tenantId }) {
      return statementOf(
        sql`select "name", "value" from "counters" where "counters"."tenant_id" = ${tenantId} and "counters"."name" in (select value from json_each(${names}))`,
      );
    },
    async decode(_context, rows) {
      const byName = new Map(Positions.parse(rows).map(({ name, value }) => [name, value]));
      return new Map(cellIds.map((id) => [id, byName.get(counterOf(id)) ?? 0]));
    },
  };
}

/** This cell was told of all up to here. A slower runner never takes it back. */
export function toldUpTo(cellId: string, seq: number): Statement[] {
  const name = counterOf(cellId);
  return [
    statementOf(
      sql`insert or ignore into "counters" ("tenant_id", "name") select ${platformTenant}, json_each.value from json_each(${JSON.stringify([name])})`,
    ),
    statementOf(
      sql`update "counters" set "value" = max("value", ${seq}) where "counters"."tenant_id" = ${platformTenant} and "counters"."name" = ${name}`,
    ),
  ];
}

const mostMarked = 500;

/** What every cell was told of, so that retention may take it. */
export function markTold(seq: number, now: number): Statement {
  const oldest = sql`select "events"."seq" from "events" indexed by "events_pending" where "events"."tenant_id" = ${platformTenant} and "events"."dispatched_at" is null and "events"."seq" <= ${seq} order by "events"."seq" limit ${mostMarked}`;
  return statementOf(
    sql`update "events" set "dispatched_at" = ${timestamp(now)} where "events"."tenant_id" = ${platformTenant} and "events"."dispatched_at" is null and "events"."seq" in (${oldest})`,
  );
}

function counterOf(cellId: string): string {
  return `copied ${cellId}`;
}
