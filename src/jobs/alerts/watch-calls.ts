import { onceWithin } from "#db/once-an-hour.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { type CallsByActor, madeSince, refusedSince } from "#db/watched-calls.ts";
import { type CallsRule, callsRules, detected } from "#gate/detection-rules.ts";
import type { CallRecord } from "#lib/call-record.ts";
import { hourStart, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { wakeTenants } from "#platform/wake-ups.ts";
import { personalWeights } from "./personal-operations.ts";

const job = "jobs.detect";
const refusedStatuses: readonly number[] = [401, 403, 404];

/**
 * Holds the calls that a tenant's log just got against the rules, where any of them is of a kind that a rule counts. What
 * is found stands in the tenant's audit, once within the rule's window. Best effort, as the log is: what a crash here
 * misses, the next call of that kind finds within the window.
 */
export async function watchCalls(
  cell: Cell,
  tenantId: string,
  calls: readonly CallRecord[],
  now: number,
): Promise<void> {
  const driver = new TenantDriver(new Store(cell.log, "first-primary"), tenantId);
  let isFound = false;
  for (const [counts, rules] of Map.groupBy(callsRules, (rule) => rule.counts)) {
    if (!calls.some(isCounted[counts])) continue;
    const byWindow = new Map<number, CallsByActor>();
    for (const rule of rules) {
      const { windowMs } = rule;
      const made = byWindow.get(windowMs) ?? (await countOf[counts](driver, windowMs, now));
      byWindow.set(windowMs, made);
      for (const subjectId of overThreshold(rule, tenantId, made))
        isFound = (await tell(cell, rule, tenantId, subjectId, now)) || isFound;
    }
  }
  if (isFound) await wakeTenants(cell.queue, [tenantId]);
}

const isCounted: Readonly<Record<CallsRule["counts"], (call: CallRecord) => boolean>> = {
  refusals: ({ status }) => refusedStatuses.includes(status),
  "personal-data": ({ status, operation }) => status < 300 && Object.hasOwn(personalWeights, operation),
};

const countOf: Readonly<
  Record<CallsRule["counts"], (driver: TenantDriver, windowMs: number, now: number) => Promise<CallsByActor>>
> = {
  refusals: (driver, windowMs, now) => refusedSince(driver, refusedStatuses, now - windowMs),
  // By the clock's hours, as these are counted already.
  "personal-data": (driver, _windowMs, now) => madeSince(driver, personalWeights, timestamp(hourStart(now))),
};

function overThreshold({ key, threshold }: CallsRule, tenantId: string, made: CallsByActor): string[] {
  if (key === "principal") return [...made].flatMap(([id, calls]) => (calls >= threshold ? [id] : []));
  const all = [...made.values()].reduce((sum, calls) => sum + calls, 0);
  return all >= threshold ? [tenantId] : [];
}

/** @returns whether it had not been told within the window */
async function tell(
  cell: Cell,
  { kind, windowMs }: CallsRule,
  tenantId: string,
  subjectId: string,
  now: number,
): Promise<boolean> {
  const run = { job, requestId: newId("run"), now };
  const once = onceWithin(windowMs, job, `${kind} ${subjectId}`, now);
  const session = keylessSession(cell.database, tenantId);
  return (await commitAsSystem(session, run, [detected(kind, subjectId)], null, once)).kind === "committed";
}
