import type { Change, Remove, Update } from "#db/changes.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { metaOf } from "#db/tenant-table.ts";
import type { Cell } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { gateOf } from "#platform/gates.ts";
import { errorFields, log } from "#platform/log.ts";
import { wakeMails, wakeOutbox } from "#platform/wake-ups.ts";

/**
 * What may be told sooner than it would be found out: consumers of the outbox, and the gates of principals whose own
 * rows changed. Nothing depends on it: the sweeper finds the events, the epoch stops the old rights.
 */
export async function afterCommit(
  env: Env,
  cell: Cell,
  tenantId: string,
  changes: readonly Change[],
): Promise<void> {
  const told: Promise<unknown>[] = [];
  // Each of them but a guard has an audit row or an event for somebody.
  if (changes.some((change) => change.kind !== "guard"))
    wakeOutbox(cell.queue, tenantId, {
      now: systemNow(),
      waitMs: Number(env.WAKE_UP_WAIT_MS),
      waitUntil: (work) => told.push(work),
    });
  for (const principalId of new Set(changedPrincipals(changes)))
    told.push(gateOf(env, cell, principalId).forget());
  for (const result of await Promise.allSettled(told)) {
    if (result.status === "rejected")
      log("warn", "a notice after a commit was not delivered", errorFields(result.reason));
  }
}

/**
 * The same of the directory's commits: mails that were written are sent at once, and tenants told of what happened. What
 * this misses, the sweepers find.
 */
export async function afterDirectoryCommit(env: Env, changes: readonly Change[]): Promise<void> {
  const told: Promise<unknown>[] = [];
  if (changes.some(({ kind }) => kind === "emit"))
    wakeOutbox(env.MAILS, platformTenant, {
      now: systemNow(),
      waitMs: Number(env.WAKE_UP_WAIT_MS),
      waitUntil: (work) => told.push(work),
    });
  const mailIds = changes.flatMap((change) =>
    change.kind === "insert" && metaOf(change.table).entity === "outgoing-mail"
      ? change.rows.map(({ id }) => String(id))
      : [],
  );
  if (mailIds.length > 0) told.push(wakeMails(env.MAILS, mailIds));
  for (const result of await Promise.allSettled(told)) {
    if (result.status === "rejected") log("warn", "mails wait for the sweeper", errorFields(result.reason));
  }
}

function changedPrincipals(changes: readonly Change[]): string[] {
  return changes.flatMap((change) => {
    if (change.kind !== "insert" && change.kind !== "update" && change.kind !== "remove") return [];
    const { entity } = metaOf(change.table);
    // A gate may have been asked for a member before there was one, and remember that there is none.
    if (entity === "outside-member")
      return (change.kind === "insert" ? change.rows : [change.before, after(change)])
        .map(({ memberId }) => memberId)
        .filter((id) => typeof id === "string");
    if (entity === "key-limit")
      return (change.kind === "insert" ? change.rows : [change.before]).map(({ apiKeyId }) =>
        String(apiKeyId),
      );
    if (change.kind === "insert") return [];
    return ["api-key", "member", "oauth-client", "support-session"].includes(entity)
      ? [String(change.before.id)]
      : [];
  });
}

function after(change: Update | Remove): Readonly<Record<string, unknown>> {
  return change.kind === "update" ? change.patch : {};
}
