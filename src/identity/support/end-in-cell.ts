import type { Actor } from "#db/audit-rows.ts";
import type { Change } from "#db/changes.ts";
import { commitChanges } from "#db/commit.ts";
import type { VisitEnd, VisitOver } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import type { SystemRun } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Place } from "#gate/members-of-user.ts";
import { supportEnded } from "#gate/support-ends.ts";
import { type SupportEnd, supportSessions } from "#gate/support-tables.ts";
import { mostTries } from "#identity/oauth/take-turn.ts";
import { timestamp } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";

/**
 * Ends an agent's session where it is: no later request that touches data is served in it. Nothing is done where it is over.
 * @returns the changes, for whoever tells the session's gate of them, and how it truly ended
 * @throws Error where the cell does not take it
 */
export async function endInCell(
  env: Env,
  place: Place,
  sessionId: string,
  { because, actor }: { readonly because: SupportEnd; readonly actor: Actor },
  { job, requestId, now }: SystemRun,
): Promise<{ readonly changes: readonly Change[]; readonly over: VisitOver }> {
  const cell = cellOf(env, place.cell);
  if (!cell) throw new Error(`There is no cell ${place.cell}.`);
  const session = await systemSession(env, cell.database, place.tenantId);
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const row = await session.get(supportSessions, sessionId);
    const changes = row ? supportEnded(row, because, now).changes : [];
    if (changes.length === 0) return { changes, over: overBefore(row, because, now) };
    const audit = { now, requestId, operation: job, actor, caller: null };
    const { kind } = await commitChanges(session, { audit, record: null, intent: null }, changes);
    if (kind === "committed") return { changes, over: { endedAt: timestamp(now), endedBecause: because } };
  }
  throw new Error("An agent's session kept changing.");
}

function overBefore(row: Row<typeof supportSessions> | null, because: VisitEnd, now: number): VisitOver {
  if (!row) return { endedAt: timestamp(now), endedBecause: because };
  const { endedAt, endedBecause, expiresAt } = row;
  return {
    endedAt: endedAt ?? expiresAt,
    endedBecause: endedAt === null ? "expired" : (endedBecause ?? because),
  };
}
