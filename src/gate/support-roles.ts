import { type Capability, type CapabilityMask, isCapability, maskOf, union } from "./capabilities.ts";

/**
 * How far each capability is from whoever helps a business for those who run the deployment: `reads` comes with every
 * grant, `by-name` with one that names it, `never` with none, whatever it says. By hand: a new capability is decided here.
 */
const reachOfSupport: Readonly<Record<Capability, "reads" | "by-name" | "never">> = {
  "customers:read": "reads",
  "customers:write": "by-name",
  // Health data (GDPR, art. 9): no support task needs it.
  "customers:sensitive": "never",
  // It tells of other businesses' people, and those gave no grant.
  "customers:consent": "never",
  "quotes:read": "reads",
  "quotes:write": "by-name",
  "quotes:accept": "by-name",
  "orders:read": "reads",
  "orders:write": "by-name",
  "files:read": "reads",
  "files:write": "by-name",
  "proofs:read": "reads",
  "proofs:write": "by-name",
  "proofs:approve": "by-name",
  "jobs:read": "reads",
  "jobs:write": "by-name",
  "jobs:assign": "by-name",
  "bookings:read": "reads",
  "bookings:write": "by-name",
  "schedules:read": "reads",
  "schedules:write": "by-name",
  "escalations:read": "reads",
  "escalations:write": "by-name",
  "products:read": "reads",
  "products:write": "by-name",
  "invoices:read": "reads",
  "invoices:write": "by-name",
  "payments:read": "reads",
  "payments:take": "by-name",
  "payments:refund": "by-name",
  "analytics:read": "reads",
  "exports:create": "never",
  "tenant:read": "reads",
  "tenant:delete": "never",
  "locations:read": "reads",
  "locations:write": "by-name",
  "members:read": "reads",
  "members:write": "never",
  "roles:write": "never",
  "settings:read": "reads",
  // They name the origins whose pages may call the API.
  "settings:write": "never",
  "security:read": "never",
  "security:write": "never",
  "api-keys:read": "never",
  "api-keys:write": "never",
  "integrations:manage": "never",
  // Both tell of security settings, keys and other businesses as well as of orders.
  "audit:read": "never",
  "events:read": "never",
  "api-calls:read": "reads",
  "privacy:read": "never",
  "privacy:write": "never",
  "support:read": "never",
  "support:grant": "never",
  "billing:read": "never",
  "billing:manage": "never",
};

function those(reach: "reads" | "by-name"): Capability[] {
  return Object.keys(reachOfSupport)
    .filter(isCapability)
    .filter((capability) => reachOfSupport[capability] === reach);
}

/** What every grant lets an agent do. */
export const supportReads: CapabilityMask = maskOf(those("reads"));

/** What a grant may name, in the table's order. */
export const nameable: readonly Capability[] = those("by-name");

/** What an agent of each role may do at most, whatever a grant names. */
export const supportRoles = {
  reader: { label: "Looks, and changes nothing", most: supportReads },
  helper: { label: "Does what a grant names as well", most: union(supportReads, maskOf(nameable)) },
} as const satisfies Readonly<Record<string, { label: string; most: CapabilityMask }>>;

export type SupportRole = keyof typeof supportRoles;

/** null for a role that this version does not know: whoever has it may do nothing. */
export function parseSupportRole(text: string): SupportRole | null {
  return Object.hasOwn(supportRoles, text) ? asRole(text) : null;
}

// The table has it as its own key.
function asRole(text: string): SupportRole {
  return text as SupportRole;
}
