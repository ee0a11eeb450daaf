import { type CallMessage, type CallRecord, messageOfCalls, mostCallsPerMessage } from "#lib/call-record.ts";
import { secondMs } from "#lib/time.ts";
import { errorFields, log } from "./log.ts";

const rateLimited = 429;
// What may be on its way to a queue that does not answer; beyond it calls are left out and counted.
const mostUnderWay = 20 * mostCallsPerMessage;
// A holder that is this late was killed with its timer.
const lateMs = secondMs;

/** What the request that adds a call gives: its time, how long the call may wait, and what keeps its work alive. */
export interface Adding {
  readonly now: number;
  readonly waitMs: number;
  readonly waitUntil: (work: Promise<void>) => void;
}

interface Entry {
  readonly tenantId: string;
  call: CallRecord;
}

interface Filling {
  readonly startedAt: number;
  readonly calls: Entry[];
  /** Refusals at the rate limit by tenant, principal and operation: a flood of them costs one record each time. */
  readonly limited: Map<string, Entry>;
  isTaken: boolean;
}

/**
 * The calls of this isolate on their way to one cell's queue. To add one is a push; the request that begins a buffer
 * holds its timer, and whoever fills it sends it. Best effort: what a queue does not take is lost, counted and told.
 */
export class CallBuffer {
  readonly #queue: Queue;
  #filling: Filling | null = null;
  #underWay = 0;
  #lost = 0;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  add(tenantId: string, call: CallRecord, adding: Adding): void {
    const filling = this.#filling;
    if (!filling) {
      this.#begin(tenantId, call, adding);
      return;
    }
    put(filling, tenantId, call);
    const isLate = adding.now - filling.startedAt > adding.waitMs + lateMs;
    if (filling.calls.length < mostCallsPerMessage && !isLate) return;
    this.#filling = null;
    // By a timer too, so that the request that filled it is answered first.
    adding.waitUntil(this.#sendAfter(0, filling));
  }

  #begin(tenantId: string, call: CallRecord, { now, waitMs, waitUntil }: Adding): void {
    if (this.#underWay >= mostUnderWay) {
      this.#lost += call.times;
      return;
    }
    const filling: Filling = { startedAt: now, calls: [], limited: new Map(), isTaken: false };
    put(filling, tenantId, call);
    this.#filling = filling;
    waitUntil(this.#sendAfter(waitMs, filling));
  }

  async #sendAfter(ms: number, filling: Filling): Promise<void> {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    else await scheduler.wait(0);
    if (filling.isTaken) return;
    filling.isTaken = true;
    if (this.#filling === filling) this.#filling = null;
    this.#underWay += filling.calls.length;
    try {
      await this.#queue.sendBatch(messagesOf(filling));
    } catch (error) {
      this.#lost += filling.calls.reduce((sum, { call }) => sum + call.times, 0);
      log("warn", "calls could not be sent to the call log", errorFields(error));
    }
    this.#underWay -= filling.calls.length;
    if (this.#lost > 0) log("warn", "calls are missing from the call log", { calls: this.#lost });
    this.#lost = 0;
  }
}

const buffers = new WeakMap<Queue, CallBuffer>();

/** This isolate's buffer in front of a queue. */
export function callBufferOf(queue: Queue): CallBuffer {
  const known = buffers.get(queue);
  if (known) return known;
  const buffer = new CallBuffer(queue);
  buffers.set(queue, buffer);
  return buffer;
}

function put({ calls, limited }: Filling, tenantId: string, call: CallRecord): void {
  const entry = { tenantId, call };
  if (call.status === rateLimited) {
    const name = `${tenantId} ${call.actorId} ${call.operation}`;
    const first = limited.get(name);
    if (first) {
      first.call = { ...first.call, times: first.call.times + call.times };
      return;
    }
    limited.set(name, entry);
  }
  calls.push(entry);
}

/** One message for each tenant. */
function messagesOf({ calls }: Filling): { body: CallMessage }[] {
  const byTenant = Map.groupBy(calls, ({ tenantId }) => tenantId);
  return [...byTenant].map(([tenantId, own]) => ({
    body: messageOfCalls(
      tenantId,
      own.map(({ call }) => call),
    ),
  }));
}
