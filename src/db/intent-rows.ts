import { sql } from "drizzle-orm";
import { z } from "zod";
import { minuteMs, timestamp } from "#lib/time.ts";
import type { SupportActor } from "./audit-rows.ts";
import { codes, guardStatement } from "./commit-statements.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** An effect's life: intended before the vendor is called, then settled with its answer, or abandoned. */
export type IntentStep =
  | {
      readonly step: "intend";
      readonly id: string;
      readonly operation: string;
      readonly principalId: string;
      /** Where it is an agent's of support: as whom whoever takes it up later writes. */
      readonly agent: SupportActor | null;
      readonly requestId: string;
      /** JSON of the intent; holds no personal data. */
      readonly intent: string;
      readonly keyToken: string | null;
      readonly dueAt: number;
    }
  | {
      readonly step: "settle";
      readonly id: string;
      readonly status: number;
      readonly seal: () => Promise<{ answer: string | null; subjectId: string | null }>;
    }
  | { readonly step: "abandon"; readonly id: string };

/** Whoever settles first wins: the sweeper and the request that began may meet here. */
export function intentGuards(session: TenantSession, intent: IntentStep): Statement[] {
  if (intent.step === "intend") return [];
  return [
    guardStatement(
      codes.intent,
      sql`not exists (select 1 from "intents" where "intents"."tenant_id" = ${session.tenantId} and "intents"."id" = ${intent.id} and "intents"."state" = 'intended')`,
    ),
  ];
}

export async function intentRows(
  session: TenantSession,
  intent: IntentStep,
  now: number,
): Promise<Statement[]> {
  const { tenantId } = session;
  if (intent.step === "intend") {
    return [
      statementOf(
        sql`insert into "intents" ("tenant_id", "id", "operation", "principal_id", "request_id", "state", "intent", "idempotency_token", "agent", "due_at", "created_at") values (${tenantId}, ${intent.id}, ${intent.operation}, ${intent.principalId}, ${intent.requestId}, 'intended', ${intent.intent}, ${intent.keyToken}, ${intent.agent && JSON.stringify(intent.agent)}, ${timestamp(intent.dueAt)}, ${timestamp(now)})`,
      ),
    ];
  }
  // By its intent too: the key may have expired meanwhile and begun another.
  const mine = sql`"idempotency"."tenant_id" = ${tenantId} and ("idempotency"."principal_id", "idempotency"."operation", "idempotency"."key_token") in (select "intents"."principal_id", "intents"."operation", "intents"."idempotency_token" from "intents" where "intents"."tenant_id" = ${tenantId} and "intents"."id" = ${intent.id}) and "idempotency"."intent_id" = ${intent.id}`;
  if (intent.step === "abandon") {
    return [
      statementOf(sql`delete from "idempotency" where ${mine}`),
      stateRow(tenantId, intent.id, "abandoned"),
    ];
  }
  const { answer, subjectId } = await intent.seal();
  return [
    statementOf(
      sql`update "idempotency" set "status" = ${intent.status}, "answer" = ${answer}, "subject_id" = ${subjectId} where ${mine}`,
    ),
    stateRow(tenantId, intent.id, "settled"),
  ];
}

function stateRow(tenantId: string, id: string, state: "settled" | "abandoned"): Statement {
  return statementOf(
    sql`update "intents" set "state" = ${state} where "intents"."tenant_id" = ${tenantId} and "intents"."id" = ${id}`,
  );
}

const Agent: z.ZodType<SupportActor> = z.object({
  kind: z.literal("support-agent"),
  id: z.string(),
  support: z.object({ sessionId: z.string(), grantId: z.string(), memberId: z.string() }),
});

const Intent = z.object({
  id: z.string(),
  operation: z.string(),
  principal_id: z.string(),
  request_id: z.string(),
  intent: z.string().transform((text): unknown => JSON.parse(text)),
  idempotency_token: z.string().nullable(),
  agent: z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(Agent)
    .nullable(),
});
export type StoredIntent = z.output<typeof Intent>;

/** Makes one sweeper the owner by moving the due time, further with every failed attempt; null where another was first. */
export async function claimIntent(
  driver: TenantDriver,
  id: string,
  now: number,
): Promise<StoredIntent | null> {
  const [rows] = await driver.execute([
    statementOf(
      sql`update "intents" set "attempts" = "attempts" + 1, "due_at" = strftime('%Y-%m-%dT%H:%M:%fZ', ${timestamp(now + minuteMs)}, '+' || (5 * "attempts") || ' minutes') where "intents"."tenant_id" = ${driver.tenantId} and "intents"."id" = ${id} and "intents"."state" = 'intended' and "intents"."due_at" <= ${timestamp(now)} returning "id", "operation", "principal_id", "request_id", "intent", "idempotency_token", "agent"`,
    ),
  ]);
  return rows?.[0] ? Intent.parse(rows[0]) : null;
}
