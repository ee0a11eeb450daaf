import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { dispatchEvents, WakeUp } from "./dispatch-events.ts";

/** The consumer of every cell's queue. A message that fails is retried alone; a tenant woken twice is served once. */
export async function consume(env: Env, batch: MessageBatch, now: number): Promise<void> {
  const cell = cellsOf(env).find(({ id }) => batch.queue === `keyline-audit-events-${id}`);
  if (!cell) throw new Error(`No cell has the queue ${batch.queue}.`);
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
