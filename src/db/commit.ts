import { sql } from "drizzle-orm";
import { newId } from "#platform/ids.ts";
import { type AuditContext, auditStatements } from "./audit-rows.ts";
import { type Change, type GuardRefusal, type Insert, note, type Remove, type Update } from "./changes.ts";
import * as say from "./commit-statements.ts";
import { batchFailure, isWorthOneRetry } from "./d1-errors.ts";
import { destroyedGuard, destroySubjectRows, livingGuard } from "./erasure.ts";
import { eventStatements } from "./event-rows.ts";
import { type IntentStep, intentGuards, intentRows } from "./intent-rows.ts";
import { isWithinReach } from "./scope.ts";
import { SubjectErased, sealRow } from "./sealing.ts";
import type { Statement } from "./statement.ts";
import type { ResultRows } from "./store.ts";
import type { TenantSession } from "./tenant-db.ts";
import { metaOf } from "./tenant-table.ts";
import { insertRows, newSubjects, removeRow, searchRows, updateRow } from "./write-rows.ts";

/** What a commit writes besides the changes themselves. */
export interface Envelope {
  readonly audit: AuditContext;
  /** What is kept for a replay; an effect's is completed by the commit that settles it. */
  readonly record: RecordDraft | null;
  readonly intent: IntentStep | null;
}

/** The record but for its answer, which may have to be sealed under a subject that this very commit creates. */
export type RecordDraft = Omit<say.IdempotencyRecord, "answer" | "subjectId"> & {
  readonly seal: () => Promise<{ answer: string | null; subjectId: string | null }>;
};

export type CommitOutcome =
  | { readonly kind: "committed"; readonly assigned: Readonly<Record<string, number>> }
  | { readonly kind: "refused"; readonly refusal: GuardRefusal }
  | { readonly kind: "lost"; readonly what: "epoch" | "version" | "replay" | "intent" };

/**
 * Executes the changes as one batch: commit id, idempotency record, guards, writes with their audit rows copied by SQL,
 * events. Either all of it stands afterwards or nothing does.
 */
export async function commitChanges(
  session: TenantSession,
  envelope: Envelope,
  changes: readonly Change[],
): Promise<CommitOutcome> {
  const { audit, intent } = envelope;
  const commitId = newId("cmt");
  const guards = guardsOf(session, changes);
  const rowChanges = changes.filter(isRowChange);
  const counters = say.countersOf(rowChanges);
  const body = await bodyOf(session, audit, rowChanges, changes).catch(asErased);
  if (body === null) return { kind: "refused", refusal: erased };
  const batch: Statement[] = [
    say.commitRow(session, commitId, audit.now),
    ...(envelope.record
      ? [
          ...say.olderRecordGuards(session, envelope.record, audit.now),
          say.recordRow(
            session,
            { ...envelope.record, ...(await envelope.record.seal()) },
            commitId,
            audit.now,
          ),
        ]
      : []),
    say.stateGuard(session),
    ...(intent ? intentGuards(session, intent) : []),
    ...guards.map(({ statement }) => statement),
    ...(isWithin(session, changes) ? [] : [say.guardStatement(say.codes.reach, sql`1`)]),
    ...counters.map((counter) => say.counterBump(session, counter, 1)),
    ...body,
    ...(intent ? await intentRows(session, intent, audit.now) : []),
    ...(counters.length > 0 ? [say.assignedRow(session, commitId, counters)] : []),
  ];
  try {
    const results = await executeOnce(session, batch, say.assignedAgain(session, commitId));
    return {
      kind: "committed",
      assigned: say.parseAssigned(counters.length > 0 ? results.at(-1) : undefined),
    };
  } catch (error) {
    return outcomeOf(error, guards);
  }
}

const erased: GuardRefusal = { problem: say.codes.erased };

function asErased(error: unknown): null {
  if (error instanceof SubjectErased) return null;
  throw error;
}

// A lost connection leaves open whether the batch was committed. Its first statement is the commit's unique id, so the
// second try either does the work or fails on that id, which says that it was done.
async function executeOnce(
  session: TenantSession,
  batch: readonly Statement[],
  again: Statement,
): Promise<ResultRows[]> {
  try {
    return await session.execute(batch);
  } catch (error) {
    if (!isWorthOneRetry(error)) throw error;
  }
  try {
    return await session.execute(batch);
  } catch (error) {
    if (batchFailure(error)?.code !== "commits") throw error;
    return await session.execute([again]);
  }
}

