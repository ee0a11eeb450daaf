import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";
import { sealText } from "./webhook-sealing.ts";

/** One event for one endpoint, rendered: every try sends exactly these bytes under this id. */
export interface NewDelivery {
  readonly id: string;
  readonly endpointId: string;
  readonly event: { readonly seq: number; readonly id: string; readonly type: string };
  readonly body: string;
  /** Whose personal data the body holds. */
  readonly subjectId: string | null;
}

// D1 takes 2 MB in one bound value.
const mostCharactersPerStatement = 500_000;

/** Queues deliveries, due at once. An event that an endpoint was sent already keeps the id and body it had. */
export async function queueDeliveries(
  session: TenantSession,
  deliveries: readonly NewDelivery[],
  now: number,
): Promise<Statement[]> {
  if (deliveries.length === 0) return [];
  const { tenantId, keys } = session;
  const rows = await Promise.all(
    deliveries.map(async ({ id, endpointId, event, body, subjectId }) => {
      const place = { table: "webhook_deliveries", column: "body", row: id } as const;
      const sealed = await sealText(keys, place, subjectId, body);
      return [id, endpointId, event.seq, event.id, event.type, sealed, subjectId];
    }),
  );
  const at = timestamp(now);
  return [
    ...chunks(rows).map((chunk) =>
      statementOf(
        sql`insert or ignore into "webhook_deliveries" ("tenant_id", "id", "endpoint_id", "event_seq", "event_id", "event_type", "body", "subject_id", "state", "due_at", "created_at") select ${tenantId}, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, 'pending', ${at}, ${at} from json_each(${JSON.stringify(chunk)})`,
      ),
    ),
    ...dueNow(session, [...new Set(deliveries.map(({ endpointId }) => endpointId))], now),
  ];
}

/** These endpoints' queues have something to try now. */
export function dueNow(session: TenantSession, endpointIds: readonly string[], now: number): Statement[] {
  const { tenantId } = session;
  const [ids, at] = [JSON.stringify(endpointIds), timestamp(now)];
  return [
    statementOf(
      sql`insert or ignore into "webhook_queues" ("tenant_id", "endpoint_id") select ${tenantId}, value from json_each(${ids})`,
    ),
    statementOf(
      sql`update "webhook_queues" set "next_due_at" = min(coalesce("next_due_at", ${at}), ${at}) where "webhook_queues"."tenant_id" = ${tenantId} and "webhook_queues"."endpoint_id" in (select value from json_each(${ids}))`,
    ),
  ];
}

export function markDispatched(session: TenantSession, seqs: readonly number[], now: number): Statement {
  const { tenantId } = session;
  return statementOf(
    sql`update "events" set "dispatched_at" = ${timestamp(now)} where "events"."tenant_id" = ${tenantId} and "events"."dispatched_at" is null and "events"."seq" in (select value from json_each(${JSON.stringify(seqs)}))`,
  );
}

/** What a replay sends again; each delivery once for each replay, however often that is carried out. */
export type ReplayedDeliveries =
  | { readonly kind: "one"; readonly deliveryId: string }
  | { readonly kind: "failed" }
  | { readonly kind: "since"; readonly since: string };

/** Queues settled deliveries anew, with the tries of a new one. `replaySeq` is the number of the event that asked. */
export function requeueDeliveries(
  session: TenantSession,
  endpointId: string,
  which: ReplayedDeliveries,
  replaySeq: number,
  now: number,
): Statement[] {
  const { tenantId } = session;
  const chosen =
    which.kind === "one"
      ? sql`"webhook_deliveries"."id" = ${which.deliveryId}`
      : which.kind === "failed"
        ? sql`"webhook_deliveries"."state" = 'failed'`
        : sql`"webhook_deliveries"."event_seq" in (select "events"."seq" from "events" where "events"."tenant_id" = ${tenantId} and "events"."created_at" >= ${which.since})`;
  return [
    statementOf(
      sql`update "webhook_deliveries" set "state" = 'pending', "due_at" = ${timestamp(now)}, "failures" = 0, "settled_at" = null, "replay_seq" = ${replaySeq} where "webhook_deliveries"."tenant_id" = ${tenantId} and "webhook_deliveries"."endpoint_id" = ${endpointId} and "webhook_deliveries"."state" <> 'pending' and "webhook_deliveries"."replay_seq" < ${replaySeq} and "webhook_deliveries"."event_seq" < ${replaySeq} and ${chosen}`,
    ),
    ...dueNow(session, [endpointId], now),
  ];
}

function chunks(rows: readonly (readonly unknown[])[]): (readonly (readonly unknown[])[])[] {
  const all: (readonly unknown[])[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const length = JSON.stringify(row).length;
    if (size + length > mostCharactersPerStatement) {
      all.push([]);
      size = 0;
    }
    all.at(-1)?.push(row);
    size += length;
  }
  return all;
}
