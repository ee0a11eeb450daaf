import { SealError } from "#crypto/envelope.ts";
import type { AlertKind } from "#db/alert-kinds.ts";
import { arrivalOf, openOrigin, recordedUse, sealOrigin } from "#db/last-use.ts";
import { onceAnHour } from "#db/once-an-hour.ts";
import { keylessSession, ringOf } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { noteUnopened } from "#db/unopened.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { wakeTenants } from "#platform/wake-ups.ts";
import { judged } from "./arrival-rules.ts";
import { arrivalsRules, detected } from "./detection-rules.ts";

const job = "jobs.detect";

interface Whose {
  readonly tenantId: string;
  readonly principalId: string;
}

interface Use extends Whose {
  /** ms since 1970. */
  readonly usedAt: number;
  /** From where, sealed; null where that is not known. */
  readonly origin: string | null;
}

/**
 * Writes when and from where a principal was last let in, and what is found in that: each kind once an hour, as somebody may
 * come by two places all day. The place is remembered last: whoever comes again after a crash finds what is not written yet.
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
  const before = await opened(cell, open(stored.origin), usedAt);
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
  await found(cell, { tenantId, principalId }, kinds, usedAt);
  await driver.execute(recordedUse(tenantId, principalId, usedAt, origin));
}

/**
 * Finds a program that came with its secret from where it is not let in: hardly anything says so surely that somebody else
 * has it. People are refused like that wherever they go.
 * @param at ms since 1970
 */
export async function recordElsewhere(cell: Cell, whose: Whose, at: number): Promise<void> {
  if (!isProgram(whose)) return;
  await found(cell, whose, [arrivalsRules.elsewhere.kind], at);
}

function isProgram({ principalId }: Whose): boolean {
  return principalId.startsWith("key_") || principalId.startsWith("cli_");
}

async function found(
  cell: Cell,
  { tenantId, principalId }: Whose,
  kinds: readonly AlertKind[],
  now: number,
): Promise<void> {
  let isNews = false;
  for (const kind of kinds) {
    const run = { job, requestId: newId("run"), now };
    const once = onceAnHour(job, `${kind} ${principalId}`, now);
    const session = keylessSession(cell.database, tenantId);
    const outcome = await commitAsSystem(session, run, [detected(kind, principalId)], null, once);
    isNews ||= outcome.kind === "committed";
  }
  if (!isNews) return;
  await wakeTenants(cell.queue, [tenantId]).catch((error: unknown) =>
    log("warn", "a finding waits for the sweeper", errorFields(error)),
  );
}

// What was remembered and does not open is told of, as it is about to be written over; then it is as if nothing were known.
async function opened<T>(cell: Cell, origin: Promise<T> | null, now: number): Promise<T | null> {
  try {
    return await origin;
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    log("warn", "where a principal came from before does not open", errorFields(error));
    await noteUnopened(cell.database, error, { requestId: newId("run"), now });
    return null;
  }
}
