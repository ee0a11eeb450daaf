import type { StoredEvent } from "#db/webhooks/events.ts";
import { unsentEvents } from "#db/webhooks/events.ts";
import { type ReplayedDeliveries, requeueDeliveries } from "#db/webhooks/replay.ts";
import { type EndpointRow, subscriptionOf } from "#resources/webhook-endpoints/present.ts";
import { queueEvents } from "./queue-events.ts";
import type { Telling } from "./telling.ts";
import { wakeEndpoints } from "./webhook-wake-ups.ts";

const eventsPerPage = 100;

/** Carries a replay out; false where the allowance ends first, and another run goes on with what is left. */
export async function replayEvents(
  telling: Telling,
  endpoint: EndpointRow,
  event: StoredEvent,
): Promise<boolean> {
  const { cell, session, now, allowance } = telling;
  const which = replayedBy(event);
  for (let afterSeq: number | null = 0; afterSeq !== null; ) {
    if (allowance.questions <= 0) return false;
    allowance.questions -= 1;
    const given = { replaySeq: event.seq, afterSeq, now };
    afterSeq = await requeueDeliveries(session, endpoint.id, which, given);
  }
  await wakeEndpoints(cell, session.tenantId, [{ endpointId: endpoint.id }]);
  return which.kind !== "since" || (await sendUnsent(telling, endpoint, which.since, event.seq));
}

/** What an endpoint was never sent: it was disabled, or did not want it yet. */
async function sendUnsent(
  telling: Telling,
  endpoint: EndpointRow,
  since: string,
  beforeSeq: number,
): Promise<boolean> {
  const { session, allowance } = telling;
  const { eventTypes, locationIds } = subscriptionOf(endpoint);
  // A test is for once.
  const wanted = eventTypes.filter((type) => type !== "webhook_endpoint.tested");
  for (let afterSeq = 0; allowance.questions > 0; ) {
    allowance.questions -= 1;
    const { unsent } = await session.read({
      unsent: unsentEvents({
        endpointId: endpoint.id,
        eventTypes: wanted,
        locationIds,
        since,
        afterSeq,
        beforeSeq,
        limit: eventsPerPage,
      }),
    });
    const last = unsent.at(-1);
    if (!last) return true;
    afterSeq = last.seq;
    await queueEvents(
      telling,
      unsent.map((event) => ({ event, listeners: [endpoint] })),
    );
  }
  return false;
}

function replayedBy({ data: { kind, deliveryId, since } }: StoredEvent): ReplayedDeliveries {
  if (kind === "one") return { kind, deliveryId: String(deliveryId) };
  return kind === "since" ? { kind, since: String(since) } : { kind: "failed" };
}
