import { type EventSubject, type EventType, subjectOf } from "#db/event-types.ts";
import { type Capability, type CapabilityMask, holds } from "./capabilities.ts";

/** Who may be told of a fact: whoever may read what it is about. */
export const readCapabilities: Readonly<Record<EventSubject, Capability>> = {
  alert: "security:read",
  api_key: "api-keys:read",
  customer: "customers:read",
  customer_consent: "customers:consent",
  customer_dietary: "customers:sensitive",
  file: "files:read",
  invitation: "members:read",
  location: "locations:read",
  member: "members:read",
  mfa: "audit:read",
  oauth_client: "integrations:manage",
  order: "orders:read",
  role: "members:read",
  security_policy: "security:read",
  settings: "settings:read",
  sso_connection: "security:read",
  sso_domain: "security:read",
  support: "support:read",
  tenant: "tenant:read",
  // When somebody comes and goes, and from where, is for who may read the audit, where the same stands.
  user: "audit:read",
  vault: "audit:read",
  webhook_endpoint: "integrations:manage",
};

/** What somebody wants to be told of. */
export interface Subscription {
  readonly eventTypes: readonly EventType[];
  /** null: wherever it happens. */
  readonly locationIds: readonly string[] | null;
}

export interface Rights {
  readonly capabilities: CapabilityMask;
  readonly locations: readonly string[] | null;
  readonly assigneeId: string | null;
}

/**
 * What of a subscription goes beyond these rights; null where they cover it. Who is held to their own assignments
 * covers none: what they see changes with each assignment.
 */
export function excessOf(
  { eventTypes, locationIds }: Subscription,
  rights: Rights,
): "event-types" | "locations" | null {
  if (!eventTypes.every((type) => mayRead(type, rights.capabilities))) return "event-types";
  if (rights.assigneeId !== null) return "locations";
  const { locations } = rights;
  if (locations === null) return null;
  return locationIds?.every((id) => locations.includes(id)) ? null : "locations";
}

/** Does this subscription ask for this event. An event of no place is for those alone who see all of them. */
export function asksFor(
  { eventTypes, locationIds }: Subscription,
  event: { readonly type: string; readonly locationId: string | null },
): boolean {
  if (!eventTypes.some((type) => type === event.type)) return false;
  if (locationIds === null) return true;
  return event.locationId !== null && locationIds.includes(event.locationId);
}

/** Whether an event of this type tells of what these capabilities may read. */
export function mayRead(type: string, capabilities: CapabilityMask): boolean {
  const subject = subjectOf(type);
  return subject !== null && holds(capabilities, readCapabilities[subject]);
}
