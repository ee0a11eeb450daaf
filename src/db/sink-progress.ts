import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { secondMs, timestamp } from "#lib/time.ts";
import { sinkFaults } from "#platform/audit-sinks.ts";
import type { Query } from "./queries.ts";
import { type Statement, statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** How far a sink has come: all under the head of `size`, and of the next head's files so many. */
export interface CopyState {
  readonly size: number;
  readonly nextSize: number;
  readonly nextFiles: number;
}

/** One copying of one log to one sink. Nobody else begins with it before the lease is over. */
export interface CopyTurn {
  readonly sink: string;
  readonly lease: string;
  readonly from: CopyState;
  readonly failedSince: string | null;
  /** Sizes of the heads that the sink lacks, the oldest first; not all where there are many. */
  readonly heads: readonly number[];
}

export const headsAtOnce = 50;

/** That the sink lacks a head of this log, if it does; when to go on with it stays as it is where it is known. */
export function noteLack(tenantId: string, sink: string, now: number): Statement[] {
  const oldest = headAfter(tenantId, sql`"audit_sink_progress"."size"`);
  return [
    statementOf(
      sql`insert or ignore into "audit_sink_progress" ("tenant_id", "sink") values (${tenantId}, ${sink})`,
    ),
    statementOf(
      sql`update "audit_sink_progress" set "behind_since" = ${oldest}, "due_at" = coalesce("due_at", ${timestamp(now)}) where ${row(tenantId, sink)} and ${oldest} is not null`,
    ),
  ];
}

/** Null where nothing is due. */
export async function beginCopying(
  driver: TenantDriver,
  sink: string,
  now: number,
  untilMs: number,
): Promise<CopyTurn | null> {
  const { tenantId } = driver;
  const lease = timestamp(untilMs);
  const [taken, heads] = await driver.execute([
    statementOf(
      sql`update "audit_sink_progress" set "due_at" = ${lease} where ${row(tenantId, sink)} and "due_at" <= ${timestamp(now)} returning "size", "next_size" as "nextSize", "next_files" as "nextFiles", "failed_since" as "failedSince"`,
    ),
    statementOf(
      sql`select "size" from "audit_checkpoints" where "audit_checkpoints"."tenant_id" = ${tenantId} and "audit_checkpoints"."size" > (select "size" from "audit_sink_progress" where ${row(tenantId, sink)}) order by "audit_checkpoints"."size" limit ${headsAtOnce}`,
    ),
  ]);
  const [begun] = z.array(Begun).parse(taken);
  if (!begun) return null;
  const { failedSince, ...from } = begun;
  return {
    sink,
    lease,
    from,
    failedSince,
    heads: z
      .array(Size)
      .parse(heads)
      .map(({ size }) => size),
  };
}

const Size = z.object({ size: z.int() });
const Begun = z.object({
  ...Size.shape,
  nextSize: z.int(),
  nextFiles: z.int(),
  failedSince: z.string().nullable(),
});

/** From one state to a later one, unless another copying has moved it meanwhile. @returns whether this one did */
export async function advanceCopy(
  driver: TenantDriver,
  { sink }: CopyTurn,
  from: CopyState,
  to: CopyState,
  now: number,
): Promise<boolean> {
  const { tenantId } = driver;
  const later = headAfter(tenantId, sql`${to.size}`);
  const due = sql`case when ${later} is null then null else max("due_at", ${timestamp(now)}) end`;
  const [moved] = await driver.execute([
    statementOf(
      sql`update "audit_sink_progress" set "size" = ${to.size}, "next_size" = ${to.nextSize}, "next_files" = ${to.nextFiles}, "behind_since" = ${later}, "due_at" = ${due}, "failed_since" = null, "fault" = null where ${row(tenantId, sink)} and "size" = ${from.size} and "next_size" = ${from.nextSize} and "next_files" = ${from.nextFiles} returning "size"`,
    ),
  ]);
  return (moved ?? []).length > 0;
}

/** The turn is over and something is left: now or later, and why not now. */
export async function endCopying(
  driver: TenantDriver,
  { sink, lease }: CopyTurn,
  dueMs: number,
  failed: { readonly fault: string; readonly at: number } | null,
): Promise<void> {
  const because = failed
    ? sql`, "fault" = ${failed.fault}, "failed_since" = coalesce("failed_since", ${timestamp(failed.at)})`
    : sql``;
  await driver.execute([
    statementOf(
      sql`update "audit_sink_progress" set "due_at" = ${timestamp(dueMs)}${because} where ${row(driver.tenantId, sink)} and "due_at" = ${lease}`,
    ),
  ]);
}

/** Rows of a sink that is configured no more. */
export function forgetSink(tenantId: string, sink: string): Statement {
  return statementOf(sql`delete from "audit_sink_progress" where ${row(tenantId, sink)}`);
}

/** How far each sink is behind by now; one that has no row yet has nothing. */
export function sinkProgress(): Query<SinkProgress[]> {
  return {
    async statement({ tenantId }) {
      const oldest = headAfter(tenantId, sql`"audit_sink_progress"."size"`);
      return statementOf(
        sql`select "sink", "size", ${oldest} as "behindSince", "failed_since" as "failedSince", "fault" from "audit_sink_progress" where "audit_sink_progress"."tenant_id" = ${tenantId}`,
      );
    },
    decode: async (_context, rows) => z.array(SinkProgress).parse(rows),
  };
}

/** The size of the newest published head, and when the oldest that is listed was published. */
export function publishedSpan(): Query<PublishedSpan> {
  return {
    async statement({ tenantId }) {
      const newest = sql`select "size" from "audit_checkpoints" where "audit_checkpoints"."tenant_id" = ${tenantId} order by "audit_checkpoints"."size" desc limit 1`;
      return statementOf(
        sql`select coalesce((${newest}), 0) as "size", ${headAfter(tenantId, sql`0`)} as "oldest"`,
      );
    },
    decode: async (_context, [span]) => PublishedSpan.parse(span),
  };
}

const SinkProgress = z.object({
  sink: z.string(),
  ...Size.shape,
  behindSince: z.string().nullable(),
  failedSince: z.string().nullable(),
  fault: z.enum(sinkFaults).nullable(),
});
export type SinkProgress = z.output<typeof SinkProgress>;
const PublishedSpan = z.object({ ...Size.shape, oldest: z.string().nullable() });
export type PublishedSpan = z.output<typeof PublishedSpan>;

/** 0 where nothing is lacking. */
export function behindSeconds(since: string | null, now: number): number {
  return since === null ? 0 : Math.max(0, Math.floor((now - Date.parse(since)) / secondMs));
}

function row(tenantId: string, sink: string): SQL {
  return sql`"audit_sink_progress"."tenant_id" = ${tenantId} and "audit_sink_progress"."sink" = ${sink}`;
}

/** When the oldest head beyond this size was published; null where there is none. */
function headAfter(tenantId: string, size: SQL): SQL {
  return sql`(select "audit_checkpoints"."created_at" from "audit_checkpoints" where "audit_checkpoints"."tenant_id" = ${tenantId} and "audit_checkpoints"."size" > ${size} order by "audit_checkpoints"."size" limit 1)`;
}
