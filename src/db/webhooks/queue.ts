import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "#db/queries.ts";
import { type Statement, statementOf } from "#db/statement.ts";
import type { ResultRows } from "#db/store.ts";
import { subjectKeyJoin, subjectKid } from "#db/subject-keys.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import { rememberKey } from "./sealing.ts";

/** How many of a tenant's endpoints are served at once: what one tenant can take of the cell's consumers. */
export const endpointsAtOnce = 10;
const deliveriesPerPage = 50;
const mostGivenUpAtOnce = 500;
// A wake-up takes less: who has waited for longer was turned away.
const waitedMs = 5 * secondMs;

/** The right to try one endpoint's deliveries: one holder at a time, until it is given back or runs out. */
export interface Lease {
  readonly id: string;
  readonly endpointId: string;
  readonly untilMs: number;
}

const Due = z.object({
  id: z.string(),
  eventSeq: z.int(),
  /** Null where it is no longer kept. */
  body: z.string().nullable(),
  subjectId: z.string().nullable(),
  failures: z.int(),
  kid: z.string().nullable(),
  wrapped: z.string().nullable(),
});
export type Due = z.output<typeof Due>;

/**
 * Takes the lease and the first deliveries that are due. One statement decides, so of many callers one wins.
 * @returns null where somebody else has it, it is paused, or as many of the tenant's endpoints are served as may be
 */
export async function beginTurn<E>(
  session: TenantSession,
  lease: Lease,
  endpoint: Query<E>,
  now: number,
): Promise<{ readonly endpoint: E; readonly due: readonly Due[] } | null> {
  const at = timestamp(now);
  const isFree = sql`("webhook_queues"."leased_until" is null or "webhook_queues"."leased_until" <= ${at}) and ("webhook_queues"."paused_until" is null or "webhook_queues"."paused_until" <= ${at})`;
  const [taken, endpointRows, , dueRows] = await session.execute([
    statementOf(
      sql`update "webhook_queues" set "lease" = ${lease.id}, "leased_until" = ${timestamp(lease.untilMs)} where "webhook_queues"."tenant_id" = ${session.tenantId} and "webhook_queues"."endpoint_id" = ${lease.endpointId} and ${isFree} and (${atWork(session, at)}) < ${endpointsAtOnce} returning "lease"`,
    ),
    await endpoint.statement(session),
    dropUnwanted(session, lease, now),
    dueDeliveries(session, lease, now, null),
  ]);
  if (!taken?.[0]) return null;
  return {
    endpoint: await endpoint.decode(session, endpointRows ?? []),
    due: await dueOf(session, dueRows),
  };
}

/** What the holder of a lease went by when it began: the endpoint as it was, the rights as they were. */
export interface AsOf {
  readonly version: number;
  readonly epoch: number;
}

/** The next deliveries that are due, as long as the lease is held and, where asked, nothing it went by has changed. */
export function dueDeliveries(
  session: TenantSession,
  lease: Lease,
  now: number,
  asOf: AsOf | null,
): Statement {
  const { tenantId } = session;
  const d = sql.raw(`"webhook_deliveries"`);
  const subject = sql.raw(`"webhook_bodies"."subject_id"`);
  const unchanged =
    asOf === null
      ? sql``
      : sql` and exists (select 1 from "webhook_endpoints" where "webhook_endpoints"."tenant_id" = ${tenantId} and "webhook_endpoints"."id" = ${lease.endpointId} and "webhook_endpoints"."version" = ${asOf.version}) and exists (select 1 from "tenant_state" where "tenant_state"."tenant_id" = ${tenantId} and "tenant_state"."epoch" = ${asOf.epoch})`;
  return statementOf(
    sql`select ${d}."id", ${d}."event_seq" as "eventSeq", "webhook_bodies"."body", "webhook_bodies"."subject_id" as "subjectId", ${d}."failures", ${subjectKid(tenantId, subject)} as "kid", "subject_keys"."wrapped" from ${d} indexed by "webhook_deliveries_due" left join "webhook_bodies" on "webhook_bodies"."tenant_id" = ${tenantId} and "webhook_bodies"."event_seq" = ${d}."event_seq"${subjectKeyJoin(tenantId, subject)} where ${d}."tenant_id" = ${tenantId} and ${d}."endpoint_id" = ${lease.endpointId} and ${d}."state" = 'pending' and ${d}."due_at" <= ${timestamp(now)} and exists (select 1 from "webhook_queues" where ${held(session, lease)}) and not ${unwanted(session, lease.endpointId)}${unchanged} order by ${d}."due_at" limit ${deliveriesPerPage}`,
  );
}

/**
 * What this endpoint asks for no longer: it was queued under other rights, and whoever narrowed its types may not read
 * what they have dropped. A test is for whoever asked for it.
 */
export function unwanted({ tenantId }: TenantSession, endpointId: string): SQL {
  return sql`exists (select 1 from "webhook_endpoints" where "webhook_endpoints"."tenant_id" = ${tenantId} and "webhook_endpoints"."id" = ${endpointId} and "webhook_deliveries"."event_type" <> 'webhook_endpoint.tested' and not exists (select 1 from json_each("webhook_endpoints"."event_types") where json_each.value = "webhook_deliveries"."event_type"))`;
}

