import { z } from "zod";
import { SealError } from "#crypto/envelope.ts";
import { noteUnopened } from "#db/unopened.ts";
import { auditSinksFor } from "#platform/audit-sinks.ts";
import { type Cell, cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { alertTenant } from "./alerts/alert-tenant.ts";
import { copyLog } from "./audit-sinks/copy-log.ts";
import { SinkWakeUp, wakeSinks } from "./audit-sinks/sink-wake-ups.ts";
import { copyIdentityEvents } from "./copy-identity-events.ts";
import { serveEndpoint } from "./deliver-webhooks.ts";
import { dispatchEvents, WakeUp } from "./dispatch-events.ts";
import { logAudit } from "./log-audit.ts";
import { logCalls } from "./log-calls.ts";
import { OperatorWakeUp, tellOperator } from "./operator/tell-operator.ts";
import { MailWakeUp, sendMail } from "./send-mail.ts";
import { newAllowance } from "./telling.ts";
import { EndpointWakeUp } from "./webhook-wake-ups.ts";

type Consumer = (body: unknown) => Promise<void>;

/**
 * What wakes whom, by the beginning of its queue's name, which ends in the cell's. Made anew for each batch, of which
 * `most` says how many tenants it may name.
 */
const queues: Readonly<Record<string, (env: Env, cell: Cell, now: number, most: number) => Consumer>> = {
  "keyline-audit-events": (env, cell, now, most) => {
    const served = new Set<string>();
    return async (body) => {
      const { tenantId } = WakeUp.parse(body);
      if (served.has(tenantId)) return;
      // None waits for what another lacks; a message that fails comes again.
      const [events, audit, alerts] = await Promise.allSettled([
        dispatchEvents(env, cell, tenantId, now, newAllowance(most)),
        logAudit(env, cell, tenantId),
        alertTenant(env, cell, tenantId, now),
      ]);
      for (const outcome of [events, audit, alerts]) if (outcome.status === "rejected") throw outcome.reason;
      served.add(tenantId);
      if ([audit, alerts].some((each) => each.status === "fulfilled" && each.value))
        await cell.queue.send({ v: 1, tenantId });
    };
  },
  "keyline-audit-sinks": (env, cell, now) => async (body) => {
    const { tenantId, sink: name } = SinkWakeUp.parse(body);
    const sink = auditSinksFor(env, cell.id).find((each) => each.name === name);
    if (!sink) return;
    const isMore = await copyLog(env, { v: 1, tenantId, cell: cell.id }, sink, now);
    if (isMore) await wakeSinks(cell, [{ tenantId, sink: name }]);
  },
  "keyline-webhooks": (env, cell) => async (body) => {
    const { tenantId, endpointId } = EndpointWakeUp.parse(body);
    await serveEndpoint(env, cell, tenantId, endpointId);
  },
};

const DirectoryWakeUp = z.union([MailWakeUp, OperatorWakeUp, WakeUp]);

/** The directory's one queue: mails to be sent, notices to the operator, and its outbox, which is gone through once for all who wake it. */
function ofDirectory(env: Env, now: number): Consumer {
  let isServed = false;
  return async (body) => {
    const message = DirectoryWakeUp.parse(body);
    if ("mailId" in message) return await sendMail(env, message.mailId, now);
    if ("operatorNoticeId" in message) return await tellOperator(env, message.operatorNoticeId, now);
    if (isServed) return;
    await copyIdentityEvents(env, now);
    isServed = true;
  };
}

/** The consumer of every queue. A message that fails is retried alone; a tenant woken twice is served once. */
export async function consume(env: Env, batch: MessageBatch, now: number): Promise<void> {
  const [, name = "", cellId = ""] = /^(.+)-([a-z0-9]+)$/.exec(batch.queue) ?? [];
  const cell = cellsOf(env).find(({ id }) => id === cellId);
  if (cell && name === "keyline-calls") return await logCalls(cell, batch, now);
  const consumer =
    batch.queue === "keyline-mail"
      ? ofDirectory(env, now)
      : cell && queues[name]?.(env, cell, now, batch.messages.length);
  if (!consumer) throw new Error(`No cell has the queue ${batch.queue}.`);
  for (const message of batch.messages) {
    try {
      await consumer(message.body);
      message.ack();
    } catch (error) {
      log("error", "a queue message failed", { queue: batch.queue, ...errorFields(error) });
      if (error instanceof SealError)
        await noteUnopened(cell?.database ?? env.DIRECTORY, error, { requestId: newId("run"), now });
      message.retry();
    }
  }
}