function outcomeOf(error: unknown, guards: readonly NamedGuard[]): CommitOutcome {
  const code = batchFailure(error)?.code;
  if (code === "idempotency" || code === say.codes.replay) return { kind: "lost", what: "replay" };
  if (code === say.codes.state) return { kind: "lost", what: "epoch" };
  if (code === say.codes.intent) return { kind: "lost", what: "intent" };
  if (code === say.codes.erased) return { kind: "refused", refusal: erased };
  // After the guards, so that a reference out of reach is refused as an absent one is.
  if (code === say.codes.reach) return { kind: "refused", refusal: { problem: "forbidden" } };
  const guard = guards.find((named) => named.code === code);
  if (!guard) throw error;
  return guard.otherwise === null
    ? { kind: "lost", what: "version" }
    : { kind: "refused", refusal: guard.otherwise };
}

function isWithin(session: TenantSession, changes: readonly Change[]): boolean {
  return changes.every((change) => change.kind !== "insert" || isWithinReach(session.reach, change));
}

interface NamedGuard {
  readonly code: string;
  readonly statement: Statement;
  /** null: the row's version was lost. */
  readonly otherwise: GuardRefusal | null;
}

function guardsOf(session: TenantSession, changes: readonly Change[]): NamedGuard[] {
  const sealedFor = [...new Set(changes.flatMap(subjectsSealedFor))];
  const numbered = changes.flatMap((change, index): NamedGuard[] => {
    if (change.kind === "guard" || change.kind === "destroy") {
      const code = say.guardCode("guard", index);
      return [
        change.kind === "guard"
          ? { code, otherwise: change.otherwise, statement: say.rowGuard(session, code, change) }
          : { code, otherwise: erased, statement: destroyedGuard(session, code, change) },
      ];
    }
    if (change.kind === "upkeep") {
      const code = say.guardCode("update", index);
      return [{ code, otherwise: null, statement: say.guardStatement(code, change.unless) }];
    }
    if (change.kind !== "update" && change.kind !== "remove") return [];
    const code = say.guardCode(change.kind, index);
    return [{ code, otherwise: null, statement: say.versionGuard(session, code, change) }];
  });
  if (sealedFor.length === 0) return numbered;
  const { erased: code } = say.codes;
  return [...numbered, { code, otherwise: erased, statement: livingGuard(session, code, sealedFor) }];
}

// Who comes into being in this batch has no tombstone: a trigger looks when the key is inserted.
function subjectsSealedFor(change: Change): string[] {
  if (change.kind !== "insert" && change.kind !== "update") return [];
  const { subject, classification } = metaOf(change.table);
  if (subject === null) return [];
  if (change.kind === "insert") return subject === "id" ? [] : change.rows.map((row) => String(row[subject]));
  const isSealed = (key: string) => ["personal", "sensitive"].includes(classification.get(key) ?? "");
  return Object.keys(change.patch).some(isSealed) ? [String(change.before[subject])] : [];
}

type RowChange = Insert | Update | Remove;

function isRowChange(change: Change): change is RowChange {
  return change.kind === "insert" || change.kind === "update" || change.kind === "remove";
}

async function bodyOf(
  session: TenantSession,
  audit: AuditContext,
  rowChanges: readonly RowChange[],
  changes: readonly Change[],
) {
  const destroyed = changes.filter((change) => change.kind === "destroy");
  const told = destroyed.map(({ subjectId }) => note("subject", subjectId, { destroyed: true }));
  const audited = auditStatements(session, audit, [...changes, ...told]);
  const statements: Statement[] = [...audited.counter];
  for (const change of rowChanges) {
    const copies = audited.of(change);
    statements.push(
      ...(change.kind === "remove"
        ? [...copies, ...removeRow(session, change)]
        : [...(await writesOf(session, change, audit.now)), ...copies]),
    );
  }
  for (const change of changes) if (change.kind === "upkeep") statements.push(...change.statements);
  for (const change of destroyed) statements.push(...destroySubjectRows(session, change, audit.now));
  if (rowChanges.some((change) => metaOf(change.table).movesEpoch)) statements.push(say.epochBump(session));
  return [...statements, ...audited.notes, ...eventStatements(session, audit, changes)];
}

async function writesOf(session: TenantSession, change: Insert | Update, now: number): Promise<Statement[]> {
  const { subject } = metaOf(change.table);
  if (change.kind === "update") {
    const { before, patch } = change;
    const subjectId = subject === null ? null : String(before[subject]);
    const sealed = await sealRow(session.keys, change.table, String(before.id), subjectId, patch);
    return [...updateRow(session, change, sealed), ...(await searchRows(session, change))];
  }
  const subjects = await newSubjects(session, change, now);
  const rows: Record<string, unknown>[] = [];
  for (const row of change.rows) {
    rows.push(
      await sealRow(
        session.keys,
        change.table,
        String(row.id),
        subject === null ? null : String(row[subject]),
        row,
      ),
    );
  }
  return [...subjects, ...insertRows(session, change, rows), ...(await searchRows(session, change))];
}
