import { eq, sql } from "drizzle-orm";
import { type Change, emit, insert, mustExist, mustNotExist, update } from "#db/changes.ts";
import { commitChanges } from "#db/commit.ts";
import { systemSession } from "#db/open-tenant.ts";
import { one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { EpochMoved } from "#db/tenant-db.ts";
import type { Place } from "#gate/members-of-user.ts";
import { mostSupportSessions, supportGrants, supportSessions, visitingAgents } from "#gate/support-tables.ts";
import { members } from "#gate/tables.ts";
import type { SupportAsked, SupportBegun } from "#http/account-operation.ts";
import { afterCommit } from "#http/after-commit.ts";
import { type Refusal, refuse } from "#http/outcome.ts";
import type { RequestContext } from "#http/request-state.ts";
import { refusalOf } from "#http/write.ts";
import { mostTries } from "#identity/oauth/take-turn.ts";
import { timestamp } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";

const ungranted = { problem: "support-not-granted" };

/** Begins a session where the grant lies; asked again under the same id, it answers the same. The cell is the truth. */
export async function beginInCell(
  c: RequestContext,
  place: Place,
  asked: SupportAsked,
): Promise<SupportBegun | Refusal> {
  const cell = cellOf(c.env, place.cell);
  if (!cell) return refuse("support-not-granted");
  const now = systemNow();
  const requestId = c.get("state").requestId;
  for (let tries = 1; tries <= mostTries; tries += 1) {
    // As for a request: of a business that is frozen nothing is shown.
    const session = await systemSession(c.env, cell.database, place.tenantId, "any");
    const found = await session
      .read({
        grant: one(supportGrants, asked.grantId),
        agent: one(visitingAgents, asked.agent.id),
        before: one(supportSessions, asked.sessionId),
      })
      .catch(asSuspended);
    if (found === null) return refuse("tenant-suspended");
    const { grant, agent, before } = found;
    if (before?.endedAt) return refuse("conflict");
    if (before) return { memberId: before.memberId, expiresAt: before.expiresAt };
    if (!grant) return refuse("support-not-granted");
    const memberId = asked.memberId ?? grant.ownerId;
    const most = timestamp(now + asked.lifeMs);
    const expiresAt = most < grant.expiresAt ? most : grant.expiresAt;
    const { grantId, sessionId, agent: who, reason, ticket } = asked;
    const begun = insert(
      supportSessions,
      { id: sessionId, grantId, agentId: who.id, agentRole: who.role, memberId, reason, ticket, expiresAt },
      now,
    );
    const data = { supportSessionId: sessionId, supportGrantId: grantId, agentId: who.id, memberId };
    const changes: Change[] = [
      ...stillGranted(grant.id, grant.ownerId, timestamp(now)),
      mustExist(members, isActive(memberId), { problem: "invalid", pointer: "/memberId" }),
      // An agent who is a member of this business must use their own membership.
      mustNotExist(members, all(eq(members.userId, who.userId), sql`${members.removedAt} is null`), {
        problem: "agent-is-no-member",
      }),
      mustNotExist(supportSessions, areFull(place.tenantId, timestamp(now)), {
        problem: "too-many-support-sessions",
      }),
      ...(agent === null
        ? [
            // Of two first visits at once one makes it.
            mustNotExist(visitingAgents, eq(visitingAgents.id, who.id), null),
            insert(visitingAgents, { id: who.id, name: who.name }, now),
          ]
        : agent.name === who.name
          ? []
          : [update(visitingAgents, agent, { name: who.name }, now)]),
      begun,
      emit("support.session_started", data, { table: supportSessions, row: begun.row }),
    ];
    const actor = { kind: "support-agent" as const, id: who.id, support: { sessionId, grantId, memberId } };
    const audit = { now, requestId, operation: "support.begin", actor, caller: null };
    const outcome = await commitChanges(session, { audit, record: null, intent: null }, changes);
    if (outcome.kind === "refused") return refusalOf(outcome.refusal);
    if (outcome.kind === "lost") continue;
    c.executionCtx.waitUntil(afterCommit(c.env, cell, place.tenantId, changes));
    return { memberId, expiresAt };
  }
  return refuse("conflict");
}

function asSuspended(error: unknown): null {
  if (error instanceof EpochMoved) return null;
  throw error;
}

function stillGranted(grantId: string, ownerId: string, at: string): Change[] {
  const { id, endedAt, expiresAt } = supportGrants;
  const stands = sql`${id} = ${grantId} and ${endedAt} is null and ${expiresAt} > ${at}`;
  return [
    mustExist(supportGrants, stands, ungranted),
    mustExist(members, sql`${isActive(ownerId)} and ${members.role} = 'owner'`, ungranted),
  ];
}

function isActive(memberId: string) {
  const { id, state, removedAt } = members;
  return sql`${id} = ${memberId} and ${state} = 'active' and ${removedAt} is null`;
}

function areFull(tenant: string, at: string) {
  const { id, tenantId, endedAt, expiresAt } = supportSessions;
  return sql`${id} in (select ${id} from ${supportSessions} where ${tenantId} = ${tenant} and ${endedAt} is null and ${expiresAt} > ${at} limit 1 offset ${sql.raw(String(mostSupportSessions - 1))})`;
}
