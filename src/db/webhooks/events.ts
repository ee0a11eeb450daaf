import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { ActorChain } from "#db/audit-rows.ts";
import type { Query } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";

const JsonData = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])));

const StoredEvent = z.object({
  seq: z.int(),
  id: z.string(),
  type: z.string(),
  data: JsonData,
  locationId: z.string().nullable(),
  assigneeId: z.string().nullable(),
  actorKind: z.string(),
  actorId: z.string(),
  actorChain: ActorChain.nullable(),
  requestId: z.string(),
  createdAt: z.string(),
});
export type StoredEvent = z.output<typeof StoredEvent>;

const columns = sql.raw(
  [
    ...["seq", "id", "type", "data"].map((name) => `"events"."${name}"`),
    `"events"."location_id" as "locationId"`,
    `"events"."assignee_id" as "assigneeId"`,
    `"events"."actor_kind" as "actorKind"`,
    `"events"."actor_id" as "actorId"`,
    `"events"."actor_chain" as "actorChain"`,
    `"events"."request_id" as "requestId"`,
    `"events"."created_at" as "createdAt"`,
  ].join(", "),
);

/** The tenant's events after this number, oldest first; of a limited principal's locations and assignments only. */
export function eventsAfter(seq: number, limit: number): Query<StoredEvent[]> {
  return {
    async statement({ tenantId, reach }) {
      const conditions: SQL[] = [sql`"events"."tenant_id" = ${tenantId}`, sql`"events"."seq" > ${seq}`];
      if (reach.locations)
        conditions.push(
          sql`"events"."location_id" in (select value from json_each(${JSON.stringify(reach.locations)}))`,
        );
      if (reach.assigneeId) conditions.push(sql`"events"."assignee_id" = ${reach.assigneeId}`);
      return statementOf(
        sql`select ${columns} from "events" where ${sql.join(conditions, sql` and `)} order by "events"."seq" limit ${limit}`,
      );
    },
    decode: async (_context, rows) => z.array(StoredEvent).parse(rows),
  };
}

/** The tenant's oldest events that nobody has been told of. */
export function undispatchedEvents(limit: number): Query<StoredEvent[]> {
  return {
    async statement({ tenantId }) {
      return statementOf(
        sql`select ${columns} from "events" indexed by "events_pending" where "events"."tenant_id" = ${tenantId} and "events"."dispatched_at" is null order by "events"."seq" limit ${limit}`,
      );
    },
    decode: async (_context, rows) => z.array(StoredEvent).parse(rows),
  };
}

/** Events since then and between two numbers that this endpoint wants and was never sent, oldest first. */
export function unsentEvents(given: {
  readonly endpointId: string;
  readonly eventTypes: readonly string[];
  readonly locationIds: readonly string[] | null;
  readonly since: string;
  readonly afterSeq: number;
  readonly beforeSeq: number;
  readonly limit: number;
}): Query<StoredEvent[]> {
  return {
    async statement({ tenantId }) {
      const here =
        given.locationIds === null
          ? sql``
          : sql` and "events"."location_id" in (select value from json_each(${JSON.stringify(given.locationIds)}))`;
      const sent = sql`select 1 from "webhook_deliveries" where "webhook_deliveries"."tenant_id" = ${tenantId} and "webhook_deliveries"."endpoint_id" = ${given.endpointId} and "webhook_deliveries"."event_seq" = "events"."seq"`;
      return statementOf(
        sql`select ${columns} from "events" where "events"."tenant_id" = ${tenantId} and "events"."seq" > ${given.afterSeq} and "events"."seq" < ${given.beforeSeq} and "events"."created_at" >= ${given.since} and "events"."type" in (select value from json_each(${JSON.stringify(given.eventTypes)})) ${here} and not exists (${sent}) order by "events"."seq" limit ${given.limit}`,
      );
    },
    decode: async (_context, rows) => z.array(StoredEvent).parse(rows),
  };
}
