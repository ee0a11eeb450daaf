import { type Adding, Gatherer } from "./gatherer.ts";
import { errorFields, log } from "./log.ts";

// As many as one sending to a queue holds.
const mostPerSend = 100;

const gatherers = new WeakMap<Queue, Gatherer<Set<string>>>();

/**
 * Tells the cell's outbox that this tenant has events, once for all the commits of a moment: a tenant that writes much
 * shall not pay a message for each. What gets lost on the way, the sweeper finds.
 */
export function wakeOutbox(queue: Queue, tenantId: string, adding: Adding): void {
  const known = gatherers.get(queue);
  const gatherer = known ?? gathererOf(queue);
  if (!known) gatherers.set(queue, gatherer);
  gatherer.add((tenantIds) => tenantIds.add(tenantId), adding);
}

/** Tells it of each of these at once, as sweepers do. */
export async function wakeTenants(queue: Queue, tenantIds: readonly string[]): Promise<void> {
  for (let start = 0; start < tenantIds.length; start += mostPerSend)
    await queue.sendBatch(
      tenantIds.slice(start, start + mostPerSend).map((tenantId) => ({ body: { v: 1, tenantId } })),
    );
}

/** Tells what sends mail that these are there to be sent. The message holds nothing of whom they are to. */
export async function wakeMails(queue: Queue, mailIds: readonly string[]): Promise<void> {
  for (let start = 0; start < mailIds.length; start += mostPerSend)
    await queue.sendBatch(
      mailIds.slice(start, start + mostPerSend).map((mailId) => ({ body: { v: 1, mailId } })),
    );
}

function gathererOf(queue: Queue): Gatherer<Set<string>> {
  return new Gatherer({
    begin: () => new Set(),
    isFull: ({ size }) => size >= mostPerSend,
    async send(tenantIds) {
      try {
        await wakeTenants(queue, [...tenantIds]);
      } catch (error) {
        log("warn", "the outbox was not told of events", errorFields(error));
      }
    },
  });
}