function dropUnwanted(session: TenantSession, lease: Lease, now: number): Statement {
  const { tenantId } = session;
  // Of those that come next, so that a turn costs no more the longer the queue is.
  const next = sql`select "webhook_deliveries"."id" ${pendingOf(session, lease)} order by "webhook_deliveries"."due_at" limit ${mostGivenUpAtOnce}`;
  return statementOf(
    sql`update "webhook_deliveries" set "state" = 'failed', "due_at" = null, "outcome" = 'unsubscribed', "settled_at" = ${timestamp(now)} where "webhook_deliveries"."tenant_id" = ${tenantId} and exists (select 1 from "webhook_queues" where ${held(session, lease)}) and "webhook_deliveries"."id" in (${next}) and ${unwanted(session, lease.endpointId)}`,
  );
}

export async function dueOf(session: TenantSession, rows: ResultRows | undefined): Promise<Due[]> {
  const due = z.array(Due).parse(rows ?? []);
  for (const row of due) await rememberKey(session.keys, row);
  return due;
}

/** An endpoint that is sent nothing more: some of what waits for it has failed, until somebody replays it. */
export async function giveUpSome(session: TenantSession, lease: Lease, now: number): Promise<boolean> {
  const pending = pendingOf(session, lease);
  const [givenUp] = await session.execute([
    statementOf(
      sql`update "webhook_deliveries" set "state" = 'failed', "due_at" = null, "outcome" = 'endpoint-disabled', "settled_at" = ${timestamp(now)} where "webhook_deliveries"."tenant_id" = ${session.tenantId} and "webhook_deliveries"."id" in (select "webhook_deliveries"."id" ${pending} limit ${mostGivenUpAtOnce}) returning "id"`,
    ),
  ]);
  return givenUp?.length === mostGivenUpAtOnce;
}

/** The queue of an endpoint that is no more, once nothing waits in it. */
export function forgetQueue(session: TenantSession, lease: Lease): Statement {
  return statementOf(
    sql`delete from "webhook_queues" where ${held(session, lease)} and not exists (select 1 ${pendingOf(session, lease)})`,
  );
}

/** Nothing is tried until then. */
export function pause(session: TenantSession, lease: Lease, untilMs: number): Statement {
  return statementOf(
    sql`update "webhook_queues" set "paused_until" = ${timestamp(untilMs)} where ${held(session, lease)}`,
  );
}

const Ended = z.tuple([
  z.array(z.object({ next_due_at: z.string().nullable() })),
  z.array(z.object({ endpoint_id: z.string() })),
]);

/**
 * Gives the lease back and says, in the same instant, when the next delivery is due: whatever is queued afterwards
 * finds the lease free, and whatever was before is seen here.
 * @returns that time in ms since 1970, null where nothing waits or another took the lease; and `next`, the tenant's
 * endpoint that has waited longest because as many were served as may be. It goes to the end of those that wait, so that
 * of several turns which end together each names another.
 */
export async function endTurn(
  session: TenantSession,
  lease: Lease,
  now: number,
): Promise<{ readonly nextDueMs: number | null; readonly next: string | null }> {
  const { tenantId } = session;
  const at = timestamp(now);
  const soonest = sql`select min("webhook_deliveries"."due_at") ${pendingOf(session, lease)}`;
  const waiting = sql`select "webhook_queues"."endpoint_id" from "webhook_queues" where "webhook_queues"."tenant_id" = ${tenantId} and "webhook_queues"."endpoint_id" <> ${lease.endpointId} and "webhook_queues"."next_due_at" <= ${timestamp(now - waitedMs)} and ("webhook_queues"."leased_until" is null or "webhook_queues"."leased_until" <= ${at}) order by "webhook_queues"."next_due_at" limit 1`;
  const [ended, next] = Ended.parse(
    await session.execute([
      statementOf(
        sql`update "webhook_queues" set "lease" = null, "leased_until" = null, "next_due_at" = max((${soonest}), ${at}, coalesce("paused_until", '')) where ${held(session, lease)} returning "next_due_at"`,
      ),
      statementOf(
        sql`update "webhook_queues" set "next_due_at" = ${at} where "webhook_queues"."tenant_id" = ${tenantId} and "webhook_queues"."endpoint_id" in (${waiting}) returning "endpoint_id"`,
      ),
    ]),
  );
  const dueAt = ended[0]?.next_due_at ?? null;
  return {
    nextDueMs: dueAt === null ? null : Date.parse(dueAt),
    next: next[0]?.endpoint_id ?? null,
  };
}

/** The condition under which a statement of a lease's holder has an effect. */
export function held(session: TenantSession, lease: Lease): SQL {
  return sql`"webhook_queues"."tenant_id" = ${session.tenantId} and "webhook_queues"."endpoint_id" = ${lease.endpointId} and "webhook_queues"."lease" = ${lease.id}`;
}

function atWork({ tenantId }: TenantSession, at: string): SQL {
  return sql`select count(*) from "webhook_queues" where "webhook_queues"."tenant_id" = ${tenantId} and "webhook_queues"."leased_until" > ${at}`;
}

function pendingOf({ tenantId }: TenantSession, { endpointId }: Lease): SQL {
  return sql`from "webhook_deliveries" indexed by "webhook_deliveries_due" where "webhook_deliveries"."tenant_id" = ${tenantId} and "webhook_deliveries"."endpoint_id" = ${endpointId} and "webhook_deliveries"."state" = 'pending'`;
}
