import { sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import type { Query } from "./queries.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { ResultRows } from "./store.ts";
import type { TenantSession } from "./tenant-db.ts";
import { rememberKey, sealText } from "./webhook-sealing.ts";

/** The right to try one endpoint's deliveries: one holder at a time, until it is given back or runs out. */
export interface Lease {
  readonly id: string;
  readonly endpointId: string;
  readonly untilMs: number;
}

const Due = z.object({
  id: z.string(),
  body: z.string(),
  subjectId: z.string().nullable(),
  failures: z.int(),
  kid: z.string().nullable(),
  wrapped: z.string().nullable(),
});
export type Due = z.output<typeof Due>;

export type Turn<E> =
  | { readonly kind: "begun"; readonly endpoint: E; readonly due: readonly Due[] }
  /** Somebody else has it, it is paused, or nothing waits. */
  | { readonly kind: "idle" }
  /** As many of the tenant's endpoints are being served as may be at once. */
  | { readonly kind: "tenant-full" };

/** Takes the lease and the first deliveries that are due. One statement decides, so of many callers one wins. */
export async function beginTurn<E>(
  session: TenantSession,
  lease: Lease,
  endpoint: Query<E>,
  limits: { readonly endpointsAtOnce: number; readonly deliveries: number; readonly now: number },
): Promise<Turn<E>> {
  const { tenantId } = session;
  const at = timestamp(limits.now);
  const atWork = sql`select count(*) from "webhook_queues" where "webhook_queues"."tenant_id" = ${tenantId} and "webhook_queues"."leased_until" > ${at}`;
  const free = sql`("webhook_queues"."leased_until" is null or "webhook_queues"."leased_until" <= ${at}) and ("webhook_queues"."paused_until" is null or "webhook_queues"."paused_until" <= ${at})`;
  const mine = sql`"webhook_queues"."tenant_id" = ${tenantId} and "webhook_queues"."endpoint_id" = ${lease.endpointId}`;
  const [taken, waits, endpointRows, dueRows] = await session.execute([
    statementOf(
      sql`update "webhook_queues" set "lease" = ${lease.id}, "leased_until" = ${timestamp(lease.untilMs)} where ${mine} and ${free} and (${atWork}) < ${limits.endpointsAtOnce} returning "lease"`,
    ),
    statementOf(
      sql`select 1 from "webhook_queues" where ${mine} and ${free} and "webhook_queues"."next_due_at" <= ${at}`,
    ),
    await endpoint.statement(session),
    dueStatement(session, lease, limits.now, limits.deliveries),
  ]);
  if (taken?.[0]) {
    return {
      kind: "begun",
      endpoint: await endpoint.decode(session, endpointRows ?? []),
      due: await dueOf(session, dueRows),
    };
  }
  return { kind: waits?.[0] ? "tenant-full" : "idle" };
}

/** One try and what follows from it. */
export interface Tried {
  readonly attemptId: string;
  readonly delivery: Due;
  readonly startedAtMs: number;
  readonly durationMs: number;
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
  const moves = tries.map((tried) => {
    const state = tried.accepted ? "delivered" : tried.nextTryAtMs === null ? "failed" : "pending";
    const dueAt = tried.nextTryAtMs === null ? null : timestamp(tried.nextTryAtMs);
    const settledAt = state === "pending" ? null : timestamp(given.now);
    const failures = tried.delivery.failures + (tried.accepted ? 0 : 1);
    return [tried.delivery.id, state, dueAt, failures, tried.outcome, settledAt];
  });
  const paused = given.pausedUntilMs === null ? null : timestamp(given.pausedUntilMs);
  const failingSince = tries.some(({ accepted }) => accepted)
    ? sql`null`
    : sql`coalesce("failing_since", ${timestamp(given.now)})`;
  return [
    statementOf(
      sql`update "webhook_queues" set "failing_since" = ${failingSince}, "paused_until" = coalesce(${paused}, "paused_until") where ${held(session, lease)} returning "failing_since"`,
    ),
    statementOf(
      sql`insert into "webhook_attempts" ("tenant_id", "id", "delivery_id", "outcome", "status", "duration_ms", "excerpt", "created_at") select ${tenantId}, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 from json_each(${JSON.stringify(attempts)})`,
    ),
    statementOf(
      sql`update "webhook_deliveries" set "state" = value ->> 1, "due_at" = value ->> 2, "failures" = value ->> 3, "outcome" = value ->> 4, "settled_at" = value ->> 5, "tries" = "tries" + 1 from json_each(${JSON.stringify(moves)}) where "webhook_deliveries"."tenant_id" = ${tenantId} and "webhook_deliveries"."id" = value ->> 0 and "webhook_deliveries"."state" = 'pending'`,
    ),
  ];
}

async function attemptRow(session: TenantSession, tried: Tried): Promise<unknown[]> {
  const { attemptId, delivery, excerpt, outcome, status, durationMs, startedAtMs } = tried;
  const place = { table: "webhook_attempts", column: "excerpt", row: attemptId } as const;
  const sealed = excerpt ? await sealText(session.keys, place, delivery.subjectId, excerpt) : null;
  return [attemptId, delivery.id, outcome, status, durationMs, sealed, timestamp(startedAtMs)];
}

/** The next deliveries that are due, as long as the lease is held. */
export function dueStatement(session: TenantSession, lease: Lease, now: number, limit: number): Statement {
  const { tenantId } = session;
  const d = sql.raw(`"webhook_deliveries"`);
  return statementOf(
    sql`select ${d}."id", ${d}."body", ${d}."subject_id" as "subjectId", ${d}."failures", "subject_keys"."id" as "kid", "subject_keys"."wrapped" from ${d} left join "subject_keys" on "subject_keys"."tenant_id" = ${tenantId} and "subject_keys"."subject_id" = ${d}."subject_id" where ${d}."tenant_id" = ${tenantId} and ${d}."endpoint_id" = ${lease.endpointId} and ${d}."state" = 'pending' and ${d}."due_at" <= ${timestamp(now)} and exists (select 1 from "webhook_queues" where ${held(session, lease)}) order by ${d}."due_at" limit ${limit}`,
  );
}

export async function dueOf(session: TenantSession, rows: ResultRows | undefined): Promise<Due[]> {
  const due = z.array(Due).parse(rows ?? []);
  for (const row of due) await rememberKey(session.keys, row);
  return due;
}

/** An endpoint that is sent nothing more: what waits for it has failed, until somebody replays it. */
export function giveUp(session: TenantSession, endpointId: string, now: number): Statement {
  return statementOf(
    sql`update "webhook_deliveries" set "state" = 'failed', "due_at" = null, "outcome" = 'endpoint-disabled', "settled_at" = ${timestamp(now)} where "webhook_deliveries"."tenant_id" = ${session.tenantId} and "webhook_deliveries"."endpoint_id" = ${endpointId} and "webhook_deliveries"."state" = 'pending'`,
  );
}

/**
 * Gives the lease back and says, in the same instant, when the next delivery is due: whatever is queued afterwards
 * finds the lease free, and whatever was before is seen here.
 */
export function endTurn(session: TenantSession, lease: Lease, now: number): Statement {
  const { tenantId } = session;
  const next = sql`select min("webhook_deliveries"."due_at") from "webhook_deliveries" where "webhook_deliveries"."tenant_id" = ${tenantId} and "webhook_deliveries"."endpoint_id" = ${lease.endpointId} and "webhook_deliveries"."state" = 'pending'`;
  return statementOf(
    sql`update "webhook_queues" set "lease" = null, "leased_until" = null, "next_due_at" = max((${next}), ${timestamp(now)}, coalesce("paused_until", '')) where ${held(session, lease)} returning "next_due_at"`,
  );
}

const Health = z.array(z.object({ failing_since: z.string().nullable() }));

/** Since when the endpoint has failed with no success in between, as recordTries' first statement says. */
export function failingSinceMs(rows: ResultRows | undefined): number | null {
  const since = Health.parse(rows ?? [])[0]?.failing_since ?? null;
  return since === null ? null : Date.parse(since);
}

const Ended = z.array(z.object({ next_due_at: z.string().nullable() }));

/** When there is something to try again, in ms since 1970; null where nothing waits, or another took the lease. */
export function nextDueMs(rows: ResultRows | undefined): number | null {
  const at = Ended.parse(rows ?? [])[0]?.next_due_at ?? null;
  return at === null ? null : Date.parse(at);
}

function held(session: TenantSession, lease: Lease) {
  return sql`"webhook_queues"."tenant_id" = ${session.tenantId} and "webhook_queues"."endpoint_id" = ${lease.endpointId} and "webhook_queues"."lease" = ${lease.id}`;
}

/** Nothing is tried until then. */
export function pause(session: TenantSession, lease: Lease, untilMs: number): Statement {
  return statementOf(
    sql`update "webhook_queues" set "paused_until" = ${timestamp(untilMs)} where ${held(session, lease)}`,
  );
}
