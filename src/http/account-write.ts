import type { Change } from "#db/changes.ts";
import type { ReplayKey } from "#db/replay.ts";
import { metaOf } from "#db/tenant-table.ts";
import { errorFields, log } from "#platform/log.ts";
import { UserCommit } from "./account-operation.ts";
import { accountRecord, recordOf, replayedAnswer } from "./account-replay.ts";
import { afterDirectoryCommit } from "./after-commit.ts";
import { draftOf, filled } from "./answer.ts";
import { dataAnswer, problemAnswer } from "./answers.ts";
import { commitToDirectory, type DirectoryRun } from "./directory-run.ts";
import { type Commit, Refusal } from "./outcome.ts";
import type { AnyAccount } from "./registry.ts";
import { respond } from "./respond.ts";
import { refusalOf } from "./write.ts";

const mostTries = 3;

/** For whom something is written, and on what it rests. */
interface Writing {
  readonly operation: AnyAccount;
  readonly userId: string | null;
  readonly guards: readonly Change[];
  /** Its record was looked for before, and was not there. */
  readonly key: ReplayKey | null;
}

/** A lost version reruns the handler, as in the tenants' door; a key that was used meanwhile is answered by its record. */
export async function written(
  run: DirectoryRun,
  { operation, userId, guards, key }: Writing,
  handle: () => Promise<Commit<unknown> | Refusal>,
): Promise<Response> {
  const { c } = run;
  for (let tries = 1; ; tries += 1) {
    const outcome = await handle();
    if (outcome instanceof Refusal) {
      const record = key && (await recordOf(run, key));
      if (key && record) return replayedAnswer(c, key, record);
      if (outcome.changes.length > 0) {
        const { kind } = await commitToDirectory(run, userId, outcome.changes);
        // What it changes was overtaken: it is asked anew, and nobody is sent on with what was not written.
        if (kind === "lost" && tries < mostTries) continue;
        if (kind !== "committed" && outcome.details.challenge !== undefined)
          return problemAnswer(c, "conflict");
        await endedInCells(run, outcome.changes);
        c.executionCtx.waitUntil(afterDirectoryCommit(c.env, outcome.changes));
      }
      return problemAnswer(c, outcome.problem, outcome.details);
    }
    const draft = draftOf(operation.returns, outcome.answer);
    const actor = outcome instanceof UserCommit ? outcome.userId : userId;
    const record = key && actor !== null ? accountRecord(run, operation, actor, key, draft) : null;
    const committed =
      outcome.changes.length > 0 || guards.length > 0
        ? await commitToDirectory(run, actor, [...guards, ...outcome.changes], record)
        : { kind: "committed" as const, assigned: {} };
    if (committed.kind === "committed") {
      c.executionCtx.waitUntil(afterDirectoryCommit(c.env, outcome.changes));
      await joinedInCells(run, outcome.changes).catch((error: unknown) =>
        log("warn", "a member joins later", errorFields(error)),
      );
      const isTold = await endedInCells(run, outcome.changes);
      // What is shown once is lost where it is not answered.
      if (!isTold && operation.status === 204) return respond(c, 202, null);
      return dataAnswer(c, operation.status ?? 200, filled(draft, committed.assigned));
    }
    const meanwhile = key && (await recordOf(run, key));
    if (key && meanwhile) return replayedAnswer(c, key, meanwhile);
    if (committed.kind === "refused") {
      const refusal = refusalOf(committed.refusal);
      return problemAnswer(c, refusal.problem, refusal.details);
    }
    if (tries === mostTries) return problemAnswer(c, "conflict");
  }
}

// A business's own sign-in lets in whom it has never seen; where its cell is away, the next token is asked for in vain.
async function joinedInCells({ context }: DirectoryRun, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    if (change.kind !== "insert" || metaOf(change.table).entity !== "session") continue;
    for (const { sso, userId } of change.rows)
      if (typeof sso === "string") await context.accounts.federation.join(sso, String(userId));
  }
}

// Before the answer: whoever ended a session was promised that no later request is served in it.
async function endedInCells({ context }: DirectoryRun, changes: readonly Change[]): Promise<boolean> {
  const ended = changes.flatMap((change) =>
    change.kind === "update" && metaOf(change.table).entity === "session" && change.patch.state === "ended"
      ? [{ id: String(change.before.id), userId: String(change.before.userId) }]
      : [],
  );
  const byUser = Map.groupBy(ended, ({ userId }) => userId);
  const told = await Promise.all(
    [...byUser].map(([userId, rows]) =>
      context.accounts.endInCells(
        userId,
        rows.map(({ id }) => id),
      ),
    ),
  );
  return told.every((isTold) => isTold);
}
