import { type SQL, sql } from "drizzle-orm";
import { hourStart, timestamp } from "#lib/time.ts";
import type { QueryContext } from "./queries.ts";

/** Which calls of a tenant, and who looks. At most one of actor, operation and status; times go with each and alone. */
export interface CallFilter {
  /** Calls have no place, so whoever is limited to places or assignments sees their own alone. */
  readonly viewerId: string;
  readonly actorId?: string | undefined;
  readonly operation?: string | undefined;
  readonly status?: number | undefined;
  /** RFC 3339. */
  readonly from: string;
  /** RFC 3339, exclusive. */
  readonly until?: string | undefined;
}

type Table = "calls" | "call_counts" | "gate_counts" | "call_hours";

/** `tenant_id = ?` first, then what narrows: to the viewer's own calls, and to the filter. */
export function callConditions(
  table: "calls" | "call_counts",
  context: QueryContext,
  filter: CallFilter,
): SQL[] {
  const where = actorConditions(table, context, filter);
  if (filter.operation !== undefined) where.push(sql`${column(table, "operation")} = ${filter.operation}`);
  if (filter.status !== undefined) where.push(sql`${column(table, "status")} = ${filter.status}`);
  return where;
}

/** The same for what knows a call's actor alone. */
export function actorConditions(table: Table, context: QueryContext, filter: CallFilter): SQL[] {
  const tenant = sql`${column(table, "tenant_id")} = ${context.tenantId}`;
  return [tenant, ...actorsOf(context, filter).map((id) => sql`${column(table, "actor_id")} = ${id}`)];
}

/** Whose calls, where they are not everybody's. */
export function actorsOf({ reach }: QueryContext, { viewerId, actorId }: CallFilter): string[] {
  const isLimited = reach.locations !== null || reach.assigneeId !== null;
  return [...(isLimited ? [viewerId] : []), ...(actorId === undefined ? [] : [actorId])];
}

/** The hours that the filter's time touches, whole. */
export function hourConditions(table: Table, { from, until }: CallFilter): SQL[] {
  const first = timestamp(hourStart(Date.parse(from)));
  const where = [sql`${column(table, "hour")} >= ${first}`];
  if (until !== undefined) where.push(sql`${column(table, "hour")} < ${until}`);
  return where;
}

export function column(table: Table, name: string): SQL {
  return sql.raw(`"${table}"."${name}"`);
}
