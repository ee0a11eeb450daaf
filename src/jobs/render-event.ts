import type { z } from "zod";
import { SealError } from "#crypto/envelope.ts";
import { isBusy } from "#db/d1-errors.ts";
import type { StoredEvent } from "#db/event-query.ts";
import { type EventSubject, subjectOf } from "#db/event-types.ts";
import { TenantSession } from "#db/tenant-db.ts";
import type { TenantDriver } from "#db/tenant-driver.ts";
import { Refusal } from "#http/outcome.ts";
import type { AnyRead } from "#http/registry.ts";
import type { Cell } from "#platform/cells.ts";
import { errorFields, log } from "#platform/log.ts";
import { registry } from "#resources/index.ts";
import { systemContext } from "./system-context.ts";

interface Payload {
  readonly operation: AnyRead;
  /** The parameter that names it, by the same name in the event's data. */
  readonly param?: string;
}

/** What an event carries: the thing it is about as a GET answers it, or only the event's own ids. */
const payloads: Readonly<Record<EventSubject, Payload | null>> = {
  api_key: null,
  customer: { operation: registry.customers.get, param: "customerId" },
  location: { operation: registry.locations.get, param: "locationId" },
  order: { operation: registry.orders.get, param: "orderId" },
  settings: { operation: registry.settings.get },
  tenant: { operation: registry.tenants.get },
  webhook_endpoint: { operation: registry["webhook-endpoints"].get, param: "webhookEndpointId" },
};

export interface Rendered {
  readonly body: string;
  /** Whose personal data is in it. */
  readonly subjectId: string | null;
}

/**
 * The body that is sent for an event: Standard Webhooks' type, timestamp and data, and with them the event's own id and
 * number, by which a receiver compares what it got with `GET …/events`.
 */
export async function renderEvent(
  cell: Cell,
  driver: TenantDriver,
  session: TenantSession,
  event: StoredEvent,
  now: number,
): Promise<Rendered> {
  const { data, subjectId } = await dataOf(cell, driver, session, event, now);
  const { type, createdAt: timestamp, id: eventId, seq } = event;
  return { body: JSON.stringify({ type, timestamp, data, eventId, seq }), subjectId };
}

async function dataOf(
  cell: Cell,
  driver: TenantDriver,
  whole: TenantSession,
  event: StoredEvent,
  now: number,
): Promise<{ data: unknown; subjectId: string | null }> {
  const own = { data: event.data, subjectId: null };
  const subject = subjectOf(event.type);
  const payload = subject === null ? null : payloads[subject];
  if (!payload) return own;
  // A session of its own: the subjects' keys it has taken up are of whom the answer tells.
  const keys = { ...whole.keys, subjects: new Map() };
  const session = new TenantSession(driver, { reach: whole.reach, epoch: null, keys });
  try {
    const answer = await readThing(cell, session, payload, event, now);
    if (answer instanceof Refusal) return own;
    const [subjectId = null, ...others] = keys.subjects.keys();
    if (others.length > 0) throw new Error("A body that tells of two people cannot be kept under one key.");
    for (const [id, key] of keys.subjects) whole.keys.subjects.set(id, key);
    return { data: answer, subjectId };
  } catch (error) {
    if (isBusy(error)) throw error;
    // Their key was destroyed: what is left to tell is that something happened. Anything else is a defect of ours that
    // must not hold up the events behind this one.
    if (!(error instanceof SealError))
      log("error", "an event's thing could not be rendered", { event: event.id, ...errorFields(error) });
    return own;
  }
}

async function readThing(
  cell: Cell,
  session: TenantSession,
  { operation, param }: Payload,
  event: StoredEvent,
  now: number,
): Promise<z.output<z.ZodType> | Refusal> {
  const params = param === undefined ? undefined : { [param]: event.data[param] };
  const given: Parameters<AnyRead["run"]>[1] = { params, query: undefined, body: undefined };
  const answer = await operation.run(systemContext(cell, session, "events", now), given);
  return answer instanceof Refusal ? answer : operation.returns.parse(answer);
}
