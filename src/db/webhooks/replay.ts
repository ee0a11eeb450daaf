import { sql } from "drizzle-orm";
import { z } from "zod";
import { statementOf } from "#db/statement.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { timestamp } from "#lib/time.ts";
import { dueNow } from "./dispatch.ts";
import { unwanted } from "./queue.ts";

/** What a replay sends again; each delivery once for each replay, however often that is carried out. */
export type ReplayedDeliveries =
  | { readonly kind: "one"; readonly deliveryId: string }
  | { readonly kind: "failed" }
  | { readonly kind: "since"; readonly since: string };

const mostAtOnce = 500;

/**
 * Queues settled deliveries anew, with the tries of a new one. `replaySeq` is the number of the event that asked.
 * @returns the number of the last one's event where there may be more, to go on behind it; null once all are done
 */
export async function requeueDeliveries(
  session: TenantSession,
  endpointId: string,
  which: ReplayedDeliveries,
  given: { readonly replaySeq: number; readonly afterSeq: number; readonly now: number },
): Promise<number | null> {
  const { tenantId } = session;
  const { replaySeq, afterSeq, now } = given;
  const d = sql.raw(`"webhook_deliveries"`);
  const settled = sql`${d}."tenant_id" = ${tenantId} and ${d}."endpoint_id" = ${endpointId} and ${d}."replay_seq" < ${replaySeq} and ${d}."event_seq" < ${replaySeq} and not ${unwanted(session, endpointId)}`;
  const chosen =
    which.kind === "one"
      ? sql`from ${d} where ${settled} and ${d}."state" <> 'pending' and ${d}."id" = ${which.deliveryId}`
      : which.kind === "failed"
        ? sql`from ${d} indexed by "webhook_deliveries_by_state" where ${settled} and ${d}."state" = 'failed'`
        : sql`from ${d} where ${settled} and ${d}."state" <> 'pending' and ${d}."event_seq" > ${afterSeq} and exists (select 1 from "events" where "events"."tenant_id" = ${tenantId} and "events"."seq" = ${d}."event_seq" and "events"."created_at" >= ${which.since}) order by ${d}."event_seq"`;
  const [requeued] = await session.execute([
    statementOf(
      sql`update ${d} set "state" = 'pending', "due_at" = ${timestamp(now)}, "failures" = 0, "settled_at" = null, "replay_seq" = ${replaySeq} where ${d}."tenant_id" = ${tenantId} and ${d}."id" in (select ${d}."id" ${chosen} limit ${mostAtOnce}) returning "event_seq"`,
    ),
    ...dueNow(session, [endpointId], now),
  ]);
  const seqs = Requeued.parse(requeued).map(({ event_seq: seq }) => seq);
  return seqs.length === mostAtOnce ? Math.max(...seqs) : null;
}

const Requeued = z.array(z.object({ event_seq: z.int() }));
