import { sql } from "drizzle-orm";
import { z } from "zod";
import { destroy } from "./changes.ts";
import { keylessSession } from "./open-tenant.ts";
import { statementOf } from "./statement.ts";
import { commitAsSystem, type SystemRun } from "./system-commit.ts";

/** Whose key was destroyed, and when: what is kept outside of the database to be replayed after a restore. */
export interface Tombstone {
  readonly tenantId: string;
  readonly subjectId: string;
  readonly destroyedAt: string;
}

export type DestroyOutcome = "destroyed" | "destroyed-before" | "no-such-tenant";

/**
 * Destroys a person's key and index tokens in the store where they lie, with one audit row and a tombstone; a second
 * time does nothing. An operation gives `destroy()` among its changes instead, which is the same in its own batch.
 */
export async function destroySubject(
  database: D1Database,
  { tenantId, subjectId, destroyedAt }: Tombstone,
  run: SystemRun,
): Promise<DestroyOutcome> {
  // No key is opened: a person can be erased though the tenant's keys are lost.
  const session = keylessSession(database, tenantId);
  const outcome = await commitAsSystem(session, run, [destroy(subjectId, Date.parse(destroyedAt))]);
  if (outcome.kind === "committed") return "destroyed";
  return outcome.kind === "refused" ? "destroyed-before" : "no-such-tenant";
}

const tombstonesPerPage = 500;
const Row = z.object({ subjectId: z.string(), destroyedAt: z.string() });

/** The tenant's tombstones, page after page. */
export async function* tombstonesOf(database: D1Database, tenantId: string): AsyncGenerator<Tombstone> {
  const session = keylessSession(database, tenantId);
  for (let after = ""; ; ) {
    const [rows = []] = await session.execute([
      statementOf(
        sql`select "subject_id" as "subjectId", "destroyed_at" as "destroyedAt" from "subject_tombstones" where "subject_tombstones"."tenant_id" = ${tenantId} and "subject_id" > ${after} order by "subject_id" limit ${tombstonesPerPage}`,
      ),
    ]);
    for (const row of z.array(Row).parse(rows)) {
      yield { tenantId, ...row };
      after = row.subjectId;
    }
    if (rows.length < tombstonesPerPage) return;
  }
}

/**
 * After a restore: destroys again what an older copy of the database brought back.
 * @returns how many there were of each outcome
 */
export async function replayTombstones(
  database: D1Database,
  tombstones: readonly Tombstone[],
  run: SystemRun,
): Promise<Readonly<Record<DestroyOutcome, number>>> {
  const counts = { destroyed: 0, "destroyed-before": 0, "no-such-tenant": 0 };
  for (const tombstone of tombstones) counts[await destroySubject(database, tombstone, run)] += 1;
  return counts;
}
