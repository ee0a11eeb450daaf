import { z } from "zod";
import { eventTypes } from "#db/event-types.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Subscription } from "#gate/event-rights.ts";
import type { webhookEndpoints } from "./table.ts";

export type EndpointRow = Row<typeof webhookEndpoints>;

const Ids = z.array(z.string());

export function present(row: EndpointRow) {
  return {
    ...row,
    eventTypes: Ids.parse(JSON.parse(row.eventTypes)),
    locationIds: locationsOf(row),
    secretCreatedAt: secretSince(row),
  };
}

/** When the secret was set; not known of one that was there before this was kept, which is as old as its endpoint. */
export function secretSince(row: EndpointRow): string {
  return row.secretCreatedAt ?? row.createdAt;
}

/** What an endpoint wants to be told of. A type that this version does not know, as during a deploy, is left out. */
export function subscriptionOf(row: EndpointRow): Subscription {
  const wanted = Ids.parse(JSON.parse(row.eventTypes));
  return { eventTypes: eventTypes.filter((type) => wanted.includes(type)), locationIds: locationsOf(row) };
}

function locationsOf(row: EndpointRow): string[] | null {
  return row.locationIds === null ? null : Ids.parse(JSON.parse(row.locationIds));
}
