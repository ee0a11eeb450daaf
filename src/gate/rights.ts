import {
  type Capability,
  type CapabilityMask,
  holds,
  intersect,
  maskOf,
  noCapabilities,
  union,
  without,
} from "./capabilities.ts";
import { elevatedAlone, parseRole, type RoleScope, roles } from "./roles.ts";
import { nameable, type SupportRole, supportReads, supportRoles } from "./support-roles.ts";

/** The role of a member who has one of the tenant's own. */
export const customRole = "custom" as const;

/** What a tenant's own role says. */
export interface OwnRole {
  readonly capabilities: CapabilityMask;
  readonly scope: "tenant" | "assigned";
}

/** What a member was given. */
export interface Given {
  readonly role: string;
  /** null for a member of a fixed role. */
  readonly ownRole: OwnRole | null;
  readonly grants: CapabilityMask;
  readonly denials: CapabilityMask;
}

/** role ∪ grants − denials: what is denied is denied whoever grants it. */
export function rightsOf({ role, ownRole, grants, denials }: Given): CapabilityMask {
  return without(union(capabilitiesOf(role, ownRole), grants), denials);
}

/** What of the tenant they reach. A role that nobody knows reaches what is assigned alone. */
export function scopeOf({ role, ownRole }: Pick<Given, "role" | "ownRole">): RoleScope {
  if (ownRole) return ownRole.scope;
  const fixed = parseRole(role);
  return fixed ? roles[fixed].scope : "assigned";
}

/** Of a role by itself; one that nobody knows may do nothing. */
export function capabilitiesOf(role: string, ownRole: OwnRole | null): CapabilityMask {
  if (ownRole) return ownRole.capabilities;
  const fixed = parseRole(role);
  return fixed ? maskOf(roles[fixed].capabilities) : noCapabilities;
}

/**
 * What is left of a member's rights to a support agent who is here as far as that member may: what every grant lets be
 * done and what theirs names, as far as their role goes. A grant that names what is out of reach names nothing.
 */
export function underSupport(
  rights: CapabilityMask,
  named: CapabilityMask,
  role: SupportRole | null,
): CapabilityMask {
  if (role === null) return noCapabilities;
  const granted = union(supportReads, intersect(named, maskOf(nameable)));
  return intersect(rights, intersect(granted, supportRoles[role].most));
}

/** Does this hold what owners and admins alone may. */
export function holdsElevated(mask: CapabilityMask): boolean {
  return intersect(mask, elevatedAlone) !== noCapabilities;
}

/** One step on the way to an answer: what it says of the capability, and whether it is held after it. */
export interface Step {
  readonly by: "role" | "grants" | "denials" | "state";
  readonly says: "gives" | "takes" | "nothing";
  readonly isHeld: boolean;
}

/** Why this member may do this, or not: each step of the algebra in its order. */
export function explain(capability: Capability, given: Given, isActive: boolean): Step[] {
  const ofRole = holds(capabilitiesOf(given.role, given.ownRole), capability);
  const isGranted = holds(given.grants, capability);
  const isDenied = holds(given.denials, capability);
  const before = ofRole || isGranted;
  const after = before && !isDenied;
  return [
    { by: "role", says: ofRole ? "gives" : "nothing", isHeld: ofRole },
    { by: "grants", says: isGranted ? "gives" : "nothing", isHeld: before },
    { by: "denials", says: isDenied ? "takes" : "nothing", isHeld: after },
    { by: "state", says: isActive ? "nothing" : "takes", isHeld: after && isActive },
  ];
}
