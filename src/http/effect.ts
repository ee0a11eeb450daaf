import type { Change } from "#db/changes.ts";
import type { CommitOutcome } from "#db/commit.ts";
import type { IntentStep } from "#db/intent-rows.ts";
import { type ReplayKey, type ReplayPlace, recordDraft, sealedAnswer } from "#db/replay.ts";
import { wholeTenant } from "#db/scope.ts";
import type { Keys } from "#db/sealing.ts";
import type { SystemRun } from "#db/system-commit.ts";
import { TenantSession, tenantDb } from "#db/tenant-db.ts";
import { invitationsOf } from "#gate/invitations.ts";
import { membershipsOf } from "#gate/memberships.ts";
import { ownersOf } from "#gate/owners.ts";
import { sandboxOf } from "#gate/sandbox.ts";
import { ssoDomainClaimsOf } from "#gate/sso-claims.ts";
import { secondMs } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { tenantFiles } from "#platform/tenant-files.ts";
import { draftOf, filled, type JsonAnswer } from "./answer.ts";
import { problemAnswer } from "./answers.ts";
import { ifMatchHolds } from "./conditional.ts";
import { answered, commitRun, type Run, supportActorOf } from "./execute.ts";
import type { Ports, TenantContext } from "./operation.ts";
import { Refusal, refuse } from "./outcome.ts";
import { rawBodyTerms, type StreamedBody, streamedBody } from "./raw-body.ts";
import type { AnyEffect, AnyInput } from "./registry.ts";
import { lookUp, refusalOf, refused, tellAfterwards } from "./write.ts";

const mostTries = 3;

/** intend → perform → settle. Killed between any two, the sweeper goes on from the stored intent. */
export async function executeEffect(
  run: Run,
  operation: AnyEffect,
  input: AnyInput,
  key: ReplayKey | null,
): Promise<Response> {
  const intended = await operation.intend(run.context, input);
  if (intended instanceof Refusal) return await refused(run, operation, key, intended, false);
  const ifMatch = operation.problems.includes("precondition-failed")
    ? run.c.req.header("if-match")
    : undefined;
  if (ifMatch !== undefined && !ifMatchHolds(ifMatch, intended))
    return problemAnswer(run.c, "precondition-failed");
  const id = run.context.newId("int");
  const intent = operation.intent.parse(intended.answer);
  const committed = await commitRun(run, run.session, intended.changes, {
    record: claimOf(run, key, id),
    intent: stepOf(run, operation, key, id, intent),
  });
  if (committed.kind === "refused")
    return await refused(run, operation, key, refusalOf(committed.refusal), false);
  if (committed.kind === "lost") {
    const replay = key ? await lookUp(run, operation, key) : null;
    return replay ?? problemAnswer(run.c, ifMatch === undefined ? "conflict" : "precondition-failed");
  }
  tellAfterwards(run, intended);
  const by = { job: run.operation, requestId: run.c.get("state").requestId, now: run.now };
  const ports = portsOf(run.c.env, run.caller.cell, run.caller.keys, by);
  let result: unknown;
  try {
    result = await operation.perform(ports, intent, id, bodyOf(run, operation));
  } catch (error) {
    log("error", "an effect did not perform; its intent stays", {
      operation: run.operation,
      intent: id,
      ...errorFields(error),
    });
    return problemAnswer(run.c, "upstream-failed", { retryAfterSeconds: retryAfter(operation) });
  }
  const settled = await settleIntent(operation, { id, intent, key }, result, settlingOf(run, ports));
  if (settled.kind === "lost") {
    await operation.abandon?.(ports, intent, id, result);
    return await endedElsewhere(run, operation, key);
  }
  if (settled.kind === "refused")
    return problemAnswer(run.c, settled.refusal.problem, settled.refusal.details);
  tellAfterwards(run, settled);
  return await answered(run, operation.status ?? 200, settled.answer, operation.returns);
}

/** What an effect of this tenant may touch, in a request or long after it. */
export function portsOf(env: Env, cell: Cell, keys: Keys, run: SystemRun): Ports {
  const { tenantId } = keys;
  return {
    files: tenantFiles(cell.files, tenantId),
    invitations: invitationsOf(env, cell, keys, run),
    ssoDomains: ssoDomainClaimsOf(env, tenantId, run),
    owners: ownersOf(env, cell, keys, run),
    memberships: membershipsOf(env, cell, tenantId, run),
    sandbox: sandboxOf(env, cell, tenantId, run),
  };
}

function bodyOf(run: Run, operation: AnyEffect): StreamedBody | undefined {
  const terms = rawBodyTerms(operation.body);
  return terms ? streamedBody(run.c, terms) : undefined;
}

