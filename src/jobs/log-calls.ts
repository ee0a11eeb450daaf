import { z } from "zod";
import { callStatements } from "#db/call-rows.ts";
import { useStatements } from "#db/capability-uses.ts";
import { type GateCount, gateCountStatements } from "#db/gate-counts.ts";
import type { Statement } from "#db/statement.ts";
import { Store } from "#db/store.ts";
import { executeTogether } from "#db/tenant-driver.ts";
import { CallMessage, type CallRecord, CountMessage, callsOfMessage } from "#lib/call-record.ts";
import { dayMs } from "#lib/time.ts";
import { timeOfId } from "#lib/typeid.ts";
import type { Cell } from "#platform/cells.ts";
import { errorFields, log } from "#platform/log.ts";
import { watchCalls } from "./alerts/watch-calls.ts";
import { usesOf } from "./uses-of-calls.ts";

// A day before its rows could be gone: a later one could not be told from one that was counted already.
const acceptedForMs = 6 * dayMs;
const firstDelaySeconds = 10;

const AnyMessage = z.union([CallMessage, CountMessage]);

/** A tenant's share of a batch. */
class Received {
  readonly messages: Message[] = [];
  /** By the first call's id, so that a message which is there twice is one. */
  readonly calls = new Map<string, readonly CallRecord[]>();
  readonly counts: GateCount[] = [];
}

/**
 * The consumer of a cell's calls and of its gates' counts: one transaction for all of a batch, and where it fails one
 * for each tenant, so that nobody's calls are lost for another's. A message that comes again changes nothing.
 */
export async function logCalls(cell: Cell, batch: MessageBatch, now: number): Promise<void> {
  const received = receivedFrom(batch, now);
  try {
    await store(cell, received, now);
    await watch(cell, received, now);
    acknowledge([...received.values()]);
    return;
  } catch (error) {
    log("warn", "calls could not be logged together", errorFields(error));
  }
  for (const [tenantId, own] of received) {
    try {
      await store(cell, new Map([[tenantId, own]]), now);
      await watch(cell, new Map([[tenantId, own]]), now);
      acknowledge([own]);
    } catch (error) {
      log("error", "a tenant's calls could not be logged", errorFields(error));
      for (const message of own.messages)
        message.retry({ delaySeconds: firstDelaySeconds * 2 ** message.attempts });
    }
  }
}

function receivedFrom({ messages }: MessageBatch, now: number): Map<string, Received> {
  const received = new Map<string, Received>();
  const isTooOld = (ms: number) => ms <= now - acceptedForMs;
  let tooLate = 0;
  for (const message of messages) {
    const { data } = AnyMessage.safeParse(message.body);
    if (!data) {
      // A newer version's, which knows it: during a deploy both consume.
      log("error", "a message of calls is of no known form");
      message.retry();
      continue;
    }
    const own = received.get(data.tenantId) ?? new Received();
    received.set(data.tenantId, own);
    own.messages.push(message);
    if ("hours" in data) {
      for (const [hour, calls] of data.hours)
        if (!isTooOld(hour)) own.counts.push({ actorId: data.actorId, hour, calls });
      continue;
    }
    const calls = callsOfMessage(data);
    const inTime = calls.filter(({ id }) => !isTooOld(timeOfId(id)));
    if (inTime[0]) own.calls.set(inTime[0].id, inTime);
    tooLate += timesOf(calls) - timesOf(inTime);
  }
  if (tooLate > 0) log("warn", "calls came too late for the call log", { calls: tooLate });
  return received;
}

function timesOf(calls: readonly CallRecord[]): number {
  return calls.reduce((sum, { times }) => sum + times, 0);
}

async function store(
  { log: database }: Cell,
  received: ReadonlyMap<string, Received>,
  now: number,
): Promise<void> {
  const byTenant = new Map<string, Statement[]>();
  for (const [tenantId, { calls, counts }] of received) {
    const statements = [
      ...callStatements(tenantId, [...calls.values()]),
      ...(calls.size > 0 ? useStatements(tenantId, usesOf([...calls.values()].flat()), now) : []),
      ...gateCountStatements(tenantId, counts),
    ];
    if (statements.length > 0) byTenant.set(tenantId, statements);
  }
  if (byTenant.size > 0) await executeTogether(new Store(database, "first-primary"), byTenant);
}

// Calls that cannot be watched are logged all the same.
async function watch(cell: Cell, received: ReadonlyMap<string, Received>, now: number): Promise<void> {
  for (const [tenantId, { calls }] of received) {
    try {
      await watchCalls(cell, tenantId, [...calls.values()].flat(), now);
    } catch (error) {
      log("error", "a tenant's calls could not be watched", { tenantId, ...errorFields(error) });
    }
  }
}

function acknowledge(received: readonly Received[]): void {
  for (const { messages } of received) for (const message of messages) message.ack();
}
