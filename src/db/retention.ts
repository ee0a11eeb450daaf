import { type SQL, sql } from "drizzle-orm";
import { dayMs, timestamp } from "#lib/time.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

// A commit's row outlives the longest idempotency record that reads its assigned numbers.
const commitsKeptMs = 31 * dayMs;
const intentsKeptMs = 30 * dayMs;
// How long an event can be pulled or replayed.
const eventsKeptMs = 30 * dayMs;
// How long one can see how an event was delivered, and have it sent again.
const deliveriesKeptMs = 30 * dayMs;
// One that was sent again on its last day is tried for up to ten days more where its receiver asks for time.
export const bodiesKeptMs = 45 * dayMs;
// The bucket keeps every head for ever; here are those that somebody may still ask for.
const checkpointsKeptMs = 400 * dayMs;
// As long as one waits for a sink that has yet to copy it: a dead one shall not keep them for ever.
const checkpointsKeptForSinksMs = 800 * dayMs;
// For as long as somebody may still come with a code or a token of it, so that it is known to be used.
const grantsKeptMs = dayMs;
const lastUsesKeptMs = 400 * dayMs;
export const mostOfAKind = 200;

/** What every owner of rows has, and what only tenants of a cell have besides. */
export const kernelKinds = ["idempotency", "commits", "intents", "events", "audit_checkpoints"] as const;
export const cellKinds = [
  ...kernelKinds,
  "webhook_deliveries",
  "webhook_attempts",
  "webhook_bodies",
  "ended_sessions",
  "oauth_grants",
  "last_uses",
] as const;

type Kind = (typeof cellKinds)[number];

/** The keys, without the tenant, of one tenant's rows whose time is over. */
export type Expired = Partial<Record<Kind, unknown[][]>>;

/** Across tenants, each by its index of age. */
export function expiredRows(kinds: readonly Kind[], now: number): Statement[] {
  return kinds.map((kind) => expiredOf[kind](now));
}

const expiredOf: Readonly<Record<Kind, (now: number) => Statement>> = {
  idempotency: (now) => ({
    text: `select tenant_id, principal_id, operation, key_token from idempotency indexed by idempotency_by_expiry where expires_at <= ? order by expires_at limit ${mostOfAKind}`,
    params: [timestamp(now)],
  }),
  commits: (now) => ({
    text: `select tenant_id, id from commits indexed by commits_by_age where created_at <= ? order by created_at limit ${mostOfAKind}`,
    params: [timestamp(now - commitsKeptMs)],
  }),
  intents: (now) => ({
    text: `select tenant_id, id from intents indexed by intents_by_age where state <> 'intended' and created_at <= ? order by created_at limit ${mostOfAKind}`,
    params: [timestamp(now - intentsKeptMs)],
  }),
  events: (now) => ({
    text: `select tenant_id, seq from events indexed by events_dispatched_by_age where dispatched_at is not null and created_at <= ? order by created_at limit ${mostOfAKind}`,
    params: [timestamp(now - eventsKeptMs)],
  }),
  audit_checkpoints: (now) => ({
    text: `select tenant_id, size from audit_checkpoints indexed by audit_checkpoints_by_age where created_at <= ? and (created_at <= ? or not exists (select 1 from audit_sink_progress where audit_sink_progress.tenant_id = audit_checkpoints.tenant_id and audit_sink_progress.size < audit_checkpoints.size)) order by created_at limit ${mostOfAKind}`,
    params: [timestamp(now - checkpointsKeptMs), timestamp(now - checkpointsKeptForSinksMs)],
  }),
  webhook_deliveries: (now) => ({
    text: `select tenant_id, id from webhook_deliveries indexed by webhook_deliveries_by_age where state <> 'pending' and created_at <= ? order by created_at limit ${mostOfAKind}`,
    params: [timestamp(now - deliveriesKeptMs)],
  }),
  webhook_attempts: (now) => ({
    text: `select tenant_id, id from webhook_attempts indexed by webhook_attempts_by_age where created_at <= ? order by created_at limit ${mostOfAKind}`,
    params: [timestamp(now - deliveriesKeptMs)],
  }),
  webhook_bodies: (now) => ({
    text: `select tenant_id, event_seq from webhook_bodies indexed by webhook_bodies_by_age where created_at <= ? order by created_at limit ${mostOfAKind}`,
    params: [timestamp(now - bodiesKeptMs)],
  }),
  ended_sessions: (now) => ({
    text: `select tenant_id, member_id, session_id from ended_sessions indexed by ended_sessions_by_end where kept_until <= ? order by kept_until limit ${mostOfAKind}`,
    params: [timestamp(now)],
  }),
  oauth_grants: (now) => ({
    text: `select tenant_id, id from oauth_grants indexed by oauth_grants_by_end where expires_at <= ? order by expires_at limit ${mostOfAKind}`,
    params: [timestamp(now - grantsKeptMs)],
  }),
  last_uses: (now) => ({
    text: `select tenant_id, principal_id from last_uses indexed by last_uses_by_age where used_at <= ? order by used_at limit ${mostOfAKind}`,
    params: [timestamp(now - lastUsesKeptMs)],
  }),
};

