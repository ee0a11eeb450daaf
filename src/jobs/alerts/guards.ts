import { z } from "zod";
import type { AlertedRow } from "#db/alert-progress.ts";
import {
  allCapabilities,
  type CapabilityMask,
  intersect,
  isSubset,
  maskOf,
  noCapabilities,
  parseMask,
  union,
  without,
} from "#gate/capabilities.ts";
import { isElevated, roles } from "#gate/roles.ts";
import { isBlockWithin } from "#lib/cidr.ts";
import { secondFactorPolicies } from "#resources/security-policy/table.ts";

// What a row of the audit says that takes a guard down, or lets somebody in or at more than before: each is asked of the
// row and of the one of the same thing before it.

type Row = AlertedRow | null;

/** Is somebody an owner now who was none, or none who was one. */
export function isOwnerNowOrBefore(now: Row, before: Row): boolean {
  return isActive(now, "owner") !== isActive(before, "owner");
}

/** An owner who becomes one is told of as an owner. */
export function isAdminAnew(now: Row, before: Row): boolean {
  return isActive(now, "admin") && !isActive(before, "admin") && !isActive(before, "owner");
}

function isActive(row: Row, role: string): boolean {
  return row !== null && row.row.role === role && row.row.state === "active";
}

/** Are fewer asked for a second factor. */
export function isFactorAskedOfFewer(now: Row, before: Row): boolean {
  return strictnessOf(now) < strictnessOf(before);
}

function strictnessOf(row: Row): number {
  return Array.from<unknown>(secondFactorPolicies).indexOf(row?.row.secondFactor);
}

/** Is less asked of how people and keys come than before: a weaker factor, older keys, other addresses. */
export function isPolicyLaxer(now: Row, before: Row): boolean {
  const isWeaker = now?.row.allowsSms === 1 && before?.row.allowsSms !== 1;
  return isWeaker || oldestKey(now) > oldestKey(before) || admitsMore(networksOf(now), networksOf(before));
}

/** In days; a key of a business that asks nothing may become as old as it likes. */
function oldestKey(row: Row): number {
  const days = row?.row.longestKeyAge;
  return typeof days === "number" ? days : Number.POSITIVE_INFINITY;
}

const Networks = z
  .string()
  .transform((json): unknown => JSON.parse(json))
  .pipe(z.array(z.string()));

function networksOf(row: Row): string[] {
  return row ? Networks.parse(row.row.ipAllowList) : [];
}

// An empty list admits everybody.
function admitsMore(now: readonly string[], before: readonly string[]): boolean {
  if (before.length === 0) return false;
  return now.length === 0 || now.some((network) => !isBlockWithin(network, before));
}

// Of no harm to anybody but the shop.
const ofTheShop = maskOf(["products:write", "locations:write"]);

// Managers are held to their locations, and to whom they are above; whoever has it by other means may be to neither.
const heldElsewhere = maskOf(["members:write"]);

const ofOthers = Object.entries(roles)
  .filter(([role]) => !isElevated(role))
  .map(([, { capabilities }]) => maskOf(capabilities))
  .reduce(union, noCapabilities);

/** What of the fixed roles owners and admins alone have, but for what is of the shop. */
const powers = without(union(without(allCapabilities, ofOthers), heldElsewhere), ofTheShop);

/** Does a role of the business's own, or what is granted to a member beside theirs, hold a power that it did not. */
export function gainsPower(column: "capabilities" | "grants"): (now: Row, before: Row) => boolean {
  return (now, before) => !isSubset(powersIn(now, column), powersIn(before, column));
}

function powersIn(row: Row, column: string): CapabilityMask {
  const text = row?.row[column];
  const mask = typeof text === "string" ? parseMask(text) : null;
  // What cannot be read is held against whoever wrote it.
  if (text !== undefined && mask === null) return powers;
  return mask === null ? noCapabilities : intersect(powers, mask);
}

/** Is it another connection's now, or does its domain count for more or less; not what only says when DNS was asked. */
export function isAnotherDomain(now: Row, before: Row): boolean {
  return ["connectionId", "state", "isEnforced"].some((column) => now?.row[column] !== before?.row[column]);
}

export function isLeakedNow(now: Row, before: Row): boolean {
  return typeof now?.row.leakedAt === "string" && typeof before?.row.leakedAt !== "string";
}
