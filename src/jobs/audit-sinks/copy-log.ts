import {
  advanceCopy,
  beginCopying,
  type CopyState,
  type CopyTurn,
  endCopying,
  headsAtOnce,
} from "#db/sink-progress.ts";
import { Store } from "#db/store.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { hourMs, minuteMs } from "#lib/time.ts";
import { tilePath, tilesBetween } from "#lib/tlog-tiles.ts";
import { type AuditSink, type SinkFault, type SinkKeys, sinkKeys } from "#platform/audit-sinks.ts";
import { type AuditStores, auditStoresOf, type TreeOwner } from "#platform/audit-trees.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { putLocked } from "#platform/object-lock-store.ts";

// What was put is noted after so many files.
const filesPerStep = 32;
const filesPerTurn = 128;
// No file is begun after this much of a turn, and the last ones take half a minute, so the lease outlives them.
const turnMs = minuteMs;
const leaseMs = 2 * minuteMs;

interface Copying {
  readonly stores: AuditStores;
  readonly owner: TreeOwner;
  readonly driver: TenantDriver;
  readonly sink: AuditSink;
  readonly keys: SinkKeys;
  readonly turn: CopyTurn;
  readonly filesAtOnce: number;
  readonly isOver: () => boolean;
}

/**
 * One turn of copying an owner's log to a sink: from the bucket, head by head, each after everything that it covers. What
 * is there already is compared and never overwritten. An invocation has six connections; `mostAtOnce` is how many of
 * them this may take. @returns whether there is more to copy at once
 */
export async function copyLog(
  env: Env,
  owner: TreeOwner,
  sink: AuditSink,
  now: number,
  mostAtOnce = 4,
): Promise<boolean> {
  const stores = auditStoresOf(env, owner);
  const driver = new TenantDriver(new Store(stores.database, "first-primary"), owner.tenantId);
  const turn = await beginCopying(driver, sink.place, now, now + leaseMs);
  if (!turn) return false;
  const keys = keysOf(env, sink);
  // Of several at once the same one could be the last, and refused, each time.
  const filesAtOnce = turn.failedSince === null ? mostAtOnce : 1;
  const endsAt = systemNow() + turnMs;
  const isOver = () => systemNow() > endsAt;
  const failed: Ended = keys
    ? await copyHeads({ stores, owner, driver, sink, keys, turn, filesAtOnce, isOver }, now)
    : { fault: "without-keys", path: null, isFurther: false };
  if (failed === "overtaken") return false;
  if (failed === "done" || failed === "more") {
    // Where nothing is left nothing is due; what was published meanwhile is due now.
    await endCopying(driver, turn, now, null);
    return failed === "more";
  }
  const level = ["refused", "holds-something-else", "source-missing"].includes(failed.fault)
    ? "error"
    : "warn";
  log(level, "a sink did not take the audit's log", {
    sink: sink.name,
    tenant: owner.tenantId,
    fault: failed.fault,
    path: failed.path,
  });
  const dueMs = now + (failed.isFurther ? minuteMs : waitMs(turn, now));
  await endCopying(driver, turn, dueMs, { fault: failed.fault, at: now });
  return false;
}

function keysOf(env: Env, sink: AuditSink): SinkKeys | null {
  try {
    return sinkKeys(env, sink);
  } catch (error) {
    log("error", "a sink has no keys", { sink: sink.name, ...errorFields(error) });
    return null;
  }
}

// As long as it has been failing, from a minute to an hour.
function waitMs({ failedSince }: CopyTurn, now: number): number {
  const failingMs = failedSince === null ? 0 : now - Date.parse(failedSince);
  return Math.min(Math.max(failingMs, minuteMs), hourMs);
}

interface Failed {
  readonly fault: SinkFault;
  readonly path: string | null;
}

/** `isFurther`: it failed, and not at once. */
type Ended = "done" | "more" | "overtaken" | (Failed & { readonly isFurther: boolean });

async function copyHeads(copying: Copying, now: number): Promise<Ended> {
  const { driver, turn } = copying;
  let left = filesPerTurn;
  let state = turn.from;
  const advance = async (to: CopyState) => {
    const isOurs = await advanceCopy(driver, turn, state, to, now);
    state = to;
    return isOurs;
  };
  // Retention has taken the heads that it lacked.
  if (turn.heads.length === 0 && !(await advance(state))) return "overtaken";
  for (const head of turn.heads) {
    while (state.size !== head) {
      if (left <= 0 || copying.isOver()) return "more";
      // The next head is another one where retention has taken that which was begun with.
      const before = state.nextSize === head ? state.nextFiles : 0;
      const paths = pathsOf(state.size, head, before);
      const { done, isThere, failed } = await copyStep(copying, paths, head);
      left -= paths.length + 1;
      const to = isThere
        ? { size: head, nextSize: 0, nextFiles: 0 }
        : { size: state.size, nextSize: head, nextFiles: before + done };
      // What came before a failure is noted as well, so that a store that often fails gets its log all the same.
      if ((isThere || done > 0) && !(await advance(to))) return "overtaken";
      if (failed) return { ...failed, isFurther: state !== turn.from };
    }
  }
  return turn.heads.length === headsAtOnce ? "more" : "done";
}

/** Those of a step, after as many as are there. */
function pathsOf(earlier: number, size: number, done: number): string[] {
  const paths: string[] = [];
  let at = 0;
  for (const tile of tilesBetween(earlier, size)) {
    if (at >= done) paths.push(tilePath(tile));
    if (paths.length === filesPerStep) break;
    at += 1;
  }
  return paths;
}

interface Step {
  /** How many of its files are there, from the first on. */
  readonly done: number;
  /** The head as well, which comes after everything that it covers. */
  readonly isThere: boolean;
  readonly failed: Failed | null;
}

async function copyStep(copying: Copying, paths: readonly string[], head: number): Promise<Step> {
  const { filesAtOnce, isOver } = copying;
  for (let start = 0; start < paths.length; start += filesAtOnce) {
    if (isOver()) return { done: start, isThere: false, failed: null };
    const some = paths.slice(start, start + filesAtOnce);
    const outcomes = await Promise.all(some.map((path) => copyFile(copying, path)));
    const at = outcomes.findIndex((each) => each !== null);
    if (at !== -1) return { done: start + at, isThere: false, failed: outcomes[at] ?? null };
  }
  if (paths.length === filesPerStep) return { done: paths.length, isThere: false, failed: null };
  const failed = await copyFile(copying, `checkpoints/${head}`);
  return { done: paths.length, isThere: failed === null, failed };
}

async function copyFile({ stores, owner, sink, keys }: Copying, path: string): Promise<Failed | null> {
  const key = `${owner.tenantId}/${path}`;
  const object = await stores.bucket.get(key);
  if (!object) return { fault: "source-missing", path };
  const fault = await putLocked(sink, keys, key, new Uint8Array(await object.arrayBuffer()));
  return fault && { fault, path };
}
