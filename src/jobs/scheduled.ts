import { cellKinds } from "#db/retention.ts";
import type { Registry } from "#http/registry.ts";
import { sweepEndedSessions } from "#identity/sessions/end-in-cells.ts";
import { sweepVisits } from "#identity/support/sweep-visits.ts";
import { cellsOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { sweepAlerts } from "./alerts/alert-tenant.ts";
import { archiveCalls } from "./archive-calls.ts";
import { copyPlatformLog, sweepSinks } from "./audit-sinks/sweep-sinks.ts";
import { deleteOldCalls } from "./call-retention.ts";
import { checkSsoDomains } from "./check-sso-domains.ts";
import { copyIdentityEvents } from "./copy-identity-events.ts";
import { sweepWebhooks } from "./deliver-webhooks.ts";
import { ensureDirectoryKeys } from "./directory-keys.ts";
import { sweepEvents } from "./dispatch-events.ts";
import { eraseAccounts } from "./erase-accounts.ts";
import { expireAccounts } from "./expire-accounts.ts";
import { forgetRows } from "./forget-rows.ts";
import { databasesOfCell, directoryOf, guardSchema } from "./guard-schema.ts";
import { logPlatformAudit, sweepAudit } from "./log-audit.ts";
import { removeOldPeppers } from "./old-peppers.ts";
import { alertOperator } from "./operator/platform-alerts.ts";
import { sweepOperatorNotices } from "./operator/tell-operator.ts";
import { deleteExpired } from "./retention.ts";
import { rewrapTenantKeys, scheduledRun } from "./rewrap-tenant-keys.ts";
import { rotateTenantKeys } from "./rotate-tenant-keys.ts";
import { sweepMails } from "./send-mail.ts";
import { sweepDomainClaims } from "./sweep-domain-claims.ts";
import { sweepFiles } from "./sweep-files.ts";
import { sweepIntents } from "./sweep-intents.ts";
import { tellOfKeys } from "./tell-of-keys.ts";
import { tellOldSecrets } from "./tell-old-secrets.ts";

/** What cron does every minute. One job's failure, or one cell's, stops no other. */
export async function runScheduled(env: Env, registry: Registry, now: number): Promise<void> {
  const cells = cellsOf(env);
  const jobs: [name: string, job: () => Promise<unknown>][] = [
    ["directory-keys", () => ensureDirectoryKeys(env, now)],
    ["old peppers", () => removeOldPeppers(env, scheduledRun(now))],
    ["directory-wraps", () => rewrapTenantKeys(env, env.DIRECTORY, scheduledRun(now))],
    ["directory-key-rotation", () => rotateTenantKeys(env, env.DIRECTORY, scheduledRun(now))],
    ["directory-schema", () => guardSchema(env, [directoryOf(env)], now)],
    ["mails", () => sweepMails(env, now)],
    ["alerts of the platform", () => alertOperator(env, now)],
    ["notices to the operator", () => sweepOperatorNotices(env, now)],
    ["ended sessions", () => sweepEndedSessions(env, now)],
    ["identity events", () => copyIdentityEvents(env, now)],
    ["accounts", () => expireAccounts(env, now)],
    ["visits of support", () => sweepVisits(env, now)],
    ["closed accounts", () => eraseAccounts(env, now)],
    ...cells.map((cell): [string, () => Promise<unknown>] => [
      `domains ${cell.id}`,
      () => checkSsoDomains(env, cell, now),
    ]),
    ["domain claims", () => sweepDomainClaims(env, now)],
    ["directory-retention", () => deleteExpired(env.DIRECTORY, now)],
    ["audit of the platform", () => logPlatformAudit(env)],
    ...cells.flatMap((cell): [string, () => Promise<unknown>][] => [
      [`schema ${cell.id}`, () => guardSchema(env, databasesOfCell(cell), now)],
      [`audit ${cell.id}`, () => sweepAudit(env, cell)],
      [`sinks ${cell.id}`, () => sweepSinks(env, cell, now)],
      [`events ${cell.id}`, () => sweepEvents(cell, now)],
      [`alerts ${cell.id}`, () => sweepAlerts(cell, now)],
      [`intents ${cell.id}`, () => sweepIntents(env, cell, registry, now)],
      [`webhooks ${cell.id}`, () => sweepWebhooks(cell, now)],
      [`secrets ${cell.id}`, () => tellOldSecrets(env, cell, now)],
      [`api keys ${cell.id}`, () => tellOfKeys(env, cell, now)],
      [`rows ${cell.id}`, () => forgetRows(cell, now)],
      [`retention ${cell.id}`, () => deleteExpired(cell.database, now, cellKinds)],
      [`wraps ${cell.id}`, () => rewrapTenantKeys(env, cell.database, scheduledRun(now))],
      [`keys ${cell.id}`, () => rotateTenantKeys(env, cell.database, scheduledRun(now))],
      [`calls to archive ${cell.id}`, () => archiveCalls(cell, now)],
      [`calls to delete ${cell.id}`, () => deleteOldCalls(cell, now)],
    ]),
    ["sinks of the platform", () => copyPlatformLog(env, now)],
    // Last, as reading large files may take all the time that a run has.
    ...cells.map((cell): [string, () => Promise<unknown>] => [
      `files ${cell.id}`,
      () => sweepFiles(env, cell, now),
    ]),
  ];
  for (const [name, job] of jobs) {
    try {
      await job();
    } catch (error) {
      log("error", "a scheduled job failed", { job: name, ...errorFields(error) });
    }
  }
}
