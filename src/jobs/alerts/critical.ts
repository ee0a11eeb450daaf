import type { AlertKind } from "#db/alert-kinds.ts";
import type { AlertedRow } from "#db/alert-progress.ts";
import { detectedKinds, detectionEntity } from "#gate/detection-rules.ts";
import { minuteMs } from "#lib/time.ts";
import {
  gainsPower,
  isAdminAnew,
  isAnotherDomain,
  isFactorAskedOfFewer,
  isLeakedNow,
  isOwnerNowOrBefore,
  isPolicyLaxer,
} from "./guards.ts";

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

/** Rows that these operations and jobs write found a business: its first owner and roles raise no alert. */
export const founding: readonly string[] = ["cli.seed", "sandbox.open"];

/** The list that says what is critical; exports have a line here once there are any. */
export const criticalRules: readonly CriticalRule[] = [
  ...written("owner-changed", "member", isOwnerNowOrBefore),
  ...written("admin-added", "member", isAdminAnew),
  ...written("rights-added", "member", gainsPower("grants")),
  ...written("rights-added", "role", gainsPower("capabilities")),
  { kind: "second-factor-off", entity: "member", action: "mfa.removed" },
  {
    kind: "second-factor-off",
    entity: "security-policy",
    action: "updated",
    is: isFactorAskedOfFewer,
    isOfWhole: true,
  },
  ...written("policy-relaxed", "security-policy", isPolicyLaxer).map((rule) => ({
    ...rule,
    isOfWhole: true as const,
  })),
  ...["created", "updated", "deleted"].map(
    (action): CriticalRule => ({ kind: "sso-changed", entity: "sso-connection", action }),
  ),
  ...written("sso-changed", "sso-domain", isAnotherDomain),
  { kind: "sso-changed", entity: "sso-domain", action: "deleted" },
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

/** What a thing may be from its beginning, or become. */
function written(kind: AlertKind, entity: string, is: NonNullable<CriticalRule["is"]>): CriticalRule[] {
  return ["created", "updated"].map((action) => ({ kind, entity, action, is }));
}
