import { SealError } from "#crypto/envelope.ts";
import type { Env } from "#platform/env.ts";
import type { Change } from "./changes.ts";
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
}

/**
 * Reads at another tenant, as the system, and commits there what was told before anybody hears it. null where it is not
 * active, where its guards no longer hold, or where what is sealed there does not open: that is its own trouble, noted
 * with it, and none of who asks.
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
    const outcome = await commitAsSystem(session, run, told.changes);
    return outcome.kind === "committed" ? told : null;
  } catch (error) {
    if (error instanceof EpochMoved) return null;
    if (!(error instanceof SealError)) throw error;
    await noteUnopened(database, error, run);
    return null;
  }
}
