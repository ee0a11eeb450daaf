import type { Row } from "#db/tenant-table.ts";
import { listOf, storedMask } from "#gate/capabilities.ts";
import type { supportGrants } from "#gate/support-tables.ts";
import { dayMs, timestamp } from "#lib/time.ts";

const longestGrantMs = 30 * dayMs;

/** Why a grant may not last until then; null where it may. */
export function endFault(expiresAt: string, now: number): string | null {
  if (expiresAt <= timestamp(now)) return "is not in the future";
  return expiresAt > timestamp(now + longestGrantMs) ? "is more than 30 days away" : null;
}

export function presentGrant(row: Row<typeof supportGrants>) {
  return {
    ...row,
    capabilities: listOf(storedMask(row.capabilities)),
    showsPersonalData: row.showsPersonalData === 1,
  };
}
