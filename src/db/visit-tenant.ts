import { SealError } from "#crypto/envelope.ts";
import type { Env } from "#platform/env.ts";
import type { Change } from "./changes.ts";
import { onceAnHour } from "./once-an-hour.ts";
import { systemSession } from "./open-tenant.ts";
import type { Query } from "./queries.ts";
import { commitAsSystem, type SystemRun } from "./system-commit.ts";
import { type Decoded, EpochMoved } from "./tenant-db.ts";
import { noteUnopened } from "./unopened.ts";

/** What one tenant tells another: what is read there, and what of it may be told once the changes stand there. */
export interface Visit<Q extends Record<string, Query<unknown>>, A> {
  readonly queries: Q;
  /** null: nothing may be told, and nothing is written. */
  readonly tell: (rows: Decoded<Q>) => Told<A> | null;
}

export interface Told<A> {
  readonly answer: A;
  readonly changes: readonly Change[];
  /** Who is told what of whom: however often the same is told again, it is committed once an hour. */
  readonly about: string;
}

/**
 * Reads at another tenant, as the system, and commits there what was told before anybody hears it: once an hour, as
 * whoever asks must not fill another's audit. null where it is not active, where its guards no longer hold, or where what
 * is sealed there does not open: that is its own trouble, noted with it, and none of who asks.
 */
export async function visitTenant<Q extends Record<string, Query<unknown>>, A>(
  env: Env,
  database: D1Database,
  tenantId: string,
  { queries, tell }: Visit<Q, A>,
  run: SystemRun,
): Promise<Told<A> | null> {
  try {
    const session = await systemSession(env, database, tenantId, "any");
    const told = tell(await session.read(queries));
    if (told === null) return null;
    const record = onceAnHour(run.job, told.about, run.now);
    const outcome = await commitAsSystem(session, run, told.changes, null, record);
    if (outcome.kind === "committed") return told;
    if (outcome.kind !== "lost" || outcome.what !== "replay") return null;
    // The batch failed before its guards, so whether they hold is read anew; what then is another telling was not noted.
    const again = tell(await session.read(queries));
    return again?.about === told.about ? { ...again, changes: [] } : null;
  } catch (error) {
    if (error instanceof EpochMoved) return null;
    if (!(error instanceof SealError)) throw error;
    await noteUnopened(database, error, run);
    return null;
  }
}
