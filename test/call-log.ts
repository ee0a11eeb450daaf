import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { consume } from "#jobs/consume.ts";
import { type CallMessage, type CallRecord, callsOfMessage, messageOfCalls } from "#lib/call-record.ts";
import { firstIdAt } from "#lib/typeid.ts";
import { newId } from "#platform/ids.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, proxied, rowsOf, type TestTenant } from "#test/world.ts";

/** The bindings with a queue of calls that keeps to itself what it is sent. */
export function listening(changes: Readonly<Record<string, unknown>> = {}) {
  const batches: CallMessage[][] = [];
  const hears = (queue: unknown) =>
    proxied(queue as Queue, {
      async sendBatch(messages: { body: CallMessage }[]) {
        batches.push(messages.map(({ body }) => structuredClone(body)));
      },
    });
  const { CALLS_US1, CALLS_EU1 } = testEnv();
  const env = envWith({ CALLS_US1: hears(CALLS_US1), CALLS_EU1: hears(CALLS_EU1), ...changes });
  return {
    env,
    batches,
    messages: () => batches.flat(),
    calls: () => batches.flat().flatMap(callsOfMessage),
  };
}

/** One batch of messages through the consumer, as the queue would hand it over. */
export async function consumed(
  messages: readonly unknown[],
  env: TestEnv = testEnv(),
  now = Date.now(),
  cell = "us1",
) {
  const batch = createMessageBatch(
    `keyline-calls-${cell}`,
    messages.map((body, index) => ({ id: `m${index}`, timestamp: new Date(now), attempts: 1, body })),
  );
  await consume(env, batch, now);
  return await getQueueResult(batch, createExecutionContext());
}

export function messageOf({ tenantId }: TestTenant, calls: readonly CallRecord[]): CallMessage {
  return messageOfCalls(tenantId, calls);
}

/** A call at this time (ms since 1970) by the tenant's own key. */
export function callAt(tenant: TestTenant, ms: number, changes: Partial<CallRecord> = {}): CallRecord {
  return {
    id: `${firstIdAt("req", ms).slice(0, 14)}${newId("req").slice(14)}`,
    actorId: tenant.keyId,
    clientId: null,
    operation: "orders.list",
    route: "GET /v1/tenants/{tenant}/orders",
    status: 200,
    problem: null,
    durationMs: 3,
    times: 1,
    ...changes,
  };
}

/** Everything a log holds of a tenant, by table. */
export async function logOf({ cell, tenantId }: TestTenant) {
  const all = (table: string) =>
    rowsOf(cell.log, `select * from ${table} where tenant_id = ?`, tenantId) as Promise<
      Record<string, string | number | null>[]
    >;
  return {
    calls: await all("calls"),
    counts: await all("call_counts"),
    hours: await all("call_hours"),
    gates: await all("gate_counts"),
    uses: await all("capability_uses"),
    starts: await all("capability_use_starts"),
  };
}

/** What `logOf` finds of a tenant that nothing is logged of. */
export const nothingOf: Awaited<ReturnType<typeof logOf>> = {
  calls: [],
  counts: [],
  hours: [],
  gates: [],
  uses: [],
  starts: [],
};
