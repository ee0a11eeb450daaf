import { CellSystem } from "#db/cell-system.ts";
import { systemSession } from "#db/open-tenant.ts";
import { one } from "#db/queries.ts";
import { Store } from "#db/store.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import {
  type AsOf,
  beginTurn,
  type Due,
  dueDeliveries,
  dueOf,
  endpointsAtOnce,
  endTurn,
  forgetQueue,
  giveUpSome,
  type Lease,
  pause,
} from "#db/webhooks/queue.ts";
import { failingSinceMs, isGivenUp, recordTries } from "#db/webhooks/tries.ts";
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

// No try begins after this much of a turn, and the last ones take 15 s, so the lease outlives them.
const turnMs = 20 * secondMs;
const leaseMs = minuteMs;
// A try is a request and two look-ups, and an invocation may make a thousand.
const pagesPerTurn = 5;
const mostGivenUpRounds = 20;

interface Turn {
  readonly env: Env;
  readonly cell: Cell;
  readonly session: TenantSession;
  readonly lease: Lease;
}

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
  const begun = await beginTurn(session, lease, one(webhookEndpoints, endpointId), now);
  if (!begun) return;
  const turn: Turn = { env, cell, session, lease };
  const { endpoint, due } = begun;
  const isOpen = endpoint?.state === "enabled" && (await serve(turn, endpoint, due));
  if (!isOpen) await giveUp(turn, endpoint === null);
  const ended = systemNow();
  const { nextDueMs, next } = await endTurn(session, lease, ended);
  // Who was turned away for want of a place gets this one, a second ahead of whoever has just had it.
  if (next !== null) await wakeEndpoints(cell, tenantId, [{ endpointId: next }]);
  // What is due later is left to the sweeper, which comes every minute.
  if (nextDueMs === null || nextDueMs - ended > minuteMs) return;
  const waitSeconds = Math.ceil((nextDueMs - ended) / secondMs);
  await wakeEndpoints(
    cell,
    tenantId,
    [{ endpointId }],
    next === null ? waitSeconds : Math.max(1, waitSeconds),
  );
}

/** Wakes endpoints that have deliveries due and are not being served: of a tenant as many as may be served at once. */
export async function sweepWebhooks(cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const due = Map.groupBy(
    await system.endpointsWithDueDeliveries(timestamp(now)),
    ({ tenantId }) => tenantId,
  );
  for (const [tenantId, endpoints] of due)
    await wakeEndpoints(cell, tenantId, endpoints.slice(0, endpointsAtOnce));
}

/** Tries what is due, page by page. False where the endpoint is to be sent nothing more. */
async function serve(turn: Turn, endpoint: EndpointRow, first: readonly Due[]): Promise<boolean> {
  if (first.length === 0) return true;
  const { env, cell, session } = turn;
  const creator = await creators(cell, session.tenantId)(endpoint.creatorId);
  // A tenant that is frozen is sent nothing, and loses nothing.
  if (creator !== null && creator.state !== "active") return await paused(turn);
  const lost = lostRights(endpoint, creator, systemNow());
  if (lost || creator === null) return await disabled(turn, lost ?? "creator-gone");
  const asOf: AsOf = { version: endpoint.version, epoch: creator.epoch };
  const untilMs = systemNow() + turnMs;
  let due = first;
  for (let page = 0; page < pagesPerTurn && due.length > 0 && systemNow() < untilMs; page += 1) {
    const tried = await tryDeliveries(env, cell.database, session.keys, endpoint, due, untilMs);
    const { failingSince, next } = await record(turn, tried, asOf);
    if (tried.isGone) return await disabled(turn, "gone");
    if (tried.tried.some(isGivenUp) && hasFailedTooLong(failingSince, endpoint.enabledAt, systemNow()))
      return await disabled(turn, "failing");
    due = tried.pausedUntilMs === null ? next : [];
  }
  return true;
}

async function record({ session, lease }: Turn, { tried, pausedUntilMs }: TriedPage, asOf: AsOf) {
  const now = systemNow();
  const recorded = await recordTries(session, lease, tried, { pausedUntilMs, now });
  const results = await session.execute([...recorded, dueDeliveries(session, lease, now, asOf)]);
  const failingSince = tried.length > 0 ? failingSinceMs(results[0]) : null;
  return { failingSince, next: await dueOf(session, results.at(-1)) };
}

/** False, as the endpoint is to be sent nothing more; where it could not be disabled, another turn has to. */
async function disabled(turn: Turn, because: DisabledReason): Promise<boolean> {
  const { cell, session, lease } = turn;
  if (await disableEndpoint(cell, session, lease.endpointId, because, systemNow())) return false;
  return await paused(turn);
}

async function paused({ session, lease }: Turn): Promise<boolean> {
  await session.execute([pause(session, lease, systemNow() + hourMs)]);
  return true;
}

async function giveUp({ session, lease }: Turn, isRemoved: boolean): Promise<void> {
  for (let round = 0; round < mostGivenUpRounds; round += 1)
    if (!(await giveUpSome(session, lease, systemNow()))) break;
  if (isRemoved) await session.execute([forgetQueue(session, lease)]);
}
