import { SealError } from "#crypto/envelope.ts";
import { CellSystem } from "#db/cell-system.ts";
import { emit, update } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many, one } from "#db/queries.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { noteUnopened } from "#db/unopened.ts";
import { detected, rotationRule } from "#gate/detection-rules.ts";
import { isRotationDue, isRotationOverdue, isStillUsed } from "#gate/key-age.ts";
import { apiKeys } from "#gate/tables.ts";
import { inTurn } from "#lib/in-turn.ts";
import { timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { securityPolicies } from "#resources/security-policy/table.ts";

const mostPerRun = 50;

/** Tells tenants, once each, of keys that are still used though they retire soon, and of those that near the longest age; twice of these. */
export async function tellOfKeys(env: Env, cell: Cell, now: number): Promise<void> {
  const run = { job: "jobs.keys", requestId: newId("run"), now };
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const due = [
    ...(await system.keysStillUsed(timestamp(now))),
    ...(await system.keysNearingAge(timestamp(now))),
  ];
  for (const { tenantId, keyId } of inTurn(due, (key) => key.tenantId, mostPerRun)) {
    try {
      await tell(await systemSession(env, cell.database, tenantId), keyId, run);
    } catch (error) {
      if (error instanceof SealError) await noteUnopened(cell.database, error, run);
      log("error", "a tenant could not be told of a key yet", { key: keyId, ...errorFields(error) });
    }
  }
}

// Who loses the row's version has nothing to tell: another runner told it, or the key changed and is found again.
async function tell(session: TenantSession, keyId: string, run: SystemRun): Promise<void> {
  const { row, policies } = await session.read({
    row: one(apiKeys, keyId),
    policies: many(securityPolicies, { limit: 1 }),
  });
  if (!row || row.revokedAt !== null) return;
  const about = { table: apiKeys, row };
  if (isStillUsed(row, run.now) && row.stillUsedToldAt === null) {
    const data = { apiKeyId: row.id, successorId: row.successorId, retiresAt: row.retiresAt };
    const marked = update(apiKeys, row, { stillUsedToldAt: timestamp(run.now) }, run.now);
    await commitAsSystem(session, run, [marked, emit("api_key.still_used", data, about)]);
    return;
  }
  const longestKeyAge = policies[0]?.longestKeyAge ?? null;
  if (longestKeyAge === null) return;
  if (!isRotationDue(row, longestKeyAge, run.now)) {
    if (isRotationOverdue(row, longestKeyAge, run.now))
      await commitAsSystem(session, run, [
        update(apiKeys, row, { overdueTold: longestKeyAge }, run.now),
        detected(rotationRule.kind, row.id),
      ]);
    return;
  }
  const marked = update(apiKeys, row, { ageTold: longestKeyAge }, run.now);
  const data = { apiKeyId: row.id, longestKeyAge };
  await commitAsSystem(session, run, [marked, emit("api_key.rotation_due", data, about)]);
}