/** Deletes them; a record that was renewed since it was found expired stays, and so does a delivery sent again. */
export async function deleteExpiredRows(driver: TenantDriver, expired: Expired, now: number): Promise<void> {
  const { tenantId } = driver;
  const statements: Readonly<Record<Kind, (keys: string) => SQL>> = {
    idempotency: (keys) =>
      sql`delete from "idempotency" where "idempotency"."tenant_id" = ${tenantId} and ("principal_id", "operation", "key_token") in (select value ->> 0, value ->> 1, value ->> 2 from json_each(${keys})) and "expires_at" <= ${timestamp(now)}`,
    commits: (keys) =>
      sql`delete from "commits" where "commits"."tenant_id" = ${tenantId} and "id" in (select value ->> 0 from json_each(${keys}))`,
    intents: (keys) =>
      sql`delete from "intents" where "intents"."tenant_id" = ${tenantId} and "id" in (select value ->> 0 from json_each(${keys}))`,
    events: (keys) =>
      sql`delete from "events" where "events"."tenant_id" = ${tenantId} and "seq" in (select value ->> 0 from json_each(${keys}))`,
    audit_checkpoints: (keys) =>
      sql`delete from "audit_checkpoints" where "audit_checkpoints"."tenant_id" = ${tenantId} and "size" in (select value ->> 0 from json_each(${keys}))`,
    webhook_deliveries: (keys) =>
      sql`delete from "webhook_deliveries" where "webhook_deliveries"."tenant_id" = ${tenantId} and "id" in (select value ->> 0 from json_each(${keys})) and "state" <> 'pending'`,
    webhook_attempts: (keys) =>
      sql`delete from "webhook_attempts" where "webhook_attempts"."tenant_id" = ${tenantId} and "id" in (select value ->> 0 from json_each(${keys}))`,
    webhook_bodies: (keys) =>
      sql`delete from "webhook_bodies" where "webhook_bodies"."tenant_id" = ${tenantId} and "event_seq" in (select value ->> 0 from json_each(${keys}))`,
    ended_sessions: (keys) =>
      sql`delete from "ended_sessions" where "ended_sessions"."tenant_id" = ${tenantId} and ("member_id", "session_id") in (select value ->> 0, value ->> 1 from json_each(${keys}))`,
    oauth_grants: (keys) =>
      sql`delete from "oauth_grants" where "oauth_grants"."tenant_id" = ${tenantId} and "id" in (select value ->> 0 from json_each(${keys})) and "expires_at" <= ${timestamp(now - grantsKeptMs)}`,
    last_uses: (keys) =>
      sql`delete from "last_uses" where "last_uses"."tenant_id" = ${tenantId} and "principal_id" in (select value ->> 0 from json_each(${keys})) and "used_at" <= ${timestamp(now - lastUsesKeptMs)}`,
  };
  const found = cellKinds.flatMap((kind) => (expired[kind] ? [{ kind, keys: expired[kind] }] : []));
  await driver.execute(found.map(({ kind, keys }) => statementOf(statements[kind](JSON.stringify(keys)))));
}
