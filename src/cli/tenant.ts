import { eq } from "drizzle-orm";
import { openDirectory } from "#db/directory.ts";
import { directoryTenants } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";

/** null: no active tenant has this slug. */
export async function sessionOfSlug(env: Env, slug: string): Promise<TenantSession | null> {
  const directory = await openDirectory(env);
  const bySlug = many(directoryTenants, { where: eq(directoryTenants.slug, slug), limit: 1 });
  const [tenant] = (await directory.read({ bySlug })).bySlug;
  const cell = tenant?.state === "active" ? cellOf(env, tenant.cell) : null;
  return tenant && cell ? await systemSession(env, cell.database, tenant.id) : null;
}

export const noSuchSlug = "No active tenant has this slug.";
