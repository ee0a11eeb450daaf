import type { AlertKind } from "#db/alert-kinds.ts";
import type { AlertedRow } from "#db/alert-progress.ts";
import { detectedKinds, detectionEntity } from "#gate/detection-rules.ts";
import { minuteMs } from "#lib/time.ts";
import { secondFactorPolicies } from "#resources/security-policy/table.ts";

/** Which rows of a tenant's audit it is alerted of. */
export interface CriticalRule {
  readonly kind: AlertKind;
  readonly entity: string;
  readonly action: string;
  /** What more is asked of the row, and of the one of the same thing before it; absent: nothing. */
  readonly is?: (now: AlertedRow, before: AlertedRow | null) => boolean;
  /** Absent: it is about what the row is of. */
  readonly isOfWhole?: true;
  /** It is one only where so many come within a time. */
  readonly storm?: { readonly operation: string; readonly atLeast: number; readonly withinMs: number };
}

/** The list that says what is critical; exports have a line here once there are any. */
export const criticalRules: readonly CriticalRule[] = [
  { kind: "owner-changed", entity: "member", action: "updated", is: isOwnerNowOrBefore },
  // Who founds a business is its owner, and nobody's news.
  {
    kind: "owner-changed",
    entity: "member",
    action: "created",
    is: (now) => isOwner(now) && now.actorKind !== "system",
  },
  { kind: "second-factor-off", entity: "member", action: "mfa.removed" },
  { kind: "second-factor-off", entity: "security-policy", action: "updated", is: isLaxer, isOfWhole: true },
  { kind: "key-leaked", entity: "api-key", action: "updated", is: isLeakedNow },
  { kind: "support-session", entity: "support-session", action: "created" },
  {
    kind: "lockouts",
    entity: "member",
    action: "user.locked_out",
    isOfWhole: true,
    storm: { operation: "identity.copy", atLeast: 5, withinMs: 15 * minuteMs },
  },
  { kind: "not-opened", entity: "sealed-value", action: "note", isOfWhole: true },
  ...detectedKinds.map((kind): CriticalRule => ({ kind, entity: detectionEntity, action: kind })),
];

function isOwner(row: AlertedRow | null): boolean {
  return row !== null && row.row.role === "owner" && row.row.state === "active";
}

function isOwnerNowOrBefore(now: AlertedRow, before: AlertedRow | null): boolean {
  return isOwner(now) !== isOwner(before);
}

function isLaxer(now: AlertedRow, before: AlertedRow | null): boolean {
  const strictness = (row: AlertedRow | null) =>
    Array.from<unknown>(secondFactorPolicies).indexOf(row?.row.secondFactor);
  return strictness(now) < strictness(before);
}

function isLeakedNow(now: AlertedRow, before: AlertedRow | null): boolean {
  return typeof now.row.leakedAt === "string" && typeof before?.row.leakedAt !== "string";
}
