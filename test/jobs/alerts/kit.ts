import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { expect } from "vitest";
import { note } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { sweepAlerts } from "#jobs/alerts/alert-tenant.ts";
import { consume } from "#jobs/consume.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { mailsTo } from "#test/identity/kit.ts";
import { newMember } from "#test/member-examples.ts";
import { as, newTenant, proxied, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

export interface Watched extends TestTenant {
  /** Where its one owner who can be written to reads mail. */
  readonly ownersMail: string;
  /** What it was seeded with. */
  readonly oldAlertId: string;
}

/** A tenant with an owner who can be written to, of which nothing is left to go through. */
export async function newWatched(): Promise<Watched> {
  const tenant = await newTenant();
  const { memberId } = await newMember(tenant, { role: "owner" }, null, "cli.seed");
  const { json } = await call("members.get", { ...as(tenant), params: { memberId } });
  await wake(tenant);
  const [old] = await rowsOf<{ id: string }>(
    tenant.cell.database,
    "select id from alerts where tenant_id = ?",
    tenant.tenantId,
  );
  return { ...tenant, ownersMail: json.email, oldAlertId: old?.id ?? "" };
}

/** Hands a wake-up to the consumer, as often as told within one batch. @returns what it did with the last */
export async function wake(
  { tenantId }: TestTenant,
  { env = testEnv(), now = Date.now() }: { env?: TestEnv; now?: number } = {},
): Promise<"acknowledged" | "retried"> {
  const batch = createMessageBatch("keyline-audit-events-us1", [
    { id: newId("msg"), timestamp: new Date(now), attempts: 1, body: { v: 1, tenantId } },
  ]);
  await consume(env, batch, now);
  const { retryMessages } = await getQueueResult(batch, createExecutionContext());
  return retryMessages.length > 0 ? "retried" : "acknowledged";
}

/** Runs the sweeper, and hands what it asks for of this tenant to the consumer. @returns whether it asked */
export async function sweep(tenant: TestTenant, now = Date.now()): Promise<boolean> {
  const woken: string[] = [];
  const queue = proxied(tenant.cell.queue, {
    sendBatch: async (messages: Iterable<MessageSendRequest<{ tenantId: string }>>) => {
      for (const { body } of messages) woken.push(body.tenantId);
    },
  });
  await sweepAlerts({ ...tenant.cell, queue }, now);
  if (!woken.includes(tenant.tenantId)) return false;
  expect(await wake(tenant, { now })).toBe("acknowledged");
  return true;
}

/** Writes an audit row, as whatever it tells of would. */
export async function happens(
  { cell, tenantId }: TestTenant,
  { entity, entityId, action }: { entity: string; entityId: string; action: string },
  job = "test.happens",
): Promise<void> {
  const session = await systemSession(testEnv(), cell.database, tenantId);
  const run = { job, requestId: newId("run"), now: Date.now() };
  const outcome = await commitAsSystem(session, run, [{ ...note(entity, entityId, {}), action }]);
  expect(outcome.kind).toBe("committed");
}

export interface AlertRow {
  readonly id: string;
  readonly kind: string;
  readonly severity: string;
  readonly subject_id: string | null;
  readonly count: number;
  readonly told: number;
}

/** Those since it is watched. */
export function alertsOf({ cell, tenantId, oldAlertId }: Watched): Promise<AlertRow[]> {
  return rowsOf<AlertRow>(
    cell.database,
    "select id, kind, severity, subject_id, count, told from alerts where tenant_id = ? and id <> ? order by id",
    tenantId,
    oldAlertId,
  );
}

/** The data of each `alert.raised` of the tenant, the oldest first. */
export async function raisedIn({ cell, tenantId }: TestTenant): Promise<Record<string, unknown>[]> {
  const rows = await rowsOf<{ data: string }>(
    cell.database,
    "select data from events where tenant_id = ? and type = 'alert.raised' order by seq",
    tenantId,
  );
  return rows.map(({ data }) => JSON.parse(data));
}

/** What the owner was written, the oldest first. */
export async function lettersTo({ ownersMail }: Watched): Promise<Record<string, unknown>[]> {
  const mails = await mailsTo(ownersMail);
  return mails
    .filter(({ kind }) => kind === "alert")
    .map(({ data }) => data)
    .toReversed();
}
