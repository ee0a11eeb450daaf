import type { TenantSession } from "#db/tenant-db.ts";
import type { TenantDriver } from "#db/tenant-driver.ts";
import type { Cell } from "#platform/cells.ts";

/** What a consumer goes by while it turns one tenant's events into deliveries. */
export interface Telling {
  readonly cell: Cell;
  readonly driver: TenantDriver;
  readonly session: TenantSession;
  readonly now: number;
  readonly allowance: Allowance;
}

/** How many more questions an invocation asks D1 before it leaves the rest to the next one. */
export interface Allowance {
  questions: number;
}

const leastQuestions = 10;

/**
 * Half of the thousand that the platform allows, as the last page may go beyond it; of those whom one invocation serves
 * each has its share, so that one tenant's backlog leaves the others theirs.
 */
export function newAllowance(tenants = 1): Allowance {
  return { questions: Math.max(leastQuestions, Math.floor(500 / tenants)) };
}
