import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type AuditContext, chainOf, grantOf } from "./audit-rows.ts";
import type { Change, Emit } from "./changes.ts";
import { counterBump, counterValue } from "./commit-statements.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";

const counter = "event";

/** The outbox rows of a commit, numbered without gaps per tenant. */
export function eventStatements(
  session: TenantSession,
  context: AuditContext,
  changes: readonly Change[],
): Statement[] {
  const emitted = changes.filter((change): change is Emit => change.kind === "emit");
  if (emitted.length === 0) return [];
  return [
    counterBump(session, counter, emitted.length),
    ...emitted.map((event, index) => eventRow(session, context, event, emitted.length - index - 1)),
  ];
}

function eventRow(session: TenantSession, context: AuditContext, event: Emit, back: number): Statement {
  const seq = sql`${counterValue(session, counter)} - ${sql.raw(String(back))}`;
  return statementOf(
    sql`insert into "events" ("tenant_id", "seq", "id", "type", "data", "location_id", "assignee_id", "actor_kind", "actor_id", "actor_chain", "support_grant_id", "request_id", "created_at") values (${session.tenantId}, ${seq}, ${newId("evt")}, ${event.type}, ${JSON.stringify(event.data)}, ${event.locationId}, ${event.assigneeId}, ${context.actor.kind}, ${context.actor.id}, ${chainOf(context.actor)}, ${grantOf(context.actor)}, ${context.requestId}, ${timestamp(context.now)})`,
  );
}
