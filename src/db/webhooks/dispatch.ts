import { sql } from "drizzle-orm";
import { type Statement, statementOf } from "#db/statement.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { timestamp } from "#lib/time.ts";
import { sealText } from "./sealing.ts";

/** One event as it is sent, rendered once for all: every try, to whichever endpoint, sends exactly these bytes. */
export interface ToldEvent {
  readonly event: { readonly seq: number; readonly id: string; readonly type: string };
  readonly body: string;
  /** Whose personal data the body holds. */
  readonly subjectId: string | null;
  /** A delivery's id is the `webhook-id` of all its tries. */
  readonly deliveries: readonly { readonly id: string; readonly endpointId: string }[];
}

// D1 takes 2 MB in one bound value.
const mostCharactersPerStatement = 500_000;

/** Queues deliveries, due at once. An event that was rendered keeps its body, one that was queued keeps its id. */
export async function queueDeliveries(
  session: TenantSession,
  told: readonly ToldEvent[],
  now: number,
): Promise<Statement[]> {
  if (told.length === 0) return [];
  const { tenantId } = session;
  const at = timestamp(now);
  const bodies = await Promise.all(told.map((each) => bodyRow(session, each)));
  const deliveries = told.flatMap(({ event, deliveries }) =>
    deliveries.map(({ id, endpointId }) => [id, endpointId, event.seq, event.id, event.type]),
  );
  return [
    ...chunks(bodies).map((chunk) =>
      statementOf(
        sql`insert or ignore into "webhook_bodies" ("tenant_id", "event_seq", "body", "subject_id", "created_at") select ${tenantId}, value ->> 0, value ->> 1, value ->> 2, ${at} from json_each(${JSON.stringify(chunk)})`,
      ),
    ),
    ...chunks(deliveries).map((chunk) =>
      statementOf(
        sql`insert or ignore into "webhook_deliveries" ("tenant_id", "id", "endpoint_id", "event_seq", "event_id", "event_type", "state", "due_at", "created_at") select ${tenantId}, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, 'pending', ${at}, ${at} from json_each(${JSON.stringify(chunk)})`,
      ),
    ),
    ...dueNow(session, [...new Set(deliveries.map(([, endpointId]) => String(endpointId)))], now),
  ];
}

async function bodyRow(session: TenantSession, { event, body, subjectId }: ToldEvent): Promise<unknown[]> {
  const place = { table: "webhook_bodies", column: "body", row: String(event.seq) } as const;
  return [event.seq, await sealText(session.keys, place, subjectId, body), subjectId];
}

/** These endpoints' queues have something to do: now, or once the pause is over that a receiver asked for. */
export function dueNow(session: TenantSession, endpointIds: readonly string[], now: number): Statement[] {
  if (endpointIds.length === 0) return [];
  const { tenantId } = session;
  const [ids, at] = [JSON.stringify(endpointIds), timestamp(now)];
  const soonest = sql`max(${at}, coalesce("paused_until", ''))`;
  return [
    statementOf(
      sql`insert or ignore into "webhook_queues" ("tenant_id", "endpoint_id") select ${tenantId}, value from json_each(${ids})`,
    ),
    statementOf(
      sql`update "webhook_queues" set "next_due_at" = min(coalesce("next_due_at", ${soonest}), ${soonest}) where "webhook_queues"."tenant_id" = ${tenantId} and "webhook_queues"."endpoint_id" in (select value from json_each(${ids}))`,
    ),
  ];
}

/** What another receiver asked for, or one that was given up, no longer holds these endpoints back. */
export function endPause(session: TenantSession, endpointIds: readonly string[]): Statement[] {
  if (endpointIds.length === 0) return [];
  return [
    statementOf(
      sql`update "webhook_queues" set "paused_until" = null where "webhook_queues"."tenant_id" = ${session.tenantId} and "webhook_queues"."endpoint_id" in (select value from json_each(${JSON.stringify(endpointIds)}))`,
    ),
  ];
}

export function markDispatched(session: TenantSession, seqs: readonly number[], now: number): Statement {
  const { tenantId } = session;
  return statementOf(
    sql`update "events" set "dispatched_at" = ${timestamp(now)} where "events"."tenant_id" = ${tenantId} and "events"."dispatched_at" is null and "events"."seq" in (select value from json_each(${JSON.stringify(seqs)}))`,
  );
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
