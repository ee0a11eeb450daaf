import { z } from "zod";
import { type Change, insert, note, remove, update } from "#db/changes.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { keylessSession } from "#db/open-tenant.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { nextTryAt } from "#lib/retry-schedule.ts";
import { minuteMs, secondMs, timestamp } from "#lib/time.ts";
import { chance } from "#platform/chance.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { operatorNotices } from "#resources/alerts/operator-table.ts";
import { dueOperatorNotices } from "#resources/alerts/queries.ts";
import type { Carried, Carrier, OperatorNotice } from "./carrier.ts";
import { mailCarrier } from "./mail.ts";
import { sentryCarrier } from "./sentry.ts";
import { turnOf } from "./turns.ts";
import { webhookCarrier } from "./webhook.ts";

/** A wake-up: this notice is to be carried. */
export const OperatorWakeUp = z.object({ v: z.literal(1), operatorNoticeId: z.string() });

const job = "jobs.operator";
/** Longer than any try takes. */
const leaseMs = minuteMs;
const sweepAfterMs = 30 * secondMs;
/** As one sending to a queue holds. */
const mostPerSend = 100;

const carriers: readonly Carrier[] = [webhookCarrier, mailCarrier, sentryCarrier];

/** What the operator is to be told: no id of a person, no text of anybody's. */
export type ToTell = Pick<
  OperatorNotice,
  "sourceId" | "kind" | "severity" | "ofTenant" | "count" | "fromAt" | "toAt"
>;

/** Why the operator could not be told as this deployment is configured; nothing where they want it by no way. */
export function operatorFaults(env: Env): string[] {
  return carriers.flatMap((carrier) => (carrier.isWanted(env) ? carrier.faults(env) : []));
}

/** The rows that have the operator told, one for each way that they want. */
export function tellingOperator(env: Env, told: ToTell, now: number) {
  const wanted = carriers.filter((carrier) => carrier.isWanted(env));
  return wanted.map(({ name: carrier }) =>
    insert(
      operatorNotices,
      { id: newId("opn"), carrier, ...told, attempts: 0, nextTryAt: timestamp(now) },
      now,
    ),
  );
}

/** Nothing that is sealed has a part in it: what does not open is one of the things it tells of. */
export function operatorSession(env: Env): TenantSession {
  return keylessSession(env.DIRECTORY, platformTenant);
}

/** Has these carried at once; what that misses, the sweeper finds. */
export async function wakeOperator(env: Env, ids: readonly string[]): Promise<void> {
  for (let start = 0; start < ids.length; start += mostPerSend)
    await env.MAILS.sendBatch(
      ids.slice(start, start + mostPerSend).map((operatorNoticeId) => ({ body: { v: 1, operatorNoticeId } })),
    );
}

/** Hands a notice to its carrier, at least once, when it is its turn; it is gone once that took it, or summed up in another. */
export async function tellOperator(env: Env, id: string, now: number): Promise<void> {
  const directory = operatorSession(env);
  const notice = await directory.get(operatorNotices, id);
  const carrier = carriers.find(({ name }) => name === notice?.carrier);
  if (!notice || !carrier || notice.nextTryAt > timestamp(now)) return;
  const run = { job, requestId: newId("run"), now };
  if (!carrier.isWanted(env)) return await end(directory, notice, run, "unwanted");
  const patch = { attempts: notice.attempts + 1, nextTryAt: timestamp(now + leaseMs) };
  const claiming = update(operatorNotices, notice, patch, now);
  // Who was tried before has had its turn.
  const turn = notice.attempts > 0 ? null : await turnOf(directory, notice, now);
  if (turn?.kind === "wait") return void (await commitAsSystem(directory, run, turn.changes));
  const outcome = await commitAsSystem(directory, run, [claiming], null, turn?.once);
  // It is another's by now, or the turn is, and then the sweeper comes back to it.
  if (outcome.kind !== "committed") return;
  const carried = await carry(carrier, env, claiming.row);
  await settle(directory, claiming.row, { ...run, now: systemNow() }, carried);
}

/** Wakes what carries them for all that no message has led to. */
export async function sweepOperatorNotices(env: Env, now: number): Promise<void> {
  const { due } = await operatorSession(env).read({ due: dueOperatorNotices(now - sweepAfterMs) });
  await wakeOperator(
    env,
    due.map(({ id }) => id),
  );
}

async function carry(carrier: Carrier, env: Env, notice: OperatorNotice): Promise<Carried> {
  try {
    if (carrier.faults(env).length === 0) return await carrier.carry(env, notice);
    log("error", "the operator cannot be told", {
      carrier: carrier.name,
      faults: carrier.faults(env).join("; "),
    });
  } catch (error) {
    log("warn", "the operator was not told", { carrier: carrier.name, ...errorFields(error) });
  }
  return { kind: "try-again", askedMs: null };
}

async function settle(
  directory: TenantSession,
  notice: OperatorNotice,
  run: SystemRun,
  carried: Carried,
): Promise<void> {
  if (carried.kind === "taken") return await end(directory, notice, run, "taken");
  const next = nextTryAt({
    failures: notice.attempts,
    nowMs: run.now,
    askedMs: carried.askedMs,
    chance: chance(),
  });
  if (next === null) {
    log("error", "the operator was not told, and is not to be", {
      carrier: notice.carrier,
      kind: notice.kind,
    });
    return await end(directory, notice, run, "failed");
  }
  await commitAsSystem(directory, run, [
    update(operatorNotices, notice, { nextTryAt: timestamp(next) }, run.now),
  ]);
}

// Where it is another's by now, nothing is done.
async function end(
  directory: TenantSession,
  notice: OperatorNotice,
  run: SystemRun,
  outcome: "taken" | "failed" | "unwanted",
): Promise<void> {
  const { id, carrier, sourceId } = notice;
  const changes: Change[] = [
    remove(operatorNotices, notice),
    note("operator-notice", id, { outcome, carrier, sourceId }),
  ];
  await commitAsSystem(directory, run, changes);
}
