import { type Cell, cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { dispatchEvents, WakeUp } from "./dispatch-events.ts";
import { logCalls } from "./log-calls.ts";

/** The consumer of every cell's queues. */
export async function consume(env: Env, batch: MessageBatch, now: number): Promise<void> {
  for (const cell of cellsOf(env)) {
    if (batch.queue === `keyline-audit-events-${cell.id}`) return await wakeUp(cell, batch, now);
    if (batch.queue === `keyline-calls-${cell.id}`) return await logCalls(cell, batch, now);
  }
  throw new Error(`No cell has the queue ${batch.queue}.`);
}

// A message that fails is retried alone; a tenant woken twice is served once.
async function wakeUp(cell: Cell, batch: MessageBatch, now: number): Promise<void> {
  const served = new Set<string>();
  for (const message of batch.messages) {
    try {
      const { tenantId } = WakeUp.parse(message.body);
      if (!served.has(tenantId)) await dispatchEvents(cell, tenantId, now);
      served.add(tenantId);
      message.ack();
    } catch (error) {
      log("error", "a queue message failed", { queue: batch.queue, ...errorFields(error) });
      message.retry();
    }
  }
}
