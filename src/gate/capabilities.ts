/**
 * Everything a principal can be allowed to do: the one vocabulary of roles, member flags, key scopes, OAuth scopes and
 * buttons. Masks are stored, so a bit never changes its meaning and the bit of a retired capability is never given
 * away again; a new capability takes the next free one, below 128.
 */
export const capabilities = {
  "customers:read": { bit: 0, label: "See customers" },
  "customers:write": { bit: 1, label: "Add, change and remove customers" },
  "customers:sensitive": {
    bit: 2,
    label: "Reveal, change and remove customers' sensitive details, such as allergens",
  },
  "quotes:read": { bit: 3, label: "See quotes" },
  "quotes:write": { bit: 4, label: "Draft, change and send quotes" },
  "quotes:accept": { bit: 5, label: "Accept or decline a quote for the customer" },
  "orders:read": { bit: 6, label: "See orders" },
  "orders:write": { bit: 7, label: "Create, change and move orders" },
  "files:read": { bit: 8, label: "See and download files and artwork" },
  "files:write": { bit: 9, label: "Upload, replace and remove files and artwork" },
  "proofs:read": { bit: 10, label: "See proofs" },
  "proofs:write": { bit: 11, label: "Make and send proofs" },
  "proofs:approve": { bit: 12, label: "Approve or reject a proof for the customer" },
  "jobs:read": { bit: 13, label: "See production and installation jobs" },
  "jobs:write": { bit: 14, label: "Update jobs and their progress" },
  "jobs:assign": { bit: 15, label: "Assign jobs to people" },
  "bookings:read": { bit: 16, label: "See bookings" },
  "bookings:write": { bit: 17, label: "Make, change and cancel bookings" },
  "schedules:read": { bit: 18, label: "See staff schedules" },
  "schedules:write": { bit: 19, label: "Plan staff schedules" },
  "escalations:read": { bit: 20, label: "See escalations" },
  "escalations:write": { bit: 21, label: "Raise and resolve escalations" },
  "products:read": { bit: 22, label: "See products, prices and stock" },
  "products:write": { bit: 23, label: "Change products, prices and stock" },
  "invoices:read": { bit: 24, label: "See invoices" },
  "invoices:write": { bit: 25, label: "Issue, send and void invoices" },
  "payments:read": { bit: 26, label: "See payments" },
  "payments:take": { bit: 27, label: "Take payments" },
  "payments:refund": { bit: 28, label: "Refund payments" },
  "analytics:read": { bit: 29, label: "See analytics" },
  "exports:create": { bit: 30, label: "Export data" },
  "tenant:read": { bit: 31, label: "See the business and where its data lies" },
  "tenant:delete": { bit: 32, label: "Close the business and delete its data" },
  "locations:read": { bit: 33, label: "See locations" },
  "locations:write": { bit: 34, label: "Add, change and close locations" },
  "members:read": { bit: 35, label: "See members, their roles and their access" },
  "members:write": { bit: 36, label: "Invite, change, suspend and remove members" },
  "roles:write": { bit: 37, label: "Define custom roles" },
  "settings:read": { bit: 38, label: "See settings" },
  "settings:write": { bit: 39, label: "Change settings" },
  "security:read": { bit: 40, label: "See sign-in policy, single sign-on, address lists and alerts" },
  "security:write": { bit: 41, label: "Change sign-in policy, single sign-on and address lists" },
  "api-keys:read": { bit: 42, label: "See API keys" },
  "api-keys:write": { bit: 43, label: "Create, rotate and revoke API keys" },
  "integrations:manage": { bit: 44, label: "Manage webhooks, OAuth clients and connected services" },
  "audit:read": { bit: 45, label: "Read and verify the audit log" },
  "events:read": { bit: 46, label: "Read the event stream" },
  "api-calls:read": { bit: 47, label: "See API calls and usage" },
  "privacy:read": { bit: 48, label: "See privacy requests and consents" },
  "privacy:write": { bit: 49, label: "Answer privacy requests: access, consent, erasure" },
  "support:read": { bit: 50, label: "See support access and what was done with it" },
  "support:grant": { bit: 51, label: "Grant and end support access" },
  "billing:read": { bit: 52, label: "See the plan and its bills" },
  "billing:manage": { bit: 53, label: "Change the plan and how it is paid" },
  "customers:consent": {
    bit: 54,
    label: "Record what customers agree to share, and see what other venues share of them",
  },
} as const satisfies Record<`${string}:${string}`, { bit: number; label: string }>;

export type Capability = keyof typeof capabilities;

declare const brand: unique symbol;

/** 128 bits as 32 lower-case hex characters: `&` has 32 bits in JavaScript and D1 refuses bigint. */
export type CapabilityMask = string & { readonly [brand]: "CapabilityMask" };

const names: readonly Capability[] = Object.keys(capabilities).filter(isCapability);

export const noCapabilities: CapabilityMask = maskOf([]);
export const allCapabilities: CapabilityMask = maskOf(names);

/** For the boundaries, where a capability is still a text. */
export function isCapability(text: string): text is Capability {
  return Object.hasOwn(capabilities, text);
}

export function maskOf(list: readonly Capability[]): CapabilityMask {
  return toMask(list.reduce((bits, capability) => bits | bitOf(capability), 0n));
}

/** In the table's order. Bits that this version does not know are passed over. */
export function listOf(mask: CapabilityMask): Capability[] {
  return names.filter((capability) => holds(mask, capability));
}

/** Bits that this version does not know are kept: during a deploy a newer one may have set them. */
export function parseMask(text: string): CapabilityMask | null {
  return /^[0-9a-f]{32}$/.test(text) ? toMask(BigInt(`0x${text}`)) : null;
}

/** A mask that cannot be read grants nothing; as a denial it would deny nothing. @throws Error where it is malformed */
export function storedMask(text: string): CapabilityMask {
  const mask = parseMask(text);
  if (mask === null) throw new Error("A capability mask in the cell is malformed.");
  return mask;
}

export function holds(mask: CapabilityMask, capability: Capability): boolean {
  return (bitsOf(mask) & bitOf(capability)) !== 0n;
}

export function union(a: CapabilityMask, b: CapabilityMask): CapabilityMask {
  return toMask(bitsOf(a) | bitsOf(b));
}

export function intersect(a: CapabilityMask, b: CapabilityMask): CapabilityMask {
  return toMask(bitsOf(a) & bitsOf(b));
}

export function without(mask: CapabilityMask, taken: CapabilityMask): CapabilityMask {
  return toMask(bitsOf(mask) & ~bitsOf(taken));
}

export function isSubset(inner: CapabilityMask, outer: CapabilityMask): boolean {
  return without(inner, outer) === noCapabilities;
}

function bitOf(capability: Capability): bigint {
  return 1n << BigInt(capabilities[capability].bit);
}

function bitsOf(mask: CapabilityMask): bigint {
  return BigInt(`0x${mask}`);
}

/** The only maker of masks: the cast holds because the text is what `parseMask` accepts. */
function toMask(bits: bigint): CapabilityMask {
  return bits.toString(16).padStart(32, "0") as CapabilityMask;
}
