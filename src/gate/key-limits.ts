import { type SQL, sql } from "drizzle-orm";
import { integer, text } from "drizzle-orm/sqlite-core";
import { z } from "zod";
import type { ResultRows } from "#db/store.ts";
import { open, personal, tenantTable, via } from "#db/tenant-table.ts";
import type { OwnLimit } from "./policy.ts";
import { apiKeys } from "./tables.ts";

/** A key's own limit, one at most: it holds until it expires, and the sold rate from then on. */
export const keyLimits = tenantTable(
  "key_limits",
  {
    apiKeyId: open(text("api_key_id").notNull()),
    perMinute: open(integer("per_minute").notNull()),
    burst: open(integer("burst").notNull()),
    /** For people to read, and about people at times. */
    reason: personal(text("reason").notNull()),
    expiresAt: open(text("expires_at").notNull()),
    /** Null where the operator set it, who alone may go beyond the plan. */
    creatorId: open(text("creator_id")),
  },
  { entity: "key-limit", scope: via(apiKeys, "apiKeyId"), subject: "apiKeyId", movesEpoch: true },
);

/** What a key's gate asks for it by. */
export function ownLimitRow(tenantId: string, keyId: string): SQL {
  return sql`select "per_minute", "burst", "expires_at", "creator_id" from "key_limits" where "key_limits"."tenant_id" = ${tenantId} and "key_limits"."api_key_id" = ${keyId}`;
}

const Limit = z.object({
  per_minute: z.int(),
  burst: z.int(),
  expires_at: z.string(),
  creator_id: z.string().nullable(),
});

export function ownLimitFrom(rows: ResultRows | undefined): OwnLimit | null {
  if (!rows?.[0]) return null;
  const { per_minute: perMinute, burst, expires_at: expiresAt, creator_id: creatorId } = Limit.parse(rows[0]);
  return { perMinute, burst, untilMs: Date.parse(expiresAt), isWithinPlan: creatorId !== null };
}
