import type { EventType } from "#db/event-types.ts";
import { systemSession } from "#db/open-tenant.ts";
import type { TenantDriver } from "#db/tenant-driver.ts";
import { dueNow, endPause, markDispatched } from "#db/webhooks/dispatch.ts";
import { type StoredEvent, undispatchedEvents } from "#db/webhooks/events.ts";
import { asksFor } from "#gate/event-rights.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { type EndpointRow, subscriptionOf } from "#resources/webhook-endpoints/present.ts";
import { enabledEndpoints } from "#resources/webhook-endpoints/queries.ts";
import { creators, disableEndpoint, lostRights } from "./endpoint-rights.ts";
import { queueEvents, replayRequested } from "./queue-events.ts";
import { replayEvents } from "./replay-events.ts";
import type { Allowance, Telling } from "./telling.ts";
import { wakeEndpoints } from "./webhook-wake-ups.ts";

const eventsPerPage = 100;

/**
 * Queues a tenant's undispatched events for the endpoints they are for, and carries out what some of them ask for.
 * @returns whether there is more than the allowance was for
 */
export async function tellEndpoints(
  env: Env,
  cell: Cell,
  driver: TenantDriver,
  now: number,
  allowance: Allowance,
): Promise<boolean> {
  const session = await systemSession(env, cell.database, driver.tenantId);
  const telling: Telling = { cell, driver, session, now, allowance };
  const creator = creators(cell, driver.tenantId);
  while (allowance.questions > 0) {
    allowance.questions -= 1;
    const { events, endpoints } = await session.read({
      events: undispatchedEvents(eventsPerPage),
      endpoints: enabledEndpoints,
    });
    if (events.length === 0) return false;
    const entitled: EndpointRow[] = [];
    for (const endpoint of endpoints) {
      const lost = lostRights(endpoint, await creator(endpoint.creatorId), now);
      if (lost) await disableEndpoint(cell, session, endpoint.id, lost, now);
      else entitled.push(endpoint);
    }
    await stir(telling, events);
    await queueEvents(
      telling,
      events.map((event) => ({ event, listeners: entitled.filter((endpoint) => isFor(endpoint, event)) })),
    );
    for (const event of events.filter(({ type }) => type === replayRequested)) {
      const endpoint = entitled.find(({ id }) => id === event.data.webhookEndpointId);
      if (endpoint && !(await replayEvents(telling, endpoint, event))) return true;
      await session.execute([markDispatched(session, [event.seq], now)]);
    }
  }
  return true;
}

const ending: readonly EventType[] = ["webhook_endpoint.disabled", "webhook_endpoint.deleted"];

/** Wakes the queues of endpoints that changed: what waited for one that ended is given up, for another receiver it goes on. */
async function stir({ cell, session, now }: Telling, events: readonly StoredEvent[]): Promise<void> {
  const idsOf = (isMeant: (event: StoredEvent) => boolean) =>
    events.filter(isMeant).map(({ data }) => String(data.webhookEndpointId));
  const ended = idsOf(({ type }) => ending.some((each) => each === type));
  const resumed = idsOf(
    ({ type, data }) =>
      type === "webhook_endpoint.enabled" || (type === "webhook_endpoint.updated" && data.moved === true),
  );
  const ids = [...ended, ...resumed];
  if (ids.length === 0) return;
  await session.execute([...endPause(session, ids), ...dueNow(session, ids, now)]);
  await wakeEndpoints(
    cell,
    session.tenantId,
    ids.map((endpointId) => ({ endpointId })),
  );
}

// What was before an endpoint is for a replay to send.
function isFor(endpoint: EndpointRow, event: StoredEvent): boolean {
  if (event.createdAt < endpoint.createdAt) return false;
  if (event.type === "webhook_endpoint.tested") return event.data.webhookEndpointId === endpoint.id;
  return asksFor(subscriptionOf(endpoint), event);
}
