import { sql } from "drizzle-orm";
import { createTenantKey } from "#crypto/key-ring.ts";
import { timestamp } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { keksOf } from "./keks.ts";
import { statementOf } from "./statement.ts";
import { Store } from "./store.ts";
import { TenantDriver } from "./tenant-driver.ts";

const counters = ["audit", "event", "order"];

/**
 * What every commit of an owner of rows stands on: its state, its counters, its first key. Idempotent: a second call
 * adds nothing, so a saga may repeat it.
 */
export async function foundOwner(
  env: Env,
  database: D1Database,
  tenantId: string,
  now: number,
): Promise<void> {
  const driver = new TenantDriver(new Store(database, "first-primary"), tenantId);
  const key = await createTenantKey(await keksOf(env), tenantId, newId("tky"));
  const firstKey = sql`not exists (select 1 from "tenant_keys" where "tenant_keys"."tenant_id" = ${tenantId})`;
  await driver.execute([
    statementOf(
      sql`insert or ignore into "tenant_state" ("tenant_id", "state") values (${tenantId}, 'active')`,
    ),
    statementOf(
      sql`insert or ignore into "counters" ("tenant_id", "name") select ${tenantId}, json_each.value from json_each(${JSON.stringify(counters)})`,
    ),
    statementOf(
      sql`insert into "tenant_keys" ("tenant_id", "id", "wrapped", "created_at") select ${tenantId}, ${key.id}, ${key.wrapped}, ${timestamp(now)} where ${firstKey}`,
    ),
  ]);
}
