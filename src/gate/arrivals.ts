import { sql } from "drizzle-orm";
import { SealError } from "#crypto/envelope.ts";
import { arrivalOf, openOrigin, recordedUse, sealOrigin } from "#db/last-use.ts";
import { ringOf } from "#db/open-tenant.ts";
import { wholeTenant } from "#db/scope.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { wakeTenants } from "#platform/wake-ups.ts";
import { judged } from "./arrival-rules.ts";
import { detected } from "./detection-rules.ts";

const job = "jobs.detect";

interface Use {
  readonly tenantId: string;
  readonly principalId: string;
  /** ms since 1970. */
  readonly usedAt: number;
  /** From where, sealed; null where that is not known. */
  readonly origin: string | null;
}

/**
 * Writes when and from where a principal was last let in, and what is found in that: the finding stands in the batch that
 * remembers the place, so that whoever comes again after a crash finds it neither lost nor twice.
 */
export async function recordArrival(env: Env, cell: Cell, use: Use): Promise<void> {
  const { tenantId, principalId, usedAt } = use;
  const driver = new TenantDriver(new Store(cell.database, "first-primary"), tenantId);
  const { tenantKeys, subjectKey, ...stored } = await arrivalOf(driver, principalId);
  const ring = await ringOf(env, tenantId, tenantKeys);
  const key = subjectKey ? await ring.openSubjectKey(principalId, subjectKey) : null;
  const open = (origin: string | null) =>
    key && origin !== null ? openOrigin(key, { tenantId, principalId }, origin) : null;
  const came = await open(use.origin);
  const before = await opened(open(stored.origin));
  const isKey = principalId.startsWith("key_");
  const idleSince = isKey ? (stored.usedAt ?? stored.createdAt) : null;
  const { kinds, seen } = judged(
    { seen: before?.seen ?? null, idleSince: idleSince === null ? null : Date.parse(idleSince) },
    usedAt,
    came?.trail ?? [],
  );
  const { ip = null, place = null } = came ?? {};
  const origin =
    key && (came || seen) ? await sealOrigin(key, { tenantId, principalId }, { ip, place, seen }) : null;
  const statements = recordedUse(tenantId, principalId, usedAt, origin);
  if (kinds.length === 0) return void (await driver.execute(statements));
  const keys = { tenantId, ring, subjects: new Map() };
  const session = new TenantSession(driver, { reach: wholeTenant, epoch: null, keys });
  const run = { job, requestId: newId("run"), now: usedAt };
  await commitAsSystem(session, run, [
    ...kinds.map((kind) => detected(kind, principalId)),
    { kind: "upkeep", unless: sql`0`, statements },
  ]);
  await wakeTenants(cell.queue, [tenantId]).catch((error: unknown) =>
    log("warn", "a finding waits for the sweeper", errorFields(error)),
  );
}

// What was remembered and does not open is told where people look at it; here it is as if nothing were known.
async function opened<T>(origin: Promise<T> | null): Promise<T | null> {
  try {
    return await origin;
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    log("warn", "where a principal came from before does not open", errorFields(error));
    return null;
  }
}
