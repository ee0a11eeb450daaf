import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { type AuditEntry, entryColumns, entryOf } from "./audit-entries.ts";
import { ActorChain } from "./audit-rows.ts";
import { openCaller } from "./callers.ts";
import type { Query, QueryContext } from "./queries.ts";
import type { Reach } from "./scope.ts";
import { statementOf } from "./statement.ts";
import type { ResultRows } from "./store.ts";
import { subjectKeyColumns, subjectKeyJoin } from "./subject-keys.ts";

/** At most one of the three; a time range goes with each of them and alone. */
export interface AuditFilter {
  readonly actorId?: string | undefined;
  readonly operation?: string | undefined;
  readonly entityId?: string | undefined;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

export type AuditRow = z.output<typeof Stored> & {
  readonly ip: string | null;
  readonly userAgent: string | null;
};

/** Audit rows, newest first: of the tenant, and of a limited principal's locations and assignments only. */
export function auditRows(
  filter: AuditFilter,
  after: { createdAt: string; seq: number } | null,
  limit: number,
): Query<AuditRow[]> {
  return {
    async statement({ tenantId, reach }) {
      const conditions = withinReach(tenantId, reach);
      const { index, where } = indexFor(filter);
      conditions.push(...where);
      if (filter.from) conditions.push(sql`"audit_log"."created_at" >= ${filter.from}`);
      if (filter.until) conditions.push(sql`"audit_log"."created_at" < ${filter.until}`);
      if (after)
        conditions.push(
          sql`("audit_log"."created_at", "audit_log"."seq") < (${after.createdAt}, ${after.seq})`,
        );
      return statementOf(
        sql`select ${columns}, ${subjectKeyColumns(tenantId, actor)} from "audit_log" indexed by ${sql.identifier(index)}${subjectKeyJoin(tenantId, actor)} where ${sql.join(conditions, sql` and `)} order by "audit_log"."created_at" desc, "audit_log"."seq" desc limit ${limit}`,
      );
    },
    decode: async (context, rows) => await Promise.all(rows.map((row) => decode(context, row))),
  };
}

/** One audit row as the transparency log holds it; null where there is none within reach. */
export function auditEntry(id: string): Query<AuditEntry | null> {
  return {
    async statement({ tenantId, reach }) {
      const conditions = [...withinReach(tenantId, reach), sql`"audit_log"."id" = ${id}`];
      return statementOf(
        sql`select ${entryColumns} from "audit_log" where ${sql.join(conditions, sql` and `)}`,
      );
    },
    decode: async ({ tenantId }, [row]) => (row ? await entryOf(tenantId, row) : null),
  };
}

/** The whole tenant's rows as the log would hold them now, in their order. */
export function auditEntries(after: number, limit: number): Query<AuditEntry[]> {
  return {
    async statement({ tenantId }) {
      return statementOf(
        sql`select ${entryColumns} from "audit_log" where "audit_log"."tenant_id" = ${tenantId} and "audit_log"."seq" > ${after} order by "audit_log"."seq" limit ${limit}`,
      );
    },
    decode: async ({ tenantId }, rows) => await Promise.all(rows.map((row) => entryOf(tenantId, row))),
  };
}

/** How many rows the audit has had. */
export function auditCount(): Query<number> {
  return {
    async statement({ tenantId }) {
      return statementOf(
        sql`select coalesce(max("value"), 0) as "count" from "counters" where "counters"."tenant_id" = ${tenantId} and "counters"."name" = 'audit'`,
      );
    },
    decode: async (_context, [row]) => z.object({ count: z.int() }).parse(row).count,
  };
}

/** Heads of the log as they were published, the newest first; before this size, if any is given. */
export function checkpoints(before: number | null, limit: number): Query<PublishedCheckpoint[]> {
  return {
    async statement({ tenantId }) {
      const earlier = before === null ? sql`` : sql` and "audit_checkpoints"."size" < ${before}`;
      return statementOf(
        sql`select "size", "note", "created_at" as "at" from "audit_checkpoints" where "audit_checkpoints"."tenant_id" = ${tenantId}${earlier} order by "audit_checkpoints"."size" desc limit ${limit}`,
      );
    },
    decode: async (_context, rows) => z.array(PublishedCheckpoint).parse(rows),
  };
}

const PublishedCheckpoint = z.object({ size: z.int(), note: z.string(), at: z.string() });
export type PublishedCheckpoint = z.output<typeof PublishedCheckpoint>;

function withinReach(tenantId: string, reach: Reach): SQL[] {
  const conditions: SQL[] = [sql`"audit_log"."tenant_id" = ${tenantId}`];
  if (reach.locations)
    conditions.push(
      sql`"audit_log"."location_id" in (select value from json_each(${JSON.stringify(reach.locations)}))`,
    );
  if (reach.assigneeId) conditions.push(sql`"audit_log"."assignee_id" = ${reach.assigneeId}`);
  return conditions;
}

function indexFor({ actorId, operation, entityId }: AuditFilter): { index: string; where: SQL[] } {
  if (actorId) return { index: "audit_log_by_actor", where: [sql`"audit_log"."actor_id" = ${actorId}`] };
  if (operation)
    return { index: "audit_log_by_operation", where: [sql`"audit_log"."operation" = ${operation}`] };
  if (entityId) return { index: "audit_log_by_entity", where: [sql`"audit_log"."entity_id" = ${entityId}`] };
  return { index: "audit_log_by_time", where: [] };
}

const actor = sql.raw(`"audit_log"."actor_id"`);
const columns = sql.raw(
  [
    ...["seq", "id", "operation", "action", "entity", "row", "changed", "caller"].map(
      (name) => `"audit_log"."${name}"`,
    ),
    `"audit_log"."entity_id" as "entityId"`,
    `"audit_log"."location_id" as "locationId"`,
    `"audit_log"."assignee_id" as "assigneeId"`,
    `"audit_log"."actor_kind" as "actorKind"`,
    `"audit_log"."actor_id" as "actorId"`,
    `"audit_log"."actor_chain" as "actorChain"`,
    `"audit_log"."support_grant_id" as "supportGrantId"`,
    `"audit_log"."request_id" as "requestId"`,
    `"audit_log"."created_at" as "createdAt"`,
  ].join(", "),
);

const Json = z.string().transform((text): unknown => JSON.parse(text));
const Stored = z.object({
  seq: z.int(),
  id: z.string(),
  operation: z.string(),
  action: z.string(),
  entity: z.string(),
  entityId: z.string(),
  row: Json.pipe(z.record(z.string(), z.unknown())),
  changed: Json.pipe(z.array(z.string())).nullable(),
  caller: z.string().nullable(),
  locationId: z.string().nullable(),
  assigneeId: z.string().nullable(),
  actorKind: z.string(),
  actorId: z.string(),
  actorChain: ActorChain.nullable(),
  supportGrantId: z.string().nullable(),
  requestId: z.string(),
  createdAt: z.string(),
});
const Key = z.object({ $kid: z.string().nullable(), $wrapped: z.string().nullable() });

/** @throws SealError */
async function decode({ keys, tenantId }: QueryContext, stored: ResultRows[number]): Promise<AuditRow> {
  const row = Stored.parse(stored);
  const { $kid: kid, $wrapped: wrapped } = Key.parse(stored);
  return { ...row, ...(await openCaller(keys.ring, { ...row, tenantId, kid, wrapped })) };
}
