import type { RecordDraft } from "#db/commit.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { wholeTenant } from "#db/scope.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import type { mailTo } from "#mail/outgoing.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { wakeMails } from "#platform/wake-ups.ts";
import { directoryKeys } from "./directory-keys.ts";

/** Writes mails of what a tenant's cell holds into the directory, and has them sent; by a record, at most once as long as that lives. @throws Error where it could not */
export async function writeLetters(
  env: Env,
  run: SystemRun,
  mails: readonly ReturnType<typeof mailTo>[],
  once: RecordDraft | null = null,
): Promise<void> {
  if (mails.length === 0) return;
  const { ring } = await directoryKeys(env, () => true);
  const directory = new TenantSession(
    new TenantDriver(new Store(env.DIRECTORY, "first-primary"), platformTenant),
    { reach: wholeTenant, epoch: null, keys: { tenantId: platformTenant, ring, subjects: new Map() } },
  );
  const outcome = await commitAsSystem(directory, run, mails, null, once);
  // They stand already, and are being sent.
  if (outcome.kind === "lost" && outcome.what === "replay") return;
  if (outcome.kind !== "committed") throw new Error("Mails could not be written.");
  // What sweeps finds them too.
  await wakeMails(
    env.MAILS,
    mails.map(({ row }) => row.id),
  ).catch((error: unknown) => log("warn", "mails wait for the sweeper", errorFields(error)));
}
