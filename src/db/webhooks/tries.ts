import { sql } from "drizzle-orm";
import { z } from "zod";
import { type Statement, statementOf } from "#db/statement.ts";
import type { ResultRows } from "#db/store.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { timestamp } from "#lib/time.ts";
import { type Due, held, type Lease } from "./queue.ts";
import { sealText } from "./sealing.ts";

/** One try and what follows from it. */
export interface Tried {
  readonly attemptId: string;
  readonly delivery: Due;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** How it ended; `unreadable` where there was nothing left to send, which says nothing of the receiver. */
  readonly outcome: string;
  readonly status: number | null;
  readonly excerpt: string | null;
  /** Null: the delivery is settled. */
  readonly nextTryAtMs: number | null;
  readonly accepted: boolean;
}

/** Keeps since when the endpoint fails (and says it, first), writes a row for each try and moves its delivery on. */
export async function recordTries(
  session: TenantSession,
  lease: Lease,
  tries: readonly Tried[],
  given: { readonly pausedUntilMs: number | null; readonly now: number },
): Promise<Statement[]> {
  if (tries.length === 0) return [];
  const { tenantId } = session;
  const attempts = await Promise.all(tries.map((tried) => attemptRow(session, tried)));
  // Each row finds its own by its id: joined to a list, SQLite would go through all that the tenant has for each.
  const moves = JSON.stringify(Object.fromEntries(tries.map((tried) => moveOf(tried, given.now))));
  const moved = (index: number) => sql`${moves} ->> ('$.' || "webhook_deliveries"."id" || ${`[${index}]`})`;
  const paused = given.pausedUntilMs === null ? null : timestamp(given.pausedUntilMs);
  const reached = tries.filter(({ outcome }) => outcome !== "unreadable");
  const failingSince = reached.some(({ accepted }) => accepted)
    ? sql`null`
    : reached.length > 0
      ? sql`coalesce("failing_since", ${timestamp(given.now)})`
      : sql`"failing_since"`;
  return [
    statementOf(
      sql`update "webhook_queues" set "failing_since" = ${failingSince}, "paused_until" = coalesce(${paused}, "paused_until") where ${held(session, lease)} returning "failing_since"`,
    ),
    statementOf(
      sql`insert into "webhook_attempts" ("tenant_id", "id", "delivery_id", "outcome", "status", "duration_ms", "excerpt", "created_at") select ${tenantId}, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 from json_each(${JSON.stringify(attempts)})`,
    ),
    statementOf(
      sql`update "webhook_deliveries" set "state" = ${moved(0)}, "due_at" = ${moved(1)}, "failures" = ${moved(2)}, "outcome" = ${moved(3)}, "settled_at" = ${moved(4)}, "tries" = "tries" + 1 where "webhook_deliveries"."tenant_id" = ${tenantId} and "webhook_deliveries"."id" in (select value from json_each(${JSON.stringify(tries.map(({ delivery }) => delivery.id))})) and exists (select 1 from "webhook_queues" where ${held(session, lease)})`,
    ),
  ];
}

/** Whether it was a delivery's last try, and the receiver took none. */
export function isGivenUp({ outcome, accepted, nextTryAtMs }: Tried): boolean {
  return !accepted && nextTryAtMs === null && outcome !== "unreadable";
}

const Health = z.array(z.object({ failing_since: z.string().nullable() }));

/** Since when the endpoint has failed with no success in between, as recordTries' first statement says. */
export function failingSinceMs(rows: ResultRows | undefined): number | null {
  const since = Health.parse(rows ?? [])[0]?.failing_since ?? null;
  return since === null ? null : Date.parse(since);
}

function moveOf({ delivery, accepted, nextTryAtMs, outcome }: Tried, now: number): [string, unknown[]] {
  const state = accepted ? "delivered" : nextTryAtMs === null ? "failed" : "pending";
  const dueAt = nextTryAtMs === null ? null : timestamp(nextTryAtMs);
  const settledAt = state === "pending" ? null : timestamp(now);
  return [delivery.id, [state, dueAt, delivery.failures + (accepted ? 0 : 1), outcome, settledAt]];
}

async function attemptRow(session: TenantSession, tried: Tried): Promise<unknown[]> {
  const { attemptId, delivery, excerpt, outcome, status, durationMs, startedAtMs } = tried;
  const place = { table: "webhook_attempts", column: "excerpt", row: attemptId } as const;
  const sealed = excerpt ? await sealText(session.keys, place, delivery.subjectId, excerpt) : null;
  return [attemptId, delivery.id, outcome, status, durationMs, sealed, timestamp(startedAtMs)];
}
