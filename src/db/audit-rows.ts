import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import type { Change, Insert, Note, Remove, Update } from "./changes.ts";
import { counterBump, counterValue } from "./commit-statements.ts";
import { oncePerTable, type Statement, statementOf } from "./statement.ts";
import type { TenantSession } from "./tenant-db.ts";
import { type AnyTenantTable, columnOf, metaOf } from "./tenant-table.ts";

/** Who did it and within which request; stands on every audit row and event. */
export type Actor = OwnActor | SupportActor;

interface OwnActor {
  readonly kind: "api-key" | "member" | "client" | "system" | "user" | "stranger";
  readonly id: string;
  /** Where a program did it for them; absent where they did it themselves. */
  readonly by?: ActingClient;
  readonly support?: undefined;
}

/** An agent of those who run the deployment: what they do is theirs, and names the grant that lets them. */
export interface SupportActor {
  readonly kind: "support-agent";
  readonly id: string;
  readonly by?: undefined;
  readonly support: {
    readonly sessionId: string;
    readonly grantId: string;
    /** As far as whom they may do it, who did not. */
    readonly memberId: string;
  };
}

/** The OAuth client that acts for a member, and the grant by which it may. */
export interface ActingClient {
  readonly clientId: string;
  readonly grantId: string;
}

export interface AuditContext {
  readonly now: number;
  readonly requestId: string;
  readonly operation: string;
  readonly actor: Actor;
  /** IP and user agent, sealed under the actor. */
  readonly caller: string | null;
}

type RowChange = Insert | Update | Remove;
const counter = "audit";

/**
 * One audit row per changed row, copied by SQL from the row itself: what is sealed stays sealed under its own address.
 * `counter` goes before, `of(change)` right after an insert or update and right before a delete.
 */
export function auditStatements(session: TenantSession, context: AuditContext, changes: readonly Change[]) {
  const rowChanges = changes.filter(
    (change): change is RowChange =>
      change.kind === "insert" || change.kind === "update" || change.kind === "remove",
  );
  const notes = changes.filter((change): change is Note => change.kind === "note");
  const total = rowChanges.reduce((sum, change) => sum + idsOf(change).length, notes.length);
  const offsets = new Map<Change, number>();
  let taken = 0;
  for (const change of [...rowChanges, ...notes]) {
    offsets.set(change, total - taken - 1);
    taken += change.kind === "note" ? 1 : idsOf(change).length;
  }
  return {
    counter: total === 0 ? [] : [counterBump(session, counter, total)],
    of: (change: RowChange): Statement[] => [copyOf(session, context, change, offsets.get(change) ?? 0)],
    notes: notes.map((note) => noteRow(session, context, note, offsets.get(note) ?? 0)),
  };
}

const columns = sql.raw(
  [
    "tenant_id",
    "seq",
    "id",
    "operation",
    "action",
    "entity",
    "entity_id",
    "row",
    "changed",
    "location_id",
    "assignee_id",
    "actor_kind",
    "actor_id",
    "actor_chain",
    "support_grant_id",
    "request_id",
    "caller",
    "created_at",
  ]
    .map((name) => `"${name}"`)
    .join(", "),
);

function copyOf(session: TenantSession, context: AuditContext, change: RowChange, back: number): Statement {
  const { table } = change;
  const ids = JSON.stringify(idsOf(change).map((id) => [id, newId("aud")]));
  const seq = sql`${counterValue(session, counter)} - ${sql.raw(String(back))} + json_each.key`;
  const place = placeOf(session, table);
  return statementOf(
    sql`insert into "audit_log" (${columns}) select ${session.tenantId}, ${seq}, json_each.value ->> 1, ${context.operation}, ${actions[change.kind]}, ${metaOf(table).entity}, ${table.id}, ${rowAsJson(table)}, ${changedColumns(change)}, ${place.location}, ${place.assignee}, ${context.actor.kind}, ${context.actor.id}, ${chainOf(context.actor)}, ${grantOf(context.actor)}, ${context.requestId}, ${context.caller}, ${timestamp(context.now)} from json_each(${ids}) cross join ${table} on ${table.tenantId} = ${session.tenantId} and ${table.id} = json_each.value ->> 0 where 1`,
  );
}

