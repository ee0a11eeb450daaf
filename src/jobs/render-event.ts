import { z } from "zod";
import { type DataKey, SealError } from "#crypto/envelope.ts";
import { type EventSubject, subjectOf } from "#db/event-types.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { noteUnopened } from "#db/unopened.ts";
import type { StoredEvent } from "#db/webhooks/events.ts";
import { Refusal } from "#http/outcome.ts";
import type { AnyRead } from "#http/registry.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { registry } from "#resources/index.ts";
import { systemContext } from "./system-context.ts";
import type { Telling } from "./telling.ts";

interface Payload {
  readonly operation: AnyRead;
  /** The parameter that names it, by the same name in the event's data. */
  readonly param?: string;
}

/** What an event carries: the thing it is about as a GET answers it, or only the event's own ids. */
const payloads: Readonly<Record<EventSubject, Payload | null>> = {
  alert: null,
  api_key: null,
  customer: { operation: registry.customers.get, param: "customerId" },
  // It may have been withdrawn since, and then there is nothing to read.
  customer_consent: null,
  // Nothing but a reveal, with its audit row, tells what stands there.
  customer_dietary: null,
  file: { operation: registry.files.get, param: "fileId" },
  // To whom is for who asks.
  invitation: null,
  location: { operation: registry.locations.get, param: "locationId" },
  // Names and addresses are for who asks; whoever listens is told that somebody's rights changed.
  member: null,
  mfa: null,
  oauth_client: { operation: registry["oauth-clients"].get, param: "oauthClientId" },
  order: { operation: registry.orders.get, param: "orderId" },
  role: null,
  security_policy: { operation: registry["security-policy"].get },
  settings: { operation: registry.settings.get },
  sso_connection: { operation: registry["sso-connections"].get, param: "connectionId" },
  sso_domain: { operation: registry["sso-domains"].get, param: "domainId" },
  // Who came, and why, is for who asks.
  support: null,
  tenant: { operation: registry.tenants.get },
  user: null,
  vault: null,
  webhook_endpoint: { operation: registry["webhook-endpoints"].get, param: "webhookEndpointId" },
};

export interface Rendered {
  readonly body: string;
  /** Whose personal data is in it. */
  readonly subjectId: string | null;
}

/**
 * Renders the bodies that are sent for events: Standard Webhooks' type, timestamp and data, and with them the event's own
 * id and number, by which a receiver compares what it got with `GET …/events`. Of one moment: a thing that several of
 * the events are about is read once.
 */
export function rendererOf(telling: Telling): (event: StoredEvent) => Promise<Rendered> {
  const read = new Map<string, Promise<Thing | null>>();
  return async (event) => {
    const thing = await thingOf(event);
    const { type, createdAt: timestamp, id: eventId, seq } = event;
    const data = thing === null ? event.data : thing.data;
    const body = JSON.stringify({ type, timestamp, data, eventId, seq });
    return { body, subjectId: thing?.subjectId ?? null };
  };

  async function thingOf(event: StoredEvent): Promise<Thing | null> {
    const subject = subjectOf(event.type);
    const payload = subject === null ? null : payloads[subject];
    if (!payload) return null;
    const { operation, param } = payload;
    const params = param === undefined ? undefined : { [param]: event.data[param] };
    const name = `${subject} ${JSON.stringify(params)} ${event.locationId}`;
    const reading = read.get(name) ?? readThing(telling, operation, params, event.locationId);
    read.set(name, reading);
    return await reading;
  }
}

interface Thing {
  readonly data: unknown;
  readonly subjectId: string | null;
}

/** A thing as its own GET answers it; null where that would refuse, or cannot be answered any more. */
async function readThing(
  { cell, driver, session: whole, now, allowance }: Telling,
  operation: AnyRead,
  params: unknown,
  locationId: string | null,
): Promise<Thing | null> {
  // A session of its own: the subjects' keys it has taken up are of whom the answer tells.
  const keys = { ...whole.keys, subjects: new Map<string, DataKey | null>() };
  // Who is told of an event may be held to its place: what has moved elsewhere since is not theirs to see.
  const reach = locationId === null ? whole.reach : { locations: [locationId], assigneeId: null };
  const session = new TenantSession(driver, { reach, epoch: null, keys });
  allowance.questions -= 1;
  try {
    const given: Parameters<AnyRead["run"]>[1] = { params, query: undefined, body: undefined };
    const answer = await operation.run(systemContext(cell, session, "events", now), given);
    if (answer instanceof Refusal) return null;
    if ([...keys.subjects.values()].includes(null)) return null;
    const [subjectId = null, ...others] = keys.subjects.keys();
    if (others.length > 0)
      throw new TypeError("A body that tells of two people cannot be kept under one key.");
    const data: unknown = operation.returns.parse(answer);
    for (const [id, key] of keys.subjects) whole.keys.subjects.set(id, key);
    return { data, subjectId };
  } catch (error) {
    if (!isOfTheThing(error)) throw error;
    // Their key was destroyed: what is left to tell is that something happened. Any other of these is a defect of ours
    // that must not hold up the events behind this one.
    if (error instanceof SealError)
      await noteUnopened(cell.database, error, { requestId: newId("run"), now });
    else log("error", "a thing could not be rendered", errorFields(error));
    return null;
  }
}

// It would fail again; whatever else fails (the database, a limit of the platform) may be well the next time.
function isOfTheThing(error: unknown): boolean {
  return [SealError, z.ZodError, TypeError, RangeError].some((kind) => error instanceof kind);
}
