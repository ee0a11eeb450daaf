import { sql } from "drizzle-orm";
import { z } from "zod";
import { hourMs, timestamp } from "#lib/time.ts";
import type { RecordDraft } from "./commit.ts";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

const principalId = "system";

/**
 * The record of a key that lives an hour, so that of many commits about one thing a single one stands until then,
 * however many run at once.
 */
export function onceAnHour(operation: string, about: string, now: number): RecordDraft {
  return onceWithin(hourMs, operation, about, now);
}

/** The same of a key that lives as long as this. */
export function onceWithin(livesMs: number, operation: string, about: string, now: number): RecordDraft {
  return {
    principalId,
    operation,
    keyToken: about,
    olderTokens: [],
    fingerprint: operation,
    intentId: null,
    status: null,
    seal: async () => ({ answer: null, subjectId: null }),
    expiresAt: now + livesMs,
  };
}

const Records = z.array(z.object({ about: z.string(), until: z.string() }));

/** What such records of an operation that live now are about, and until when they do, RFC 3339. */
export function livingRecords(operation: string, now: number): Query<z.output<typeof Records>> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "idempotency"."key_token" as "about", "idempotency"."expires_at" as "until" from "idempotency" where "idempotency"."tenant_id" = ${tenantId} and "idempotency"."principal_id" = ${principalId} and "idempotency"."operation" = ${operation} and "idempotency"."expires_at" > ${timestamp(now)}`,
      ),
    decode: async (_context, rows) => Records.parse(rows),
  };
}
