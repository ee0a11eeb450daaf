import { type StoredEvent, undispatchedEvents, unsentEvents } from "#db/event-query.ts";
import type { EventType } from "#db/event-types.ts";
import { systemSession } from "#db/open-tenant.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { TenantDriver } from "#db/tenant-driver.ts";
import {
  markDispatched,
  type NewDelivery,
  queueDeliveries,
  type ReplayedDeliveries,
  requeueDeliveries,
} from "#db/webhook-dispatch.ts";
import { asksFor } from "#gate/event-rights.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { type EndpointRow, subscriptionOf } from "#resources/webhook-endpoints/present.ts";
import { enabledEndpoints } from "#resources/webhook-endpoints/queries.ts";
import { creators, disableEndpoint, lostRights } from "./endpoint-rights.ts";
import { renderEvent } from "./render-event.ts";
import { wakeEndpoints } from "./webhook-wake-ups.ts";

const eventsPerPage = 100;
// An invocation may ask D1 a thousand times; rendering an event is one question.
const pagesPerRun = 5;
const rendersAtOnce = 10;

const tested: EventType = "webhook_endpoint.tested";
const replayRequested: EventType = "webhook_endpoint.replay_requested";

interface Work {
  readonly cell: Cell;
  readonly driver: TenantDriver;
  readonly session: TenantSession;
  readonly now: number;
  /** How many pages of events may still be rendered. */
  pages: number;
}

/**
 * Turns undispatched events into deliveries, rendered once, and says in the same batch that they were dispatched: an
 * event is either still in the outbox or stands in the queue of everyone who is to be told.
 */
export async function tellEndpoints(env: Env, cell: Cell, driver: TenantDriver, now: number): Promise<void> {
  const session = await systemSession(env, cell.database, driver.tenantId);
  const work: Work = { cell, driver, session, now, pages: pagesPerRun };
  const creator = creators(cell, driver.tenantId);
  for (;;) {
    const { events, endpoints } = await session.read({
      events: undispatchedEvents(eventsPerPage),
      endpoints: enabledEndpoints,
    });
    if (events.length === 0) return;
    if (work.pages <= 0) break;
    const entitled: EndpointRow[] = [];
    for (const endpoint of endpoints) {
      const lost = lostRights(endpoint, await creator(endpoint.creatorId), now);
      if (lost) await disableEndpoint(cell, session, endpoint.id, lost, now);
      else entitled.push(endpoint);
    }
    await tell(work, entitled, events);
    for (const event of events.filter(({ type }) => type === replayRequested)) {
      const endpoint = entitled.find(({ id }) => id === event.data.webhookEndpointId);
      if (endpoint && !(await replay(work, endpoint, event))) break;
      await session.execute([markDispatched(session, [event.seq], now)]);
    }
  }
  await cell.queue.send({ v: 1, tenantId: driver.tenantId });
}

/** Queues these events for whoever asks for them, and marks all but those that ask for a replay: these are still to do. */
async function tell(
  work: Work,
  endpoints: readonly EndpointRow[],
  events: readonly StoredEvent[],
): Promise<void> {
  const { session, now } = work;
  const deliveries = await deliveriesOf(work, endpoints, events, isNewFor);
  const done = events.filter(({ type }) => type !== replayRequested).map(({ seq }) => seq);
  const queued = await queueDeliveries(session, deliveries, now);
  await session.execute([...queued, markDispatched(session, done, now)]);
  await wakeEndpoints(work.cell, session.tenantId, deliveries);
}

async function deliveriesOf(
  work: Work,
  endpoints: readonly EndpointRow[],
  events: readonly StoredEvent[],
  isWanted: (endpoint: EndpointRow, event: StoredEvent) => boolean,
): Promise<NewDelivery[]> {
  const { cell, driver, session, now } = work;
  const asked = events
    .map((event) => ({ event, listeners: endpoints.filter((endpoint) => isWanted(endpoint, event)) }))
    .filter(({ listeners }) => listeners.length > 0);
  if (asked.length > 0) work.pages -= 1;
  const deliveries: NewDelivery[] = [];
  for (let start = 0; start < asked.length; start += rendersAtOnce) {
    const some = asked.slice(start, start + rendersAtOnce);
    const rendered = await Promise.all(
      some.map(({ event }) => renderEvent(cell, driver, session, event, now)),
    );
    for (const [index, { event, listeners }] of some.entries()) {
      const body = rendered[index];
      if (!body) continue;
      for (const { id: endpointId } of listeners)
        deliveries.push({ id: newId("msg"), endpointId, event, ...body });
    }
  }
  return deliveries;
}

function isFor(endpoint: EndpointRow, event: StoredEvent): boolean {
  if (event.type === tested) return event.data.webhookEndpointId === endpoint.id;
  return asksFor(subscriptionOf(endpoint), event);
}

// What was before an endpoint is for a replay to send.
function isNewFor(endpoint: EndpointRow, event: StoredEvent): boolean {
  return event.createdAt >= endpoint.createdAt && isFor(endpoint, event);
}

/** Carries a replay out; false where there is more than one run can do, and the next one goes on. */
async function replay(work: Work, endpoint: EndpointRow, event: StoredEvent): Promise<boolean> {
  const { cell, session, now } = work;
  const which = replayedBy(event);
  await session.execute(requeueDeliveries(session, endpoint.id, which, event.seq, now));
  await wakeEndpoints(cell, session.tenantId, [{ endpointId: endpoint.id }]);
  if (which.kind !== "since") return true;
  const { eventTypes } = subscriptionOf(endpoint);
  for (let afterSeq = 0; work.pages > 0; ) {
    const { unsent } = await session.read({
      unsent: unsentEvents({
        endpointId: endpoint.id,
        eventTypes: eventTypes.filter((type) => type !== tested),
        since: which.since,
        afterSeq,
        beforeSeq: event.seq,
        limit: eventsPerPage,
      }),
    });
    const last = unsent.at(-1);
    if (!last) return true;
    afterSeq = last.seq;
    const deliveries = await deliveriesOf(work, [endpoint], unsent, isFor);
    await session.execute(await queueDeliveries(session, deliveries, now));
    await wakeEndpoints(cell, session.tenantId, deliveries);
  }
  return false;
}

function replayedBy({ data: { kind, deliveryId, since } }: StoredEvent): ReplayedDeliveries {
  if (kind === "one") return { kind, deliveryId: String(deliveryId) };
  return kind === "since" ? { kind, since: String(since) } : { kind: "failed" };
}
