import { sql } from "drizzle-orm";
import { note } from "./changes.ts";
import { keylessSession } from "./open-tenant.ts";
import { statementOf } from "./statement.ts";
import { commitAsSystem, type SystemRun } from "./system-commit.ts";
import type { TenantDriver } from "./tenant-driver.ts";

/**
 * Lets the owner's log go on past rows that a restored copy lacks, once: the next time that it takes rows in. The number
 * that is marked says so by being turned below zero, where the sweep finds the owner whatever its rows say.
 */
export async function permitResume(driver: TenantDriver): Promise<void> {
  await driver.execute([
    statementOf(
      sql`update "counters" set "logged" = -1 - "logged" where "counters"."tenant_id" = ${driver.tenantId} and "counters"."name" = 'audit' and "counters"."logged" >= 0`,
    ),
  ]);
}

/**
 * Has the next row come after leaf `size`, of an audit that a restored copy left at `count`: that row is the note which
 * says so. The numbers between stay absent, and whoever verifies is told of them as deleted; where other rows have taken
 * all of them since, as edited.
 *
 * @returns whether it was permitted, and nobody wrote meanwhile
 */
export async function resumeAfter(
  database: D1Database,
  tenantId: string,
  { count, size }: { count: number; size: number },
  run: SystemRun,
): Promise<boolean> {
  const outcome = await commitAsSystem(keylessSession(database, tenantId), run, [
    {
      kind: "upkeep",
      unless: sql`not exists (select 1 from "counters" where "counters"."tenant_id" = ${tenantId} and "counters"."name" = 'audit' and "counters"."logged" < 0 and "counters"."value" = ${count})`,
      // The commit has counted its note by now, which then takes this number.
      statements: [
        statementOf(
          sql`update "counters" set "value" = max("value", ${size} + 1), "logged" = ${size} where "counters"."tenant_id" = ${tenantId} and "counters"."name" = 'audit'`,
        ),
      ],
    },
    note("audit-log", tenantId, { resumed: true, lostFrom: count < size ? count + 1 : null, lostTo: size }),
  ]);
  return outcome.kind === "committed";
}
