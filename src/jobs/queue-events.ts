import type { EventType } from "#db/event-types.ts";
import { markDispatched, queueDeliveries, type ToldEvent } from "#db/webhooks/dispatch.ts";
import type { StoredEvent } from "#db/webhooks/events.ts";
import { newId } from "#platform/ids.ts";
import type { EndpointRow } from "#resources/webhook-endpoints/present.ts";
import { type Rendered, rendererOf } from "./render-event.ts";
import type { Telling } from "./telling.ts";
import { wakeEndpoints } from "./webhook-wake-ups.ts";

export const replayRequested: EventType = "webhook_endpoint.replay_requested";
const rendersAtOnce = 10;
// What is held before it is written: an isolate has 128 MB for all that it does at once.
const mostCharactersHeld = 2_000_000;

/** An event and whom it is for. */
export interface Addressed {
  readonly event: StoredEvent;
  readonly listeners: readonly EndpointRow[];
}

type Ready = Addressed & { readonly rendered: Rendered | null };

/**
 * Queues these events for those they are for and says, in the same batch, that they were dispatched: an event is either
 * still in the outbox or stands in the queue of everyone who is to be told. Those that ask for a replay are still to do.
 */
export async function queueEvents(telling: Telling, addressed: readonly Addressed[]): Promise<void> {
  const render = rendererOf(telling);
  let held: Ready[] = [];
  for (let start = 0; start < addressed.length; start += rendersAtOnce) {
    const some = addressed.slice(start, start + rendersAtOnce);
    const ready = await Promise.all(
      some.map(async (each): Promise<Ready> => {
        const rendered = each.listeners.length > 0 ? await render(each.event) : null;
        return { ...each, rendered };
      }),
    );
    held.push(...ready);
    const characters = held.reduce((sum, { rendered }) => sum + (rendered?.body.length ?? 0), 0);
    if (characters < mostCharactersHeld && start + rendersAtOnce < addressed.length) continue;
    await write(telling, held);
    held = [];
  }
}

async function write({ cell, session, now, allowance }: Telling, ready: readonly Ready[]): Promise<void> {
  const told = ready.flatMap(toldOf);
  const done = ready.map(({ event }) => event).filter(({ type }) => type !== replayRequested);
  const queued = await queueDeliveries(session, told, now);
  const seqs = done.map(({ seq }) => seq);
  allowance.questions -= 1;
  await session.execute([...queued, markDispatched(session, seqs, now)]);
  const deliveries = told.flatMap((each) => each.deliveries);
  await wakeEndpoints(cell, session.tenantId, deliveries);
}

function toldOf({ event, listeners, rendered }: Ready): ToldEvent[] {
  if (rendered === null) return [];
  const deliveries = listeners.map(({ id: endpointId }) => ({ id: newId("msg"), endpointId }));
  return [{ event, ...rendered, deliveries }];
}
