import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Query } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";
import { subjectKeyJoin, subjectKid } from "#db/subject-keys.ts";
import { openText, rememberKey } from "./sealing.ts";

export const deliveryStates = ["pending", "delivered", "failed"] as const;

const Delivery = z.object({
  id: z.string(),
  eventId: z.string(),
  eventSeq: z.int(),
  eventType: z.string(),
  state: z.enum(deliveryStates),
  tries: z.int(),
  outcome: z.string().nullable(),
  dueAt: z.string().nullable(),
  settledAt: z.string().nullable(),
  createdAt: z.string(),
});
export type Delivery = z.output<typeof Delivery>;

const columns = sql.raw(
  [
    ...["id", "state", "tries", "outcome"].map((name) => `"webhook_deliveries"."${name}"`),
    `"webhook_deliveries"."event_id" as "eventId"`,
    `"webhook_deliveries"."event_seq" as "eventSeq"`,
    `"webhook_deliveries"."event_type" as "eventType"`,
    `"webhook_deliveries"."due_at" as "dueAt"`,
    `"webhook_deliveries"."settled_at" as "settledAt"`,
    `"webhook_deliveries"."created_at" as "createdAt"`,
  ].join(", "),
);

/** What an endpoint was or is to be sent, newest first. */
export function deliveriesTo(
  endpointId: string,
  state: Delivery["state"] | undefined,
  afterId: string | null,
  limit: number,
): Query<Delivery[]> {
  return {
    async statement({ tenantId }) {
      const index = state ? "webhook_deliveries_by_state" : "webhook_deliveries_by_endpoint";
      const conditions: SQL[] = [
        sql`"webhook_deliveries"."tenant_id" = ${tenantId}`,
        sql`"webhook_deliveries"."endpoint_id" = ${endpointId}`,
      ];
      if (state) conditions.push(sql`"webhook_deliveries"."state" = ${state}`);
      if (afterId !== null) conditions.push(sql`"webhook_deliveries"."id" < ${afterId}`);
      return statementOf(
        sql`select ${columns} from "webhook_deliveries" indexed by ${sql.identifier(index)} where ${sql.join(conditions, sql` and `)} order by "webhook_deliveries"."id" desc limit ${limit}`,
      );
    },
    decode: async (_context, rows) => z.array(Delivery).parse(rows),
  };
}

export function deliveryTo(endpointId: string, id: string): Query<Delivery | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${columns} from "webhook_deliveries" where "webhook_deliveries"."tenant_id" = ${tenantId} and "webhook_deliveries"."id" = ${id} and "webhook_deliveries"."endpoint_id" = ${endpointId}`,
      ),
    decode: async (_context, rows) => (rows[0] ? Delivery.parse(rows[0]) : null),
  };
}

const Attempt = z.object({
  id: z.string(),
  at: z.string(),
  outcome: z.string(),
  status: z.int().nullable(),
  durationMs: z.int(),
  excerpt: z.string().nullable(),
  subjectId: z.string().nullable(),
  kid: z.string().nullable(),
  wrapped: z.string().nullable(),
});
export type Attempt = Pick<z.output<typeof Attempt>, "at" | "outcome" | "status" | "durationMs" | "excerpt">;

/** A delivery's tries, newest first. The excerpt is null where the person it may tell of was erased. */
export function attemptsOf(deliveryId: string, limit: number): Query<Attempt[]> {
  return {
    async statement({ tenantId }) {
      const a = sql.raw(`"webhook_attempts"`);
      const subject = sql.raw(`"webhook_bodies"."subject_id"`);
      return statementOf(
        sql`select ${a}."id", ${a}."created_at" as "at", ${a}."outcome", ${a}."status", ${a}."duration_ms" as "durationMs", ${a}."excerpt", "webhook_bodies"."subject_id" as "subjectId", ${subjectKid(tenantId, subject)} as "kid", "subject_keys"."wrapped" from ${a} indexed by "webhook_attempts_by_delivery" join "webhook_deliveries" on "webhook_deliveries"."tenant_id" = ${tenantId} and "webhook_deliveries"."id" = ${a}."delivery_id" left join "webhook_bodies" on "webhook_bodies"."tenant_id" = ${tenantId} and "webhook_bodies"."event_seq" = "webhook_deliveries"."event_seq"${subjectKeyJoin(tenantId, subject)} where ${a}."tenant_id" = ${tenantId} and ${a}."delivery_id" = ${deliveryId} order by ${a}."id" desc limit ${limit}`,
      );
    },
    async decode({ keys }, rows) {
      const attempts: Attempt[] = [];
      for (const row of z.array(Attempt).parse(rows)) {
        await rememberKey(keys, row);
        const { id, subjectId, kid, wrapped, ...shown } = row;
        attempts.push({ ...shown, excerpt: await excerptOf(id, row) });
      }
      return attempts;

      async function excerptOf(id: string, row: z.output<typeof Attempt>): Promise<string | null> {
        if (row.excerpt === null) return null;
        const place = { table: "webhook_attempts", column: "excerpt", row: id } as const;
        return await openText(keys, place, row.subjectId, row.excerpt);
      }
    },
  };
}
