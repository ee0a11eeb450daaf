import { type CallMessage, type CallRecord, messageOfCalls, mostCallsPerMessage } from "#lib/call-record.ts";
import { secondMs } from "#lib/time.ts";
import { inTime } from "./deadline.ts";
import { type Adding, Gatherer } from "./gatherer.ts";
import { errorFields, log } from "./log.ts";

const rateLimited = 429;
// What may be on its way to a queue that does not answer; beyond it calls are left out and counted.
const mostUnderWay = 20 * mostCallsPerMessage;
// Shorter than a request's work may outlive its answer: what dies with it would count as under way for ever.
const sendingMs = 10 * secondMs;

interface Entry {
  readonly tenantId: string;
  call: CallRecord;
}

interface Calls {
  readonly entries: Entry[];
  /** Refusals at the rate limit by tenant, principal and operation: a flood of them costs one record each time. */
  readonly limited: Map<string, Entry>;
}

/** The calls of this isolate on their way to one cell's queue: what it does not take is lost, counted and told. */
export class CallBuffer {
  readonly #queue: Queue;
  readonly #gatherer = new Gatherer<Calls>({
    begin: () => ({ entries: [], limited: new Map() }),
    isFull: ({ entries }) => entries.length >= mostCallsPerMessage,
    send: (calls) => this.#send(calls),
  });
  #underWay = 0;
  #lost = 0;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  add(tenantId: string, call: CallRecord, adding: Adding): void {
    if (this.#underWay >= mostUnderWay) this.#lost += call.times;
    else this.#gatherer.add((calls) => put(calls, tenantId, call), adding);
  }

  async #send({ entries }: Calls): Promise<void> {
    this.#underWay += entries.length;
    try {
      for (const messages of sendings(messagesOf(entries)))
        await inTime(sendingMs, "The queue", this.#queue.sendBatch(messages));
    } catch (error) {
      this.#lost += entries.reduce((sum, { call }) => sum + call.times, 0);
      log("warn", "calls could not be sent to the call log", errorFields(error));
    }
    this.#underWay -= entries.length;
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

function put({ entries, limited }: Calls, tenantId: string, call: CallRecord): void {
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
  entries.push(entry);
}

// As many messages as a queue takes at once.
const mostMessages = 100;

function* sendings<T>(messages: readonly T[]): Generator<T[]> {
  for (let start = 0; start < messages.length; start += mostMessages)
    yield messages.slice(start, start + mostMessages);
}

/** One message for each tenant. */
function messagesOf(entries: readonly Entry[]): { body: CallMessage }[] {
  const byTenant = Map.groupBy(entries, ({ tenantId }) => tenantId);
  return [...byTenant].map(([tenantId, own]) => ({
    body: messageOfCalls(
      tenantId,
      own.map(({ call }) => call),
    ),
  }));
}
