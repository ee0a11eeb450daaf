import type { Row } from "#db/tenant-table.ts";
import type { Env } from "#platform/env.ts";
import type { Reception } from "#platform/receivers.ts";
import type { CarrierName, operatorNotices } from "#resources/alerts/operator-table.ts";

export type OperatorNotice = Row<typeof operatorNotices>;

/** How a carrier took a notice; whatever it was refused for may be the operator's to mend. */
export type Carried =
  | { readonly kind: "taken" }
  | { readonly kind: "try-again"; readonly askedMs: number | null };

/** One way to tell whoever runs the deployment. */
export interface Carrier {
  readonly name: CarrierName;
  readonly isWanted: (env: Env) => boolean;
  /** What is not configured as it must be, where it is wanted. */
  readonly faults: (env: Env) => string[];
  /** At least once: whoever is told twice knows it by the source's id. */
  readonly carry: (env: Env, notice: OperatorNotice) => Promise<Carried>;
}

/** Of what a receiver answered. */
export function carriedAs({ outcome, askedWaitMs: askedMs }: Reception): Carried {
  return outcome === "accepted" ? { kind: "taken" } : { kind: "try-again", askedMs };
}
