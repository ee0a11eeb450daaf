import { permitResume } from "#db/audit-resume.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import type { Env } from "#platform/env.ts";
import { ownersOf } from "./owners.ts";
import { copyFromBucket, ownerOf } from "./verify-audit/bucket.ts";
import { told } from "./verify-audit/told.ts";
import { verifyLog } from "./verify-audit/verify.ts";

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

/** Holds an owner's rows, and the log in its bucket, against the heads that were signed. */
export async function verifyAudit(env: Env, name: string): Promise<{ said: string; isDone: boolean }> {
  const owner = await ownerOf(env, name);
  if (!owner) return { said: `There is no tenant ${name}.`, isDone: false };
  return told(await verifyLog(await copyFromBucket(env, owner)));
}
