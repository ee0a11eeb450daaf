import { type Replay, type ReplayKey, recordDraft, replayQuery, sealedAnswer } from "#db/replay.ts";
import { Store } from "#db/store.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { afterCommit } from "./after-commit.ts";
import { draftOf, filled, type JsonAnswer, withoutShownOnce } from "./answer.ts";
import { problemAnswer } from "./answers.ts";
import { ifMatchHolds } from "./conditional.ts";
import { answered, commitRun, type Run } from "./execute.ts";
import { replayOf } from "./idempotency-key.ts";
import { type Commit, Refusal } from "./outcome.ts";
import { isProblemName, type ProblemDetails } from "./problem.ts";
import { refusalNotes } from "./refusal-notes.ts";
import type { AnyEffect, AnyInput, AnyWrite } from "./registry.ts";

const mostTries = 3;

/** run → parse the answer → commit → answer. A lost version reruns the handler; a used key is answered by its record. */
export async function executeWrite(
  run: Run,
  operation: AnyWrite,
  input: AnyInput,
  key: ReplayKey | null,
): Promise<Response> {
  const ifMatch = operation.problems.includes("precondition-failed")
    ? run.c.req.header("if-match")
    : undefined;
  for (let tries = 1; ; tries += 1) {
    const found = key ? rideAlong(run, key) : null;
    const outcome = await operation.run(run.context, input);
    const earlier = found?.();
    if (key && earlier) return await replayed(run, operation, key, earlier);
    if (outcome instanceof Refusal)
      return await refused(run, operation, key, outcome, found !== null && earlier === null);
    if (ifMatch !== undefined && !ifMatchHolds(ifMatch, outcome))
      return problemAnswer(run.c, "precondition-failed");
    const draft = draftOf(operation.returns, outcome.answer);
    const committed = await commitRun(run, run.session, outcome.changes, {
      record: recordOf(run, operation, key, outcome, draft),
      intent: null,
    });
    if (committed.kind === "committed") {
      tellAfterwards(run, outcome);
      return await answered(
        run,
        operation.status ?? 200,
        filled(draft, committed.assigned),
        operation.returns,
      );
    }
    if (committed.kind === "refused")
      return await refused(run, operation, key, refusalOf(committed.refusal), false);
    const replay = key ? await lookUp(run, operation, key) : null;
    if (replay) return replay;
    if (ifMatch !== undefined) return problemAnswer(run.c, "precondition-failed");
    if (tries === mostTries) return problemAnswer(run.c, "conflict");
  }
}

export function tellAfterwards(run: Run, { changes }: Pick<Commit<unknown>, "changes">): void {
  const { c, caller } = run;
  c.executionCtx.waitUntil(afterCommit(c.env, caller.cell, caller.policy.tenantId, changes));
}

function recordOf(
  run: Run,
  operation: AnyWrite,
  key: ReplayKey | null,
  outcome: Commit<unknown>,
  draft: JsonAnswer,
) {
  if (!key) return null;
  const kept = withoutShownOnce(draft.json, operation.shownOnce ?? []);
  return recordDraft(key, {
    status: operation.status ?? 200,
    intentId: null,
    seal: sealedAnswer(run.caller.keys, key, outcome.changes, kept),
    now: run.now,
    days: operation.keepsReplayDays ?? 1,
  });
}

// The look-up costs nothing where the handler reads: it rides in the same round trip.
function rideAlong(run: Run, key: ReplayKey): () => Replay | null | undefined {
  let earlier: Replay | null | undefined;
  const query = replayQuery(key, run.now);
  run.session.ride({
    statement: (context) => query.statement(context),
    async decode(context, rows) {
      earlier = await query.decode(context, rows);
      run.replay.isFound = earlier !== null;
    },
  });
  return () => earlier;
}

/** The earlier answer, or null. Asks the primary, which has seen whatever made this commit fail. */
export async function lookUp(
  run: Run,
  operation: AnyWrite | AnyEffect,
  key: ReplayKey,
): Promise<Response | null> {
  const { caller, session } = run;
  const driver = new TenantDriver(new Store(caller.cell.database, "first-primary"), session.tenantId);
  const { reach, keys, epoch } = session;
  const { found } = await new TenantSession(driver, { reach, keys, epoch }).read({
    found: replayQuery(key, run.now),
  });
  return found && (await replayed({ ...run, driver }, operation, key, found));
}

async function replayed(
  run: Run,
  { returns }: AnyWrite | AnyEffect,
  key: ReplayKey,
  replay: Replay,
): Promise<Response> {
  const again = replayOf(run.c, key, replay);
  return again instanceof Refusal
    ? problemAnswer(run.c, again.problem, again.details)
    : await answered(run, again.status, filled(again.answer, again.assigned), returns);
}

/** A refusal is answered only when no earlier answer stands for its key; then what it records is committed. */
export async function refused(
  run: Run,
  operation: AnyWrite | AnyEffect,
  key: ReplayKey | null,
  refusal: Refusal,
  lookedUp: boolean,
): Promise<Response> {
  const replay = key && !lookedUp ? await lookUp(run, operation, key) : null;
  if (replay) return replay;
  const changes = [...refusal.changes, ...refusalNotes(run.operation, operation, refusal.problem)];
  if (changes.length > 0) await commitRun(run, run.session, changes, { record: null, intent: null });
  return problemAnswer(run.c, refusal.problem, refusal.details);
}

export function refusalOf(guard: { problem: string; pointer?: string }): Refusal {
  if (!isProblemName(guard.problem)) throw new Error(`A guard names an unknown problem: ${guard.problem}`);
  const details: ProblemDetails =
    guard.pointer === undefined
      ? {}
      : { errors: [{ pointer: guard.pointer, detail: "refers to nothing that exists here" }] };
  return new Refusal(guard.problem, details, []);
}
