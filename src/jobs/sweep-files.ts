import { CellSystem, type DueFile } from "#db/cell-system.ts";
import { update } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { type TenantSession, tenantDb } from "#db/tenant-db.ts";
import { inTurn } from "#lib/in-turn.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { errorFields, log } from "#platform/log.ts";
import { type TenantFiles, tenantFiles } from "#platform/tenant-files.ts";
import { fileAndOrder } from "#resources/files/lookup.ts";
import { mostBytes } from "#resources/files/rules.ts";
import { files } from "#resources/files/table.ts";
import { checkFile } from "./check-file.ts";
import { purgeFile } from "./purge-file.ts";

// Longer than one run may last, so that a file is in the hands of one sweeper at a time.
const claimMs = 20 * minuteMs;
const mostPurgesPerRun = 25;
// Hashing costs CPU, of which a run has 30 s. Large files have a share of their own, so that the small ones of others
// need not wait for them; the first of them is checked however large it is.
const largeBytes = 200_000_000;
const mostBytesPerRun = { small: mostBytes.pro, large: mostBytes.enterprise };

/** What working on one tenant's file takes. */
export interface FileRun {
  readonly session: TenantSession;
  readonly bucket: TenantFiles;
  readonly requestId: string;
  readonly now: number;
}

/** Checks files that were put together of parts, and purges what was never finished or was deleted long ago. */
export async function sweepFiles(env: Env, cell: Cell, now: number): Promise<void> {
  const system = new CellSystem(new Store(cell.database, "first-primary"));
  const toCheck = await system.filesToCheck(timestamp(now));
  const toPurge = await system.filesToPurge(timestamp(now));
  const due = [
    ...anotherFirst(toCheck, Math.floor(now / minuteMs)),
    ...inTurn(toPurge, (file) => file.tenantId, mostPurgesPerRun),
  ];
  const left = { ...mostBytesPerRun };
  for (const { tenantId, fileId } of due) {
    try {
      const session = await systemSession(env, cell.database, tenantId);
      const bucket = tenantFiles(cell.files, tenantId);
      await sweepFile({ session, bucket, requestId: newId("run"), now }, fileId, left);
    } catch (error) {
      log("error", "a file could not be swept; it is tried again later", {
        file: fileId,
        ...errorFields(error),
      });
    }
  }
}

// Every minute another tenant begins: else whoever has waited longest, with many large files, would have each run to
// itself.
function anotherFirst(toCheck: readonly DueFile[], turn: number): DueFile[] {
  const tenants = new Set(toCheck.map(({ tenantId }) => tenantId)).size;
  const start = tenants === 0 ? 0 : turn % tenants;
  const firsts = toCheck.slice(0, tenants);
  return [...firsts.slice(start), ...firsts.slice(0, start), ...toCheck.slice(tenants)];
}

// Claimed before anything else, so that a file which cannot be dealt with waits behind those that can, and so that
// nobody finishes or restores what is being purged.
async function sweepFile(run: FileRun, fileId: string, left: typeof mostBytesPerRun): Promise<void> {
  const { session, requestId, now } = run;
  const { file, order } = await fileAndOrder(tenantDb(session), session.tenantId, fileId);
  if (file === null || file.sweepAt === null || file.sweepAt > timestamp(now)) return;
  const isToCheck = file.state === "checking" && file.deletedAt === null;
  const bytes = isToCheck ? (file.size ?? 0) : 0;
  const share = bytes > largeBytes ? "large" : "small";
  // It stays due for a later run.
  if (bytes > left[share] && left[share] < mostBytesPerRun[share]) return;
  left[share] -= bytes;
  const sweepAt = timestamp(now + claimMs);
  const patch = isToCheck
    ? { sweepAt }
    : { state: "purging" as const, deletedAt: file.deletedAt ?? timestamp(now), sweepAt };
  const claim = update(files, file, patch, now);
  const job = isToCheck ? "jobs.check-file" : "jobs.purge-file";
  const outcome = await commitAsSystem(session, { job, requestId, now }, [claim]);
  if (outcome.kind !== "committed") return;
  await (isToCheck ? checkFile(run, claim.row, order) : purgeFile(run, claim.row, order));
}
