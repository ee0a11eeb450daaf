import { sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import type { Query } from "./queries.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** That a principal was let do on a day (UTC, `2026-11-23`) what asks for this capability. */
export interface CapabilityUse {
  readonly actorId: string;
  readonly capability: string;
  readonly day: string;
}

// A bound text is at most 2 MB, and a pair some 70 bytes.
const mostPerStatement = 5_000;
const mostAtOnce = 5_000;

/**
 * Writes the last day of each use, and from when on (`now`, ms since 1970) uses are written at all. Days only go
 * forward, so what comes twice or late changes nothing; and no row is written again on a day that it has.
 */
export function useStatements(tenantId: string, uses: readonly CapabilityUse[], now: number): Statement[] {
  const byDay = Map.groupBy(uses, ({ day }) => day);
  return [
    sql`insert or ignore into "capability_use_starts" ("tenant_id", "since") values (${tenantId}, ${timestamp(now)})`,
    ...[...byDay].flatMap(([day, ofDay]) =>
      chunksOf(ofDay).flatMap((pairs) => [
        sql`insert or ignore into "capability_uses" ("tenant_id", "actor_id", "capability", "last_day") select ${tenantId}, json_each.value ->> 0, json_each.value ->> 1, ${day} from json_each(${pairs})`,
        sql`update "capability_uses" set "last_day" = ${day} where "capability_uses"."tenant_id" = ${tenantId} and ("actor_id", "capability") in (select json_each.value ->> 0, json_each.value ->> 1 from json_each(${pairs})) and "last_day" < ${day}`,
      ]),
    ),
  ].map(statementOf);
}

function chunksOf(uses: readonly CapabilityUse[]): string[] {
  const chunks: string[] = [];
  for (let start = 0; start < uses.length; start += mostPerStatement) {
    const chunk = uses.slice(start, start + mostPerStatement);
    chunks.push(JSON.stringify(chunk.map(({ actorId, capability }) => [actorId, capability])));
  }
  return chunks;
}

/** What a principal used on this day or later. Whoever asks has seen that the principal is within their reach. */
export function usesSince(actorId: string, day: string): Query<Omit<CapabilityUse, "actorId">[]> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "capability_uses"."capability", "capability_uses"."last_day" as "day" from "capability_uses" where "capability_uses"."tenant_id" = ${tenantId} and "capability_uses"."actor_id" = ${actorId} and "capability_uses"."last_day" >= ${day}`,
      ),
    decode: async (_context, rows) => Uses.parse(rows),
  };
}

/** From when on uses of this tenant are written, RFC 3339; null where none of its calls has come yet. */
export const usesKnownSince: Query<string | null> = {
  statement: async ({ tenantId }) =>
    statementOf(
      sql`select "capability_use_starts"."since" from "capability_use_starts" where "capability_use_starts"."tenant_id" = ${tenantId}`,
    ),
  decode: async (_context, [row]) => (row ? Start.parse(row).since : null),
};

/** Deletes some of the tenant's uses that ended before this day. */
export async function forgetUses(driver: TenantDriver, day: string): Promise<void> {
  const old = sql`"capability_uses"."tenant_id" = ${driver.tenantId} and "capability_uses"."last_day" < ${day}`;
  await driver.execute([
    statementOf(
      sql`delete from "capability_uses" where ${old} and ("actor_id", "capability") in (select "capability_uses"."actor_id", "capability_uses"."capability" from "capability_uses" where ${old} limit ${mostAtOnce})`,
    ),
  ]);
}

const Uses = z.array(z.object({ capability: z.string(), day: z.string() }));
const Start = z.object({ since: z.string() });
