import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { dayMs, timestamp } from "#lib/time.ts";
import { note } from "./changes.ts";
import { platformTenant } from "./directory-tables.ts";
import { firstStep, isUnderWay, secretsOf, tablesOf } from "./key-rotation.ts";
import { bodiesKeptMs } from "./retention.ts";
import { statementOf } from "./statement.ts";
import { commitAsSystem, type SystemRun } from "./system-commit.ts";
import type { TenantSession } from "./tenant-db.ts";
import { columnOf } from "./tenant-table.ts";

/** What still lies under one of a tenant's older keys. */
export interface OldKey {
  readonly id: string;
  readonly wraps: number;
  readonly columns: number;
  /** Nothing is left, and what is kept for a time only has had its time. */
  readonly isRemovable: boolean;
}

const Keys = z.array(z.object({ id: z.string(), created_at: z.string() }));
const Counts = z.object({ wraps: z.number(), columns: z.number() });

/** The tenant's keys but the newest, with what lies under each. */
export async function oldKeys(session: TenantSession, now: number): Promise<OldKey[]> {
  const { tenantId } = session;
  const [rows] = await session.execute([
    statementOf(
      sql`select "id", "created_at" from "tenant_keys" where "tenant_keys"."tenant_id" = ${tenantId} order by "id" desc`,
    ),
  ]);
  const [newest, ...older] = Keys.parse(rows);
  if (!newest || older.length === 0) return [];
  const counted = await session.execute(
    older.map(({ id }) =>
      statementOf(sql`select ${wrapsOf(tenantId, id)} as "wraps", ${columnsOf(tenantId, id)} as "columns"`),
    ),
  );
  // Bodies of webhooks that tell of nobody lie under a tenant's key, and end by themselves.
  const isOver = Date.parse(newest.created_at) + bodiesKeptMs + dayMs <= now;
  const isPinned = tenantId === platformTenant;
  return older.map(({ id }, index) => {
    const { wraps, columns } = Counts.parse(counted[index]?.[0]);
    return { id, wraps, columns, isRemovable: isOver && !isPinned && wraps === 0 && columns === 0 };
  });
}

/**
 * Removes what may be removed of a tenant's older keys. Where something was sealed under one after its rotation had
 * gone by, as by a job that began before, the rotation goes through once more.
 */
export async function tendOldKeys(session: TenantSession, run: SystemRun): Promise<void> {
  const { tenantId } = session;
  for (const { id, wraps, columns, isRemovable } of await oldKeys(session, run.now)) {
    if (isRemovable) {
      const stands = sql`"tenant_keys"."tenant_id" = ${tenantId} and "id" = ${id}`;
      const isGone = sql`not exists (select 1 from "tenant_keys" where ${stands})`;
      const isUsed = sql`${wrapsOf(tenantId, id)} + ${columnsOf(tenantId, id)} > 0`;
      const unless = sql`${isGone} or ${isUsed} or ${isUnderWay(tenantId)}`;
      const statements = [statementOf(sql`delete from "tenant_keys" where ${stands}`)];
      const told = note("tenant-key", id, { removed: true });
      await commitAsSystem(session, run, [{ kind: "upkeep", unless, statements }, told]);
    } else if (wraps + columns > 0) {
      const unless = isUnderWay(tenantId);
      const statements = [again(tenantId, run.now)];
      await commitAsSystem(session, run, [{ kind: "upkeep", unless, statements }]);
    }
  }
}

// The latest of its rotations; as of now, so that it reaches what came late.
function again(tenantId: string, now: number) {
  const latest = sql`(select max("key_rotations"."key_id") from "key_rotations" where "key_rotations"."tenant_id" = ${tenantId})`;
  return statementOf(
    sql`update "key_rotations" set "finished_at" = null, "started_at" = ${timestamp(now)}, "step" = ${firstStep}, "position" = ${""} where "key_rotations"."tenant_id" = ${tenantId} and "key_id" = ${latest}`,
  );
}

function wrapsOf(tenantId: string, keyId: string): SQL {
  const [first, end] = envelopesOf(keyId);
  return sql`(select count(*) from "subject_keys" where "subject_keys"."tenant_id" = ${tenantId} and "wrapped" >= ${first} and "wrapped" < ${end})`;
}

function columnsOf(tenantId: string, keyId: string): SQL {
  const [first, end] = envelopesOf(keyId);
  const counts = tablesOf(tenantId).flatMap((table) =>
    secretsOf(table).map((key) => {
      const column = columnOf(table, key);
      return sql`(select count(*) from ${table} where ${table.tenantId} = ${tenantId} and ${column} >= ${first} and ${column} < ${end})`;
    }),
  );
  return sql`(${sql.join(counts, sql` + `)})`;
}

// An envelope begins with its key's id between two dots, and a slash is the character after the dot.
function envelopesOf(keyId: string): [first: string, end: string] {
  return [`v1.${keyId}.`, `v1.${keyId}/`];
}
