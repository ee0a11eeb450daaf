import { CellSystem } from "#db/cell-system.ts";
import { systemSession } from "#db/open-tenant.ts";
import { one } from "#db/queries.ts";
import { Store } from "#db/store.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import {
  beginTurn,
  type Due,
  dueOf,
  dueStatement,
  endTurn,
  failingSinceMs,
  giveUp,
  type Lease,
  nextDueMs,
  pause,
  recordTries,
} from "#db/webhook-queue.ts";
import { hourMs, minuteMs, secondMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import type { EndpointRow } from "#resources/webhook-endpoints/present.ts";
import { hasFailedTooLong } from "#resources/webhook-endpoints/rules.ts";
import { type DisabledReason, webhookEndpoints } from "#resources/webhook-endpoints/table.ts";
import { creators, disableEndpoint, lostRights } from "./endpoint-rights.ts";
import { type TriedPage, tryDeliveries } from "./try-deliveries.ts";
import { wakeEndpoints } from "./webhook-wake-ups.ts";

/** How many of a tenant's endpoints are served at once: what one tenant can take of the cell's consumers. */
const endpointsAtOnce = 10;
const deliveriesPerPage = 50;
// No try begins after this much of a turn, and the last ones take 15 s, so the lease outlives them.
const turnMs = 20 * secondMs;
const leaseMs = minuteMs;
const tenantFullSeconds = 5;

/**
 * One endpoint's turn: its lease makes sure that nobody else tries its deliveries meanwhile. However slow its receiver,
 * it takes one consumer for half a minute, then the others' wake-ups have been served before its next turn.
 */
export async function serveEndpoint(
  env: Env,
  cell: Cell,
  tenantId: string,
  endpointId: string,
): Promise<void> {
  const session = await systemSession(env, cell.database, tenantId);
  const now = systemNow();
  const lease: Lease = { id: newId("lea"), endpointId, untilMs: now + leaseMs };
  const turn = await beginTurn(session, lease, one(webhookEndpoints, endpointId), {
    endpointsAtOnce,
    deliveries: deliveriesPerPage,
    now,
  });
  if (turn.kind === "tenant-full") await wakeEndpoints(cell, tenantId, [{ endpointId }], tenantFullSeconds);
  if (turn.kind !== "begun") return;
  const sendsMore = await serve(env, cell, session, lease, turn.endpoint, turn.due);
  const given = systemNow();
  const results = await session.execute([
    ...(sendsMore ? [] : [giveUp(session, endpointId, given)]),
    endTurn(session, lease, given),
  ]);
  const nextMs = nextDueMs(results.at(-1));
  // What is due later is left to the sweeper, which comes every minute.
  if (nextMs === null || nextMs - given > minuteMs) return;
  await wakeEndpoints(cell, tenantId, [{ endpointId }], Math.ceil((nextMs - given) / secondMs));
}

/** Wakes every endpoint that has deliveries due and is not being served. */
export async function sweepWebhooks(cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const due = Map.groupBy(
    await system.endpointsWithDueDeliveries(timestamp(now)),
    ({ tenantId }) => tenantId,
  );
  for (const [tenantId, endpoints] of due) await wakeEndpoints(cell, tenantId, endpoints);
}

/** Tries what is due, page by page. False where the endpoint is to be sent nothing more. */
async function serve(
  env: Env,
  cell: Cell,
  session: TenantSession,
  lease: Lease,
  endpoint: EndpointRow | null,
  first: readonly Due[],
): Promise<boolean> {
  if (endpoint === null || endpoint.state === "disabled") return false;
  if (first.length === 0) return true;
  const disabled = async (because: DisabledReason) => {
    await disableEndpoint(cell, session, endpoint.id, because, systemNow());
    return false;
  };
  const creator = await creators(cell, session.tenantId)(endpoint.creatorId);
  const lost = lostRights(endpoint, creator, systemNow());
  if (lost) return await disabled(lost);
  if (creator?.state !== "active") return await paused(session, lease);
  const untilMs = systemNow() + turnMs;
  for (let due = first; due.length > 0 && systemNow() < untilMs; ) {
    const page = await tryDeliveries(env, session.keys, endpoint, due, untilMs);
    const { failingSince, next } = await record(session, lease, page);
    if (page.isGone) return await disabled("gone");
    if (hasFailedTooLong(failingSince, endpoint.enabledAt, systemNow())) return await disabled("failing");
    due = page.pausedUntilMs === null ? next : [];
  }
  return true;
}

async function record(session: TenantSession, lease: Lease, { tried, pausedUntilMs }: TriedPage) {
  const now = systemNow();
  const recorded = await recordTries(session, lease, tried, { pausedUntilMs, now });
  const results = await session.execute([...recorded, dueStatement(session, lease, now, deliveriesPerPage)]);
  const failingSince = tried.length > 0 ? failingSinceMs(results[0]) : null;
  return { failingSince, next: await dueOf(session, results.at(-1)) };
}

// A tenant that is frozen is sent nothing, and loses nothing.
async function paused(session: TenantSession, lease: Lease): Promise<boolean> {
  await session.execute([pause(session, lease, systemNow() + hourMs)]);
  return true;
}
