import { type SQL, sql } from "drizzle-orm";
import { dayMs, timestamp } from "#lib/time.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

// A commit's row outlives the longest idempotency record that reads its assigned numbers.
const commitsKeptMs = 31 * dayMs;
const intentsKeptMs = 30 * dayMs;
// How long an event can be pulled or replayed.
const eventsKeptMs = 30 * dayMs;
const mostOfAKind = 200;

export const expiredKinds = ["idempotency", "commits", "intents", "events"] as const;

/** The keys, without the tenant, of one tenant's rows whose time is over. */
export type Expired = Record<(typeof expiredKinds)[number], unknown[][]>;

/** Across tenants, each by its index of age, in the order of expiredKinds. */
export function expiredRows(now: number): Statement[] {
  return [
    {
      text: `select tenant_id, principal_id, operation, key_token from idempotency indexed by idempotency_by_expiry where expires_at <= ? order by expires_at limit ${mostOfAKind}`,
      params: [timestamp(now)],
    },
    {
      text: `select tenant_id, id from commits indexed by commits_by_age where created_at <= ? order by created_at limit ${mostOfAKind}`,
      params: [timestamp(now - commitsKeptMs)],
    },
    {
      text: `select tenant_id, id from intents indexed by intents_by_age where state <> 'intended' and created_at <= ? order by created_at limit ${mostOfAKind}`,
      params: [timestamp(now - intentsKeptMs)],
    },
    {
      text: `select tenant_id, seq from events indexed by events_dispatched_by_age where dispatched_at is not null and created_at <= ? order by created_at limit ${mostOfAKind}`,
      params: [timestamp(now - eventsKeptMs)],
    },
  ];
}

/** Deletes them; a record that was renewed since it was found expired stays. */
export async function deleteExpiredRows(driver: TenantDriver, expired: Expired, now: number): Promise<void> {
  const { tenantId } = driver;
  const keys = (kind: keyof Expired) => JSON.stringify(expired[kind]);
  const statements: SQL[] = [
    sql`delete from "idempotency" where "idempotency"."tenant_id" = ${tenantId} and ("principal_id", "operation", "key_token") in (select value ->> 0, value ->> 1, value ->> 2 from json_each(${keys("idempotency")})) and "expires_at" <= ${timestamp(now)}`,
    sql`delete from "commits" where "commits"."tenant_id" = ${tenantId} and "id" in (select value ->> 0 from json_each(${keys("commits")}))`,
    sql`delete from "intents" where "intents"."tenant_id" = ${tenantId} and "id" in (select value ->> 0 from json_each(${keys("intents")}))`,
    sql`delete from "events" where "events"."tenant_id" = ${tenantId} and "seq" in (select value ->> 0 from json_each(${keys("events")}))`,
  ];
  await driver.execute(statements.map(statementOf));
}
