import {
  remove as deletion,
  type Emit,
  emit,
  type Insert,
  insert,
  type Remove,
  update,
} from "#db/changes.ts";
import type { Row } from "#db/tenant-table.ts";
import { keyLimits } from "#gate/key-limits.ts";
import { apiKeys } from "#gate/tables.ts";
import type { GcraLimit } from "#lib/gcra.ts";
import { dayMs } from "#lib/time.ts";

/** What a key is to be held to; `creatorId` is null where the operator asks for it. */
export interface LimitTerms extends GcraLimit {
  readonly reason: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  readonly creatorId: string | null;
}

/** No limit is for good: whoever still wants it by then says so again. */
const longestLimitMs = 90 * dayMs;

/** What is amiss with this moment as the end of a limit, or null. */
export function endFault(expiresAt: string, now: number): string | null {
  const leftMs = Date.parse(expiresAt) - now;
  if (leftMs <= 0) return "is not in the future";
  return leftMs > longestLimitMs ? "is more than 90 days away" : null;
}

/** The field that asks for more than the plan sells, or null. */
export function beyondPlan(asked: GcraLimit, sold: GcraLimit): "/perMinute" | "/burst" | null {
  if (asked.perMinute > sold.perMinute) return "/perMinute";
  return asked.burst > sold.burst ? "/burst" : null;
}

type LimitRow = Row<typeof keyLimits>;

/** The same for the tenant's own operation and for the operator's command. `id` names the row where there is none yet. */
export function limitSet(
  key: Row<typeof apiKeys>,
  before: LimitRow | null,
  terms: LimitTerms,
  id: string,
  now: number,
): { readonly row: LimitRow; readonly changes: readonly (Insert | ReturnType<typeof update> | Emit)[] } {
  const { perMinute, burst, reason, expiresAt, creatorId } = terms;
  const next = { perMinute, burst, reason, expiresAt, creatorId };
  const written = before
    ? update(keyLimits, before, next, now)
    : insert(keyLimits, { id, apiKeyId: key.id, ...next }, now);
  return { row: written.row, changes: [written, told(key, holding(before, now), next)] };
}

/** The sold rate holds again. */
export function limitLifted(
  key: Row<typeof apiKeys>,
  before: LimitRow,
  now: number,
): readonly (Remove | Emit)[] {
  return [deletion(keyLimits, before), told(key, holding(before, now), null)];
}

/** A limit that holds at this moment; one that has expired is none, though its row may still be there. */
export function holding(row: LimitRow | null, now: number): LimitRow | null {
  return row !== null && Date.parse(row.expiresAt) > now ? row : null;
}

// Null: what the plan sells.
function told(key: Row<typeof apiKeys>, before: GcraLimit | null, after: GcraLimit | null): Emit {
  const data = {
    apiKeyId: key.id,
    perMinute: after?.perMinute ?? null,
    burst: after?.burst ?? null,
    formerPerMinute: before?.perMinute ?? null,
    formerBurst: before?.burst ?? null,
  };
  return emit("api_key.limit_changed", data, { table: apiKeys, row: key });
}
