import { allCapabilities, type Capability, listOf, maskOf, union, without } from "./capabilities.ts";

export type Role =
  | "owner"
  | "admin"
  | "manager"
  | "sales"
  | "designer"
  | "installer"
  | "accountant"
  | "staff"
  | "viewer";

/** What of the tenant a role reaches: all of it, the member's locations, or what is assigned to the member. */
export type RoleScope = "tenant" | "locations" | "assigned";

export type RoleDefinition = {
  readonly label: string;
  readonly scope: RoleScope;
  readonly capabilities: readonly Capability[];
};

const ownersAlone = maskOf(["billing:read", "billing:manage", "tenant:delete", "support:grant"]);

const surroundings = maskOf(["tenant:read", "locations:read", "products:read"]);

const sales = union(
  surroundings,
  maskOf([
    "customers:read",
    "customers:write",
    "quotes:read",
    "quotes:write",
    "quotes:accept",
    "orders:read",
    "orders:write",
  ]),
);

// Who makes a proof does not approve it.
const designer = union(
  surroundings,
  maskOf(["files:read", "files:write", "proofs:read", "proofs:write", "orders:read"]),
);

const installer = maskOf(["orders:read", "jobs:read", "jobs:write"]);

// Who serves a guest must know what the guest may not eat, and is whom the guest tells what may be shared; each reveal is
// an audit row.
const staff = union(
  surroundings,
  maskOf([
    "bookings:read",
    "bookings:write",
    "customers:read",
    "customers:write",
    "customers:sensitive",
    "customers:consent",
    "orders:read",
    "orders:write",
    "payments:read",
    "payments:take",
  ]),
);

const workersOfALocation = [sales, designer, installer, staff].reduce(union);

const manager = union(
  workersOfALocation,
  maskOf([
    "proofs:approve",
    "jobs:assign",
    "schedules:read",
    "schedules:write",
    "escalations:read",
    "escalations:write",
    "invoices:read",
    "analytics:read",
    "members:read",
    // Of their own locations alone, and of nobody who may do more than they.
    "members:write",
  ]),
);

// The records of the business. Not its machinery (keys, security, events, calls), nor what is sensitive.
const viewer = union(
  surroundings,
  maskOf([
    "customers:read",
    "quotes:read",
    "orders:read",
    "files:read",
    "proofs:read",
    "jobs:read",
    "bookings:read",
    "schedules:read",
    "escalations:read",
    "invoices:read",
    "payments:read",
    "analytics:read",
    "members:read",
    "settings:read",
  ]),
);

const accountant = union(
  viewer,
  maskOf(["invoices:write", "payments:take", "payments:refund", "exports:create", "audit:read"]),
);

export const roles: Readonly<Record<Role, RoleDefinition>> = {
  owner: { label: "Owner", scope: "tenant", capabilities: listOf(allCapabilities) },
  admin: { label: "Admin", scope: "tenant", capabilities: listOf(without(allCapabilities, ownersAlone)) },
  manager: { label: "Manager", scope: "locations", capabilities: listOf(manager) },
  sales: { label: "Sales", scope: "tenant", capabilities: listOf(sales) },
  designer: { label: "Designer", scope: "tenant", capabilities: listOf(designer) },
  installer: { label: "Installer", scope: "assigned", capabilities: listOf(installer) },
  accountant: { label: "Accountant", scope: "tenant", capabilities: listOf(accountant) },
  staff: { label: "Staff", scope: "locations", capabilities: listOf(staff) },
  viewer: { label: "Viewer", scope: "tenant", capabilities: listOf(viewer) },
};

/** `employee` is another name of `staff`. */
export function parseRole(text: string): Role | null {
  const name = text === "employee" ? "staff" : text;
  return isRole(name) ? name : null;
}

function isRole(text: string): text is Role {
  return Object.hasOwn(roles, text);
}

/** Whoever could do the most harm. */
export function isElevated(text: string): boolean {
  const role = parseRole(text);
  return role !== null && elevated.includes(role);
}

const elevated: readonly Role[] = ["owner", "admin"];

/**
 * What changes who may do what, or lets the business go. A tenant's own roles and what is granted to a single member hold
 * none of these: whoever has one is an owner or admin, of whom a second factor and a strong password are asked.
 */
export const elevatedAlone = maskOf([
  "roles:write",
  "security:write",
  "api-keys:write",
  "integrations:manage",
  "support:grant",
  "billing:manage",
  "tenant:delete",
]);
