import { kekKid } from "#crypto/kek.ts";
import { CellSystem } from "#db/cell-system.ts";
import { keksOf } from "#db/keks.ts";
import { pendingRotation } from "#db/key-rotation.ts";
import { oldKeys } from "#db/old-keys.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import type { SystemRun } from "#db/system-commit.ts";
import { newestKey, rotateTenantKey, subjectUses } from "#db/tenant-keys.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { keysMadeWith, peppersOf } from "#jobs/old-peppers.ts";
import { rewrapTenantKeys } from "#jobs/rewrap-tenant-keys.ts";
import { moveToNewestKey } from "#jobs/rotate-tenant-keys.ts";
import { oldSecretsOf } from "#jobs/tell-old-secrets.ts";
import { dayMs } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { databasesOf, ownersOf } from "./owners.ts";

const pagesAtOnce = 100;
const mostCounted = 1000;

/** All of it at once, as cron would do it in time. A tenant whose key is younger than a day has been through already. */
export async function rotateKeys(env: Env, run: SystemRun): Promise<void> {
  await ensureDirectoryKeys(env, run.now, { signing: dayMs, heads: dayMs, pepper: dayMs }, run.job);
  for (const database of databasesOf(env)) {
    while ((await rewrapTenantKeys(env, database, run)) > 0);
  }
  for await (const { database, tenantId } of ownersOf(env)) {
    const newest = await newestKey(keylessSession(database, tenantId));
    if (newest === null) continue;
    if (Date.parse(newest.createdAt) + dayMs <= run.now) await rotateTenantKey(env, database, tenantId, run);
    while ((await moveToNewestKey(env, database, tenantId, run, pagesAtOnce)) === pagesAtOnce);
  }
}

/** What is left under older keys; done where that is nothing. */
export async function keysStatus(env: Env, now: number): Promise<{ said: string; isDone: boolean }> {
  const kek = kekKid((await keksOf(env)).currentVersion);
  const behind = new Set<string>();
  for (const database of databasesOf(env)) {
    const system = new CellSystem(new Store(database, "first-primary"));
    for (const tenantId of await system.tenantsNotWrappedBy(kek)) behind.add(tenantId);
  }
  const sum = { tenants: 0, underWay: 0, kept: 0, removable: 0, wraps: 0, columns: 0, uses: 0, ofPeople: 0 };
  const progress: string[] = [];
  for await (const { database, tenantId } of ownersOf(env)) {
    const session = keylessSession(database, tenantId);
    const rotation = await pendingRotation(session);
    sum.tenants += 1;
    if (rotation) {
      sum.underWay += 1;
      progress.push(`  ${tenantId}: at ${rotation.step}, ${rotation.moved} moved so far`);
    }
    sum.uses = Math.max(sum.uses, (await newestKey(session))?.uses ?? 0);
    sum.ofPeople = Math.max(sum.ofPeople, await subjectUses(session));
    for (const { wraps, columns, isRemovable } of await oldKeys(session, now)) {
      sum[isRemovable ? "removable" : "kept"] += 1;
      sum.wraps += wraps;
      sum.columns += columns;
    }
  }
  const isDone = behind.size === 0 && sum.underWay === 0 && sum.wraps + sum.columns === 0;
  const said = [
    behind.size === 0
      ? `KEKs: every tenant key is wrapped by ${kek}; any other may leave KEYLINE_KEKS.`
      : `KEKs: ${behind.size} tenants or more have keys that ${kek} does not wrap; none may leave KEYLINE_KEKS.`,
    `Tenant keys: ${sum.tenants} owners, ${sum.underWay} rotations under way; a newest key has sealed ${sum.uses} times at most, a person's ${sum.ofPeople}; the bound is ${2 ** 32}.`,
    ...progress,
    await pepperStatus(env, now),
    await secretStatus(env, now),
    `Older keys: ${sum.wraps} wraps and ${sum.columns} columns left; ${sum.removable} may be removed, which cron does, and ${sum.kept} may not yet.`,
  ].join("\n");
  return { said, isDone };
}

/** Keys keep the pepper that they were made with: an older one goes with the last of them. */
async function pepperStatus(env: Env, now: number): Promise<string> {
  const { newest, older } = await peppersOf(env, now);
  if (!newest) return "Key peppers: none yet; cron makes the first.";
  const lines = [`Key peppers: new API keys are made with version ${newest.pepperVersion}.`];
  for (const pepper of older) {
    const count = await keysMadeWith(env, pepper, now, mostCounted);
    const keys = count >= mostCounted ? `${count} keys or more` : `${count} keys`;
    lines.push(`  version ${pepper.pepperVersion}: ${keys} that may be used; it goes with the last of them`);
  }
  return lines.join("\n");
}

/** Only who receives webhooks can take over another secret, so none is rotated from here. */
async function secretStatus(env: Env, now: number): Promise<string> {
  const count = await oldSecretsOf(env, now);
  if (count === 0) return "Webhook secrets: none that signs is older than a year.";
  const many = `${count}${count >= mostCounted ? " or more" : ""}`;
  return `Webhook secrets: ${many} of those that sign are older than a year. Their tenants have been told (webhook_endpoint.secret_rotation_due) and alone can rotate them: POST /v1/tenants/{tenant}/webhook-endpoints/{id}/rotate-secret.`;
}
