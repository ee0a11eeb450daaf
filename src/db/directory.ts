import type { Env } from "#platform/env.ts";
import { platformTenant } from "./directory-tables.ts";
import { systemSession } from "./open-tenant.ts";
import type { TenantSession } from "./tenant-db.ts";

/** The directory as one more owner of rows: same firewall, same commit, its own audit and outbox. */
export async function openDirectory(env: Env): Promise<TenantSession> {
  return await systemSession(env, env.DIRECTORY, platformTenant);
}
