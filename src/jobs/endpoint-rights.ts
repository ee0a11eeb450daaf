import { emit, update } from "#db/changes.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { excessOf } from "#gate/event-rights.ts";
import { hydrate } from "#gate/hydrate.ts";
import type { Policy } from "#gate/policy.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { disablement } from "#resources/webhook-endpoints/lifecycle.ts";
import { type EndpointRow, subscriptionOf } from "#resources/webhook-endpoints/present.ts";
import { type DisabledReason, webhookEndpoints } from "#resources/webhook-endpoints/table.ts";

const mostTries = 3;

/** The rights of endpoints' creators as they are now, each read once. */
export function creators(cell: Cell, tenantId: string): (creatorId: string) => Promise<Policy | null> {
  const read = new Map<string, Promise<Policy | null>>();
  return (creatorId) => {
    const known = read.get(creatorId);
    if (known) return known;
    const reading = hydrate(cell.database, creatorId, tenantId);
    read.set(creatorId, reading);
    return reading;
  };
}

/** Why its creator's rights no longer cover what an endpoint is sent; null where they do. */
export function lostRights(
  endpoint: EndpointRow,
  creator: Policy | null,
  now: number,
): DisabledReason | null {
  if (creator === null || (creator.endsAt !== null && creator.endsAt <= now)) return "creator-gone";
  return excessOf(subscriptionOf(endpoint), creator) === null ? null : "creator-lacks-rights";
}

/**
 * Disables an endpoint as the system: an audit row says why, and an event tells those who listen.
 * @returns false where it could not be: others keep changing it, or the tenant is frozen
 */
export async function disableEndpoint(
  cell: Cell,
  session: TenantSession,
  endpointId: string,
  because: DisabledReason,
  now: number,
): Promise<boolean> {
  const run = { job: "jobs.webhooks", requestId: newId("run"), now };
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const row = await session.get(webhookEndpoints, endpointId);
    if (!row || row.state === "disabled") return true;
    const data = { webhookEndpointId: row.id, because };
    const told = emit("webhook_endpoint.disabled", data, { table: webhookEndpoints, row });
    const disabled = update(webhookEndpoints, row, disablement(because, now), now);
    const { kind } = await commitAsSystem(session, run, [disabled, told]);
    if (kind !== "committed") continue;
    await wake(cell, session.tenantId);
    return true;
  }
  log("warn", "an endpoint could not be disabled yet", { endpoint: endpointId });
  return false;
}

// The sweeper finds the event too, within a minute.
async function wake(cell: Cell, tenantId: string): Promise<void> {
  try {
    await cell.queue.send({ v: 1, tenantId });
  } catch (error) {
    log("warn", "a notice after a commit was not delivered", errorFields(error));
  }
}
