import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Upkeep } from "./changes.ts";
import type { Query } from "./queries.ts";
import { type Statement, statementOf } from "./statement.ts";

/** A row of the audit, by what of it is open: what is sealed in `row` stays so. */
export interface AlertedRow {
  readonly seq: number;
  readonly action: string;
  readonly entity: string;
  readonly entityId: string;
  readonly actorKind: string;
  readonly row: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
}

/** How far the audit was gone through, and how far it is to be now. */
export interface AlertProgress {
  readonly from: number;
  readonly to: number;
}

/** As many rows are gone through at once; where they were fewer, there are no more. */
export const rowsAtOnce = 500;

const Progress = z.object({ from: z.int(), to: z.int() });

/** Up to which row a tenant's audit was looked at for alerts, and to which it is to be next. */
export const alertProgress: Query<AlertProgress> = {
  statement: async ({ tenantId }) =>
    statementOf(
      sql`select "alerted" as "from", min("value", "alerted" + ${sql.raw(String(rowsAtOnce))}) as "to" from "counters" where "counters"."tenant_id" = ${tenantId} and "counters"."name" = 'audit'`,
    ),
  decode: async (_context, [row]) => (row ? Progress.parse(row) : { from: 0, to: 0 }),
};

const Rows = z.array(
  z.object({
    seq: z.int(),
    action: z.string(),
    entity: z.string(),
    entityId: z.string(),
    actorKind: z.string(),
    row: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(z.record(z.string(), z.unknown())),
    createdAt: z.string(),
  }),
);

const columns = sql.raw(
  '"audit_log"."seq", "audit_log"."action", "audit_log"."entity", "audit_log"."entity_id" as "entityId", "audit_log"."actor_kind" as "actorKind", "audit_log"."row", "audit_log"."created_at" as "createdAt"',
);

/** The rows of that stretch that any of these names: an entity and an action, `member updated`. */
export function unalertedRows(names: readonly string[]): Query<AlertedRow[]> {
  return {
    async statement({ tenantId }) {
      const alerted = sql`select "alerted" from "counters" where "counters"."tenant_id" = ${tenantId} and "counters"."name" = 'audit'`;
      return statementOf(
        sql`select ${columns} from "audit_log" where "audit_log"."tenant_id" = ${tenantId} and "audit_log"."seq" > (${alerted}) and "audit_log"."seq" <= (${alerted}) + ${sql.raw(String(rowsAtOnce))} and "audit_log"."entity" || ' ' || "audit_log"."action" in (select json_each.value from json_each(${JSON.stringify(names)})) order by "audit_log"."seq"`,
      );
    },
    decode: async (_context, rows) => Rows.parse(rows),
  };
}

/** The row of the same thing right before this one: what it was like; null where there is none. */
export function rowBefore({ entityId, entity, seq, createdAt }: AlertedRow): Query<AlertedRow | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${columns} from "audit_log" indexed by "audit_log_by_entity" where "audit_log"."tenant_id" = ${tenantId} and "audit_log"."entity_id" = ${entityId} and "audit_log"."created_at" <= ${createdAt} and "audit_log"."seq" < ${seq} and "audit_log"."entity" = ${entity} and "audit_log"."action" in ('created', 'updated') order by "audit_log"."created_at" desc, "audit_log"."seq" desc limit 1`,
      ),
    decode: async (_context, rows) => Rows.parse(rows)[0] ?? null,
  };
}

const mostCounted = 1_000;
const Instants = z.array(z.object({ at: z.string() }));

/** When there were rows of this operation, entity and action from then up to this row, the newest first. */
export function rowsOfAction(
  { operation, entity, action }: { operation: string; entity: string; action: string },
  from: string,
  to: number,
): Query<string[]> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "audit_log"."created_at" as "at" from "audit_log" indexed by "audit_log_by_operation" where "audit_log"."tenant_id" = ${tenantId} and "audit_log"."operation" = ${operation} and "audit_log"."created_at" >= ${from} and "audit_log"."seq" <= ${to} and "audit_log"."entity" = ${entity} and "audit_log"."action" = ${action} order by "audit_log"."created_at" desc limit ${mostCounted}`,
      ),
    decode: async (_context, rows) => Instants.parse(rows).map(({ at }) => at),
  };
}

/** That it was gone through so far, beside what was found there; whoever comes second writes nothing. */
export function goneThrough(tenantId: string, progress: AlertProgress): Upkeep {
  return {
    kind: "upkeep",
    unless: sql`not exists (select 1 from "counters" where "counters"."tenant_id" = ${tenantId} and "counters"."name" = 'audit' and "counters"."alerted" = ${progress.from})`,
    statements: [moveOn(tenantId, progress)],
  };
}

/** The same where nothing was found. */
export function moveOn(tenantId: string, { from, to }: AlertProgress): Statement {
  return statementOf(
    sql`update "counters" set "alerted" = ${to} where "counters"."tenant_id" = ${tenantId} and "counters"."name" = 'audit' and "counters"."alerted" = ${from}`,
  );
}

// Nothing more can be written of a tenant that is being taken down; one that is frozen is told as any other.
const stands = (table: string) =>
  `exists (select 1 from tenant_state where tenant_state.tenant_id = ${table}.tenant_id and tenant_state.state <> 'closing')`;

/** Where a sweep begins besides the very beginning: after a tenant's id, and after an instant, RFC 3339. */
export interface SweepStart {
  readonly tenantId: string;
  readonly at: string;
}

const atOnce = 500;

/**
 * Across tenants, each by its index: whose audit, whose alerts and whose notices are to be seen to. Of each the first, and
 * the first from `start`, so that those which fail whenever they are tried keep nobody else from being found.
 */
export function tenantsToAlert(now: string, before: string, start: SweepStart): Statement[] {
  return [
    ...["", start.tenantId].map((after) => ({
      text: `select tenant_id as id from counters indexed by counters_unalerted where name = 'audit' and value > alerted and tenant_id > ? and ${stands("counters")} limit ${atOnce}`,
      params: [after],
    })),
    ...tenantsToTell(now, before, ["", start.at]),
  ];
}

/** The same of alerts that were held back until `now`, and of notices of `before` that were told by half. */
export function tenantsToTell(now: string, before: string, starts: readonly string[] = [""]): Statement[] {
  return starts.flatMap((start) => [
    {
      text: `select distinct tenant_id as id from alerts indexed by alerts_to_tell where tell_at > ? and tell_at <= ? and ${stands("alerts")} limit ${atOnce}`,
      params: [start, now],
    },
    {
      text: `select distinct tenant_id as id from alert_notices indexed by alert_notices_to_pass where created_at > ? and created_at <= ? and (mailed_at is null or passed_on_at is null) and ${stands("alert_notices")} limit ${atOnce}`,
      params: [start, before],
    },
  ]);
}
