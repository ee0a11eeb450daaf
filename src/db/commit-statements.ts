import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import { type Guard, type Insert, isAssigned, type Remove, type Update } from "./changes.ts";
import { scoped, wholeTenant } from "./scope.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { ResultRows } from "./store.ts";
import type { TenantSession } from "./tenant-db.ts";

/** What a guard of the commit itself raises; guards of changes are numbered. */
export const codes = {
  state: "state-moved",
  intent: "intent-moved",
  reach: "out-of-reach",
  erased: "subject-erased",
  replay: "replayed-before",
} as const;

/** The stored answer of a POST, so that its replay is the same answer. */
export interface IdempotencyRecord {
  readonly principalId: string;
  readonly operation: string;
  readonly keyToken: string;
  /** The same key under older index keys: where one of them stands, this is a replay. */
  readonly olderTokens: readonly string[];
  readonly fingerprint: string;
  readonly intentId: string | null;
  /** The HTTP status; null while an effect is under way. */
  readonly status: number | null;
  /** JSON, or its envelope under subjectId's key. */
  readonly answer: string | null;
  readonly subjectId: string | null;
  readonly expiresAt: number;
}

export function commitRow(session: TenantSession, id: string, now: number): Statement {
  return statementOf(
    sql`insert into "commits" ("tenant_id", "id", "created_at") values (${session.tenantId}, ${id}, ${timestamp(now)})`,
  );
}

export function recordRow(
  session: TenantSession,
  record: IdempotencyRecord,
  commitId: string,
  now: number,
): Statement {
  return statementOf(
    sql`insert into "idempotency" ("tenant_id", "principal_id", "operation", "key_token", "fingerprint", "commit_id", "intent_id", "status", "answer", "subject_id", "created_at", "expires_at") values (${session.tenantId}, ${record.principalId}, ${record.operation}, ${record.keyToken}, ${record.fingerprint}, ${commitId}, ${record.intentId}, ${record.status}, ${record.answer}, ${record.subjectId}, ${timestamp(now)}, ${timestamp(record.expiresAt)})`,
  );
}

/** The unique key sees one token alone; a record from before a rotation bears another. */
export function olderRecordGuards(
  session: TenantSession,
  record: Pick<IdempotencyRecord, "principalId" | "operation" | "olderTokens">,
  now: number,
): Statement[] {
  if (record.olderTokens.length === 0) return [];
  return [
    guardStatement(
      codes.replay,
      sql`exists (select 1 from "idempotency" where "idempotency"."tenant_id" = ${session.tenantId} and "principal_id" = ${record.principalId} and "operation" = ${record.operation} and "key_token" in (select value from json_each(${JSON.stringify(record.olderTokens)})) and "expires_at" > ${timestamp(now)})`,
    ),
  ];
}

/** The request's rights must still be the cell's; the system is held to the tenant not being taken down. */
export function stateGuard(session: TenantSession): Statement {
  const state = sql`"tenant_state"."tenant_id" = ${session.tenantId}`;
  const isActive = sql`${state} and "tenant_state"."state" = 'active'`;
  const holds =
    session.epoch === null
      ? sql`${state} and "tenant_state"."state" <> 'closing'`
      : session.epoch === "any"
        ? isActive
        : sql`${isActive} and "tenant_state"."epoch" = ${session.epoch}`;
  return guardStatement(codes.state, sql`not exists (select 1 from "tenant_state" where ${holds})`);
}

/** A guard's code, which SQLite hands back as the error: letters and dashes only. */
export function guardCode(kind: "guard" | "update" | "remove", index: number): string {
  const letters = [...String(index)].map((digit) => String.fromCharCode(97 + Number(digit))).join("");
  return `${kind === "guard" ? "guard" : "version"}-${letters}`;
}

export function rowGuard(session: TenantSession, code: string, guard: Guard): Statement {
  // What must not be there counts wherever it is; what must be there has to be within the principal's sight.
  const reach = guard.expect === "absent" ? wholeTenant : session.reach;
  const found = sql`exists (select 1 from ${guard.table} where ${scoped(guard.table, session.tenantId, reach)} and (${guard.where}))`;
  return guardStatement(code, guard.expect === "exists" ? sql`not ${found}` : found);
}

export function versionGuard(session: TenantSession, code: string, change: Update | Remove): Statement {
  const { table, before } = change;
  return guardStatement(
    code,
    sql`not exists (select 1 from ${table} where ${scoped(table, session.tenantId, session.reach)} and ${table.id} = ${before.id} and ${table.version} = ${before.version})`,
  );
}

export function guardStatement(code: string, fails: SQL): Statement {
  return statementOf(sql`insert into "commit_guard" ("code") select ${code} where ${fails}`);
}

export function epochBump(session: TenantSession): Statement {
  return statementOf(
    sql`update "tenant_state" set "epoch" = "epoch" + 1 where "tenant_state"."tenant_id" = ${session.tenantId}`,
  );
}

/** The counters whose next number some row of these changes takes. */
export function countersOf(changes: readonly (Insert | Update | Remove)[]): string[] {
  const taken = changes.flatMap((change) =>
    change.kind === "insert" ? change.rows : change.kind === "update" ? [change.patch] : [],
  );
  const counters = taken
    .flatMap((row) => Object.values(row))
    .flatMap((value) => (isAssigned(value) ? [value.$assigned] : []));
  if (new Set(counters).size < counters.length)
    throw new Error("A commit takes the next number of a counter once.");
  return counters;
}

export function counterBump(session: TenantSession, name: string, by: number): Statement {
  return statementOf(
    sql`update "counters" set "value" = "value" + ${sql.raw(String(by))} where "counters"."tenant_id" = ${session.tenantId} and "counters"."name" = ${name}`,
  );
}

export function counterValue(session: TenantSession, name: string): SQL {
  return sql`(select "counters"."value" from "counters" where "counters"."tenant_id" = ${session.tenantId} and "counters"."name" = ${name})`;
}

export function assignedRow(
  session: TenantSession,
  commitId: string,
  counters: readonly string[],
): Statement {
  const pairs = counters.map((counter) => sql`${counter}, ${counterValue(session, counter)}`);
  return statementOf(
    sql`update "commits" set "assigned" = json_object(${sql.join(pairs, sql`, `)}) where "commits"."tenant_id" = ${session.tenantId} and "commits"."id" = ${commitId} returning "assigned"`,
  );
}

/** Reads what an earlier try assigned; an update, so that it is answered by the primary. */
export function assignedAgain(session: TenantSession, commitId: string): Statement {
  return statementOf(
    sql`update "commits" set "assigned" = "assigned" where "commits"."tenant_id" = ${session.tenantId} and "commits"."id" = ${commitId} returning "assigned"`,
  );
}

const Numbers = z.record(z.string(), z.number());

export function parseAssigned(rows: ResultRows | undefined): Readonly<Record<string, number>> {
  const text = rows?.[0]?.assigned;
  return typeof text === "string" ? Numbers.parse(JSON.parse(text)) : {};
}
