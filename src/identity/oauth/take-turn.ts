import type { Change } from "#db/changes.ts";
import { endGrantsOf, type Grant, type GrantEnd, nextTurn } from "#db/oauth-grants.ts";
import { afterCommit } from "#http/after-commit.ts";
import { commitRun, type Run } from "#http/execute.ts";
import { gateOf } from "#platform/gates.ts";
import { errorFields, log } from "#platform/log.ts";

/** How often what was overtaken is begun anew. */
export const mostTries = 3;

/** From a code, or a refresh token, to the next. false: somebody else took this turn, or the grant has ended. */
export async function takeTurn(run: Run, grant: Grant, expiresAt: number): Promise<boolean> {
  return await committed(run, nextTurn(run.session.tenantId, grant, run.now, expiresAt));
}

/** Ends a grant, so that its tokens are refused from the next request on; told twice, it is done once. */
export async function endGrant(run: Run, { id, memberId }: Grant, because: GrantEnd): Promise<void> {
  await committed(run, endGrantsOf(run.session.tenantId, { grantId: id }, because, run.now));
  await forget(run, memberId);
}

/** false where what it rests on no longer holds. @throws EpochMoved */
export async function committed(run: Run, changes: readonly Change[]): Promise<boolean> {
  const { c, caller, session } = run;
  const outcome = await commitRun(run, session, changes, { record: null, intent: null });
  if (outcome.kind !== "committed") return false;
  c.executionCtx.waitUntil(afterCommit(c.env, caller.cell, session.tenantId, changes));
  return true;
}

/** For what touches no data, as the epoch is looked at with data alone. */
export async function forget({ c, caller }: Run, principalId: string): Promise<void> {
  try {
    await gateOf(c.env, caller.cell, principalId).forget();
  } catch (error) {
    log("warn", "a gate was not told of a token's end", errorFields(error));
  }
}
