import { sql } from "drizzle-orm";
import { statementOf } from "#db/statement.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { timestamp } from "#lib/time.ts";
import { dueNow } from "./dispatch.ts";

/** What a replay sends again; each delivery once for each replay, however often that is carried out. */
export type ReplayedDeliveries =
  | { readonly kind: "one"; readonly deliveryId: string }
  | { readonly kind: "failed" }
  | { readonly kind: "since"; readonly since: string };

const mostAtOnce = 500;

/**
 * Queues settled deliveries anew, with the tries of a new one. `replaySeq` is the number of the event that asked.
 * @returns whether there may be more of them than one statement is to change
 */
export async function requeueDeliveries(
  session: TenantSession,
  endpointId: string,
  which: ReplayedDeliveries,
  replaySeq: number,
  now: number,
): Promise<boolean> {
  const { tenantId } = session;
  const d = sql.raw(`"webhook_deliveries"`);
  const chosen =
    which.kind === "one"
      ? sql`${d}."id" = ${which.deliveryId}`
      : which.kind === "failed"
        ? sql`${d}."state" = 'failed'`
        : sql`exists (select 1 from "events" where "events"."tenant_id" = ${tenantId} and "events"."seq" = ${d}."event_seq" and "events"."created_at" >= ${which.since})`;
  const settled = sql`select ${d}."id" from ${d} where ${d}."tenant_id" = ${tenantId} and ${d}."endpoint_id" = ${endpointId} and ${d}."state" <> 'pending' and ${d}."replay_seq" < ${replaySeq} and ${d}."event_seq" < ${replaySeq} and ${chosen} limit ${mostAtOnce}`;
  const [requeued] = await session.execute([
    statementOf(
      sql`update ${d} set "state" = 'pending', "due_at" = ${timestamp(now)}, "failures" = 0, "settled_at" = null, "replay_seq" = ${replaySeq} where ${d}."tenant_id" = ${tenantId} and ${d}."id" in (${settled}) returning "id"`,
    ),
    ...dueNow(session, [endpointId], now),
  ]);
  return requeued?.length === mostAtOnce;
}
