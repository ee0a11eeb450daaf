import { sql } from "drizzle-orm";
import { timestamp } from "#lib/time.ts";
import { noteLack } from "./sink-progress.ts";
import { statementOf } from "./statement.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/** Tells the sweeper how many of the tenant's audit rows are leaves by now. */
export async function markLogged(driver: TenantDriver, size: number): Promise<void> {
  await driver.execute([
    statementOf(
      sql`update "counters" set "logged" = max("logged", ${size}) where "counters"."tenant_id" = ${driver.tenantId} and "counters"."name" = 'audit'`,
    ),
  ]);
}

/** Keeps a published head, once, and notes that these sinks lack it. */
export async function recordCheckpoint(
  driver: TenantDriver,
  { size, note }: { size: number; note: string },
  sinks: readonly string[],
  now: number,
): Promise<void> {
  await driver.execute([
    statementOf(
      sql`insert or ignore into "audit_checkpoints" ("tenant_id", "size", "note", "created_at") values (${driver.tenantId}, ${size}, ${note}, ${timestamp(now)})`,
    ),
    ...sinks.flatMap((sink) => noteLack(driver.tenantId, sink, now)),
  ]);
}
