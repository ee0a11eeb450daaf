import { permitResume } from "#db/audit-resume.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import type { Env } from "#platform/env.ts";
import { ownersOf } from "./owners.ts";

/** Permits each owner of this store, once; only the tree knows how far it is. @returns how many there are */
export async function resumeAudits(env: Env, store: string): Promise<number> {
  let count = 0;
  for await (const owner of ownersOf(env)) {
    if (owner.store !== store) continue;
    await permitResume(new TenantDriver(new Store(owner.database, "first-primary"), owner.tenantId));
    count += 1;
  }
  return count;
}
