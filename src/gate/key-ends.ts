import { eq } from "drizzle-orm";
import { type Change, emit, remove, update } from "#db/changes.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { timestamp } from "#lib/time.ts";
import { mostLocations } from "./giving.ts";
import { apiKeyLocations, apiKeys } from "./tables.ts";

/** A key, with what ends with it. */
export interface EndingKey {
  readonly row: Row<typeof apiKeys> | null;
  readonly places: readonly Row<typeof apiKeyLocations>[];
}

/** What is read of a key that is to end. */
export function endingKey(id: string) {
  return {
    row: one(apiKeys, id),
    places: many(apiKeyLocations, {
      ...uniqueIndexOf(apiKeyLocations),
      where: eq(apiKeyLocations.apiKeyId, id),
      limit: mostLocations,
    }),
  };
}

/** It is let in no more, at once and for good; `.row` is what it becomes. One that ended before stays as it is. */
export function revoked(
  row: Row<typeof apiKeys>,
  places: EndingKey["places"],
  now: number,
): { readonly row: Row<typeof apiKeys>; readonly changes: readonly Change[] } {
  if (row.revokedAt !== null) return { row, changes: [] };
  const changed = update(apiKeys, row, { revokedAt: timestamp(now) }, now);
  return { row: changed.row, changes: [changed, ...endOf(row, places)] };
}

/** The same of a key whose text is where it should not be; whoever says so first is told of. */
export function leaked(
  row: Row<typeof apiKeys>,
  places: EndingKey["places"],
  by: "member" | "holder",
  now: number,
): { readonly row: Row<typeof apiKeys>; readonly changes: readonly Change[] } {
  if (row.leakedAt !== null) return { row, changes: [] };
  const isOpen = row.revokedAt === null;
  const at = timestamp(now);
  const changed = update(apiKeys, row, { leakedAt: at, revokedAt: row.revokedAt ?? at }, now);
  const told = emit("api_key.leaked", { apiKeyId: row.id, reportedBy: by }, { table: apiKeys, row });
  return { row: changed.row, changes: [changed, ...(isOpen ? endOf(row, places) : []), told] };
}

// A key that opens nothing shall keep no location from being removed.
function endOf(row: Row<typeof apiKeys>, places: EndingKey["places"]): Change[] {
  return [
    ...places.map((place) => remove(apiKeyLocations, place)),
    emit("api_key.revoked", { apiKeyId: row.id }, { table: apiKeys, row }),
  ];
}