// Bytes that came to nothing may be sent again at once; whatever else is under way is the sweeper's to end.
function retryAfter(operation: AnyEffect): number {
  return rawBodyTerms(operation.body) ? 5 : operation.resumeAfterSeconds;
}

// The sweeper ended it, or will: the record has the answer that stands, and none where the effect was undone.
async function endedElsewhere(run: Run, operation: AnyEffect, key: ReplayKey | null): Promise<Response> {
  const replay = key ? await lookUp(run, operation, key) : null;
  if (replay) return replay;
  return key || operation.abandon
    ? problemAnswer(run.c, "conflict")
    : problemAnswer(run.c, "in-progress", { retryAfterSeconds: operation.resumeAfterSeconds });
}

export type Settled =
  | { readonly kind: "settled"; readonly answer: JsonAnswer; readonly changes: readonly Change[] }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "lost" };

/** An intent that was committed, and whose record its settlement completes. */
export interface Begun {
  readonly id: string;
  readonly intent: unknown;
  readonly key: ReplayPlace | null;
}

/** What settling needs of its surroundings: a request's, or the sweeper's. */
export interface Settling {
  readonly context: TenantContext;
  readonly ports: Ports;
  readonly keys: Keys;
  readonly commit: (changes: readonly Change[], intent: IntentStep) => Promise<CommitOutcome>;
}

/** The final commit, as the system: the effect has happened, so it no longer asks what its principal may do by now. */
export async function settleIntent(
  operation: AnyEffect,
  begun: Begun,
  result: unknown,
  { context, ports, keys, commit }: Settling,
): Promise<Settled> {
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const outcome = await operation.settle(context, begun.intent, result);
    if (outcome instanceof Refusal) {
      await undo(operation, begun, result, { ports, commit }, outcome.changes);
      return { kind: "refused", refusal: outcome };
    }
    const draft = draftOf(operation.returns, outcome.answer);
    const { key, id } = begun;
    const committed = await commit(outcome.changes, {
      step: "settle",
      id,
      status: operation.status ?? 200,
      seal: key
        ? sealedAnswer(keys, key, outcome.changes, draft.json)
        : async () => ({ answer: null, subjectId: null }),
    });
    if (committed.kind === "committed")
      return { kind: "settled", answer: filled(draft, committed.assigned), changes: outcome.changes };
    if (committed.kind === "lost" && committed.what === "intent") return { kind: "lost" };
    // A guard that fails is a race lost, as a version is: what settle reads now is another state.
    if (committed.kind === "refused" && isOverNow(committed.refusal)) {
      await undo(operation, begun, result, { ports, commit });
      return { kind: "refused", refusal: refuse("unauthorized") };
    }
    if (committed.kind === "refused" && tries === mostTries)
      throw new Error(`A settlement was refused by its own guard: ${committed.refusal.problem}`);
  }
  return { kind: "lost" };
}

// Of an agent of support, whose visit ended while the effect was under way.
function isOverNow({ problem }: { readonly problem: string }): boolean {
  return problem === "unauthorized";
}

async function undo(
  operation: AnyEffect,
  { id, intent }: Begun,
  result: unknown,
  { ports, commit }: Pick<Settling, "ports" | "commit">,
  changes: readonly Change[] = [],
): Promise<void> {
  await operation.abandon?.(ports, intent, id, result);
  await operation.discard?.(ports, intent, result);
  await commit(changes, { step: "abandon", id });
}

function settlingOf(run: Run, ports: Ports): Settling {
  const { keys } = run.caller;
  const session = new TenantSession(run.driver, { reach: wholeTenant, keys, epoch: null });
  const commit = (changes: readonly Change[], intent: IntentStep) =>
    commitRun(run, session, changes, { record: null, intent });
  return { context: { ...run.context, tenant: tenantDb(session) }, ports, keys, commit };
}

function claimOf(run: Run, key: ReplayKey | null, intentId: string) {
  if (!key) return null;
  return recordDraft(key, {
    status: null,
    intentId,
    seal: async () => ({ answer: null, subjectId: null }),
    now: run.now,
    days: 1,
  });
}

function stepOf(
  run: Run,
  operation: AnyEffect,
  key: ReplayKey | null,
  id: string,
  intent: unknown,
): IntentStep {
  return {
    step: "intend",
    id,
    operation: run.operation,
    principalId: run.caller.principal.id,
    agent: supportActorOf(run.caller),
    requestId: run.c.get("state").requestId,
    intent: JSON.stringify(intent),
    keyToken: key?.token ?? null,
    dueAt: run.now + operation.resumeAfterSeconds * secondMs,
  };
}
