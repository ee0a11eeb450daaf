import type { SupportActor } from "./audit-rows.ts";
import type { Change } from "./changes.ts";
import { type CommitOutcome, commitChanges, type RecordDraft } from "./commit.ts";
import type { IntentStep } from "./intent-rows.ts";
import type { TenantSession } from "./tenant-db.ts";

/** Why the system writes: the job's name stands as the audit's operation, the run's id as its request. */
export interface SystemRun {
  readonly job: string;
  readonly requestId: string;
  readonly now: number;
  /** On whose behalf, where it is an integration's: an id of ours. */
  readonly actorId?: string;
  /** Where it goes on with what an agent of support began, who is whose doing it is. */
  readonly agent?: SupportActor | null;
}

/** The same one writer for jobs and sagas, which act as the system. */
export async function commitAsSystem(
  session: TenantSession,
  run: SystemRun,
  changes: readonly Change[],
  intent: IntentStep | null = null,
  record: RecordDraft | null = null,
): Promise<CommitOutcome> {
  const audit = {
    now: run.now,
    requestId: run.requestId,
    operation: run.job,
    actor: run.agent ?? { kind: "system" as const, id: run.actorId ?? "system" },
    caller: null,
  };
  return await commitChanges(session, { audit, record, intent }, changes);
}
