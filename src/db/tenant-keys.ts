import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { createTenantKey } from "#crypto/key-ring.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { note, type Upkeep } from "./changes.ts";
import { counterValue, epochBump } from "./commit-statements.ts";
import { keksOf } from "./keks.ts";
import { firstStep, isUnderWay } from "./key-rotation.ts";
import { tendOldKeys } from "./old-keys.ts";
import { keylessSession } from "./open-tenant.ts";
import { statementOf } from "./statement.ts";
import { commitAsSystem, type SystemRun } from "./system-commit.ts";
import type { TenantSession } from "./tenant-db.ts";

export const longestKeyAgeMs = 365 * dayMs;
// SP 800-38D section 8.3: at most 2^32 encryptions with random IVs under one key. Half of it, as the estimate is taken
// once a day.
export const mostKeyUses = 2 ** 31;
export const usesPer = { audit: 4, event: 256 };

/**
 * At most how often the tenant's key has sealed, by counters that only grow: the secrets of each row that was audited,
 * what is sent of each event to however many endpoints, with every try of it, and what rotations have moved, as a page of
 * one is a single row of the audit.
 */
function usesOf(session: TenantSession): SQL {
  const moved = sql`(select coalesce(sum("moved"), 0) from "key_rotations" where "key_rotations"."tenant_id" = ${session.tenantId})`;
  return sql`(${counterValue(session, "audit")} * ${sql.raw(String(usesPer.audit))} + ${counterValue(session, "event")} * ${sql.raw(String(usesPer.event))} + ${moved})`;
}

/**
 * At most how often a key of one of the tenant's people has sealed: theirs never change, so all that the tenant ever
 * counted. Far from the bound in practice, as each use leaves a row in a database of 10 GB.
 */
export async function subjectUses(session: TenantSession): Promise<number> {
  const [rows] = await session.execute([statementOf(sql`select ${usesOf(session)} as "uses"`)]);
  return z.object({ uses: z.number() }).parse(rows?.[0]).uses;
}

export type RotateOutcome = "begun" | "under-way" | "no-such-tenant";

/**
 * Gives the tenant a new key, under which everything is sealed from here on; what lies under older ones is moved by
 * key-rotation. The epoch moves with it, so that no request goes on with a ring that lacks the key.
 */
export async function rotateTenantKey(
  env: Env,
  database: D1Database,
  tenantId: string,
  run: SystemRun,
): Promise<RotateOutcome> {
  const session = keylessSession(database, tenantId);
  const key = await createTenantKey(await keksOf(env), tenantId, newId("tky"));
  const at = timestamp(run.now);
  const statements = [
    statementOf(
      sql`insert into "key_rotations" ("tenant_id", "key_id", "step", "position", "started_at") values (${tenantId}, ${key.id}, ${firstStep}, ${""}, ${at})`,
    ),
    statementOf(
      sql`insert into "tenant_keys" ("tenant_id", "id", "wrapped", "created_at", "checked_at", "uses_from") select ${tenantId}, ${key.id}, ${key.wrapped}, ${at}, ${at}, ${usesOf(session)}`,
    ),
    epochBump(session),
  ];
  const told = note("tenant-key", key.id, { begun: true });
  // The greatest id is the key that seals: one made by a clock that lags behind would never be.
  const isLate = sql`exists (select 1 from "tenant_keys" where "tenant_keys"."tenant_id" = ${tenantId} and "id" >= ${key.id})`;
  const unless = sql`${isUnderWay(tenantId)} or ${isLate}`;
  const outcome = await commitAsSystem(session, run, [{ kind: "upkeep", unless, statements }, told]);
  if (outcome.kind === "committed") return "begun";
  return outcome.kind === "lost" && outcome.what === "version" ? "under-way" : "no-such-tenant";
}

const Newest = z
  .object({ id: z.string(), created_at: z.string(), uses: z.number() })
  .transform(({ created_at: createdAt, ...key }) => ({ ...key, createdAt }));

/** The key that seals, and how often it has at most; null where the tenant has none. */
export async function newestKey(session: TenantSession): Promise<z.output<typeof Newest> | null> {
  const [rows] = await session.execute([
    statementOf(
      sql`select "id", "created_at", ${usesOf(session)} - "uses_from" as "uses" from "tenant_keys" where "tenant_keys"."tenant_id" = ${session.tenantId} order by "id" desc limit 1`,
    ),
  ]);
  return rows?.[0] ? Newest.parse(rows[0]) : null;
}

/**
 * Counts how often the newest key was used at most, and begins its rotation where it is too old or too much used; removes
 * older keys under which nothing lies.
 */
export async function checkTenantKey(
  env: Env,
  database: D1Database,
  tenantId: string,
  run: SystemRun,
): Promise<RotateOutcome | "good"> {
  const session = keylessSession(database, tenantId);
  const newest = await newestKey(session);
  if (newest === null) throw new Error(`${tenantId} has no key.`);
  await commitAsSystem(session, run, [checked(tenantId, newest, run.now)]);
  await tendOldKeys(session, run);
  const isOld = Date.parse(newest.createdAt) + longestKeyAgeMs <= run.now;
  return isOld || newest.uses >= mostKeyUses ? await rotateTenantKey(env, database, tenantId, run) : "good";
}

function checked(tenantId: string, { id, uses }: z.output<typeof Newest>, now: number): Upkeep {
  const counted = sql`"uses" = case "id" when ${id} then cast(${uses} as integer) else "uses" end`;
  return {
    kind: "upkeep",
    unless: sql`0`,
    statements: [
      statementOf(
        sql`update "tenant_keys" set "checked_at" = ${timestamp(now)}, ${counted} where "tenant_keys"."tenant_id" = ${tenantId}`,
      ),
    ],
  };
}