function noteRow(session: TenantSession, context: AuditContext, note: Note, back: number): Statement {
  const seq = sql`${counterValue(session, counter)} - ${sql.raw(String(back))}`;
  return statementOf(
    sql`insert into "audit_log" (${columns}) select ${session.tenantId}, ${seq}, ${newId("aud")}, ${context.operation}, ${note.action ?? "note"}, ${note.entity}, ${note.entityId}, ${JSON.stringify(note.details)}, null, null, ${note.assigneeId ?? null}, ${context.actor.kind}, ${context.actor.id}, ${chainOf(context.actor)}, ${grantOf(context.actor)}, ${context.requestId}, ${context.caller}, ${timestamp(context.now)}`,
  );
}

/** Of audit rows and events: what lets a support agent do it. @throws Error where nothing does: then nothing is written */
export function grantOf({ kind, support }: Actor): string | null {
  if (kind !== "support-agent") return null;
  if (!support?.grantId) throw new Error("An agent of support writes nothing without a grant.");
  return support.grantId;
}

/** Of audit rows and events: for whom it was done, then by whom. null where nobody stood between. */
export function chainOf({ kind, id, by, support }: Actor): string | null {
  if (support)
    return JSON.stringify([
      { kind: "member", id: support.memberId },
      { kind, id, grantId: support.grantId },
      { kind: "support-session", id: support.sessionId },
    ]);
  if (!by) return null;
  return JSON.stringify([
    { kind, id },
    { kind: "client", id: by.clientId, grantId: by.grantId },
  ]);
}

/** The same as it is read again. */
export const ActorChain = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(
    z.array(z.object({ kind: z.string(), id: z.string(), grantId: z.string().nullable().default(null) })),
  );

const actions = { insert: "created", update: "updated", remove: "deleted" } as const;

function idsOf(change: RowChange): string[] {
  return change.kind === "insert" ? change.rows.map((row) => String(row.id)) : [String(change.before.id)];
}

function changedColumns(change: RowChange): string | null {
  if (change.kind !== "update") return null;
  return JSON.stringify(Object.keys(change.patch).filter((key) => key !== "version" && key !== "updatedAt"));
}

// The audit outlives what is destroyed: of these it keeps only that they changed.
const uncopied: readonly string[] = ["secret", "digest"];
const pairsPerCall = 15;

// SQLite functions take 32 arguments in production, so a wide row is built by nested json_set, which keeps nulls.
const rowAsJson = oncePerTable((table: AnyTenantTable): SQL => {
  const { classification } = metaOf(table);
  const shown = [...classification]
    .filter(([key, kind]) => key !== "tenantId" && !uncopied.includes(kind))
    .map(([key]) => key);
  let json = sql`json_object()`;
  for (let start = 0; start < shown.length; start += pairsPerCall) {
    const pairs = shown
      .slice(start, start + pairsPerCall)
      .map((key) => sql`${sql.raw(`'$.${key}'`)}, ${columnOf(table, key)}`);
    json = sql`json_set(${json}, ${sql.join(pairs, sql`, `)})`;
  }
  return json;
});

function placeOf(session: TenantSession, table: AnyTenantTable): { location: SQL; assignee: SQL } {
  const { scope } = metaOf(table);
  const nowhere = sql`null`;
  if (scope.kind === "none") return { location: nowhere, assignee: nowhere };
  if (scope.kind === "rows") {
    return {
      location: scope.location ? sql`${columnOf(table, scope.location)}` : nowhere,
      assignee: scope.assignee ? sql`${columnOf(table, scope.assignee)}` : nowhere,
    };
  }
  // What is at several places is at none: who sees all of them is told.
  if (scope.kind === "places")
    return { location: nowhere, assignee: scope.isWho ? sql`${columnOf(table, "id")}` : nowhere };
  const { parent, column } = scope;
  const above = placeOf(session, parent);
  const ofParent = (value: SQL) =>
    sql`(select ${value} from ${parent} where ${parent.tenantId} = ${session.tenantId} and ${parent.id} = ${columnOf(table, column)})`;
  return { location: ofParent(above.location), assignee: ofParent(above.assignee) };
}
