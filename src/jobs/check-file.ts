import { commitAsSystem } from "#db/system-commit.ts";
import { looksLike } from "#lib/media-types.ts";
import { digestOf } from "#platform/streams.ts";
import { becameReady, becameRejected } from "#resources/files/life.ts";
import type { FileRow, OrderRow } from "#resources/files/lookup.ts";
import type { FileRun } from "./sweep-files.ts";

/**
 * Reads the whole of what was put together of parts, which no request could: a hash's state does not outlive one. What
 * is not as announced is deleted; its row says why for a day.
 */
export async function checkFile(run: FileRun, file: FileRow, order: OrderRow | null): Promise<void> {
  const { session, bucket, requestId, now } = run;
  const { object, size } = file;
  const stored = object === null ? null : await bucket.get(object);
  const system = { job: "jobs.check-file", requestId, now };
  if (object === null || stored === null || stored.size !== size) {
    await commitAsSystem(session, system, becameRejected(file, order, "lost", now));
    return;
  }
  const { sha256, head } = await digestOf(stored.body, size);
  const flaw = !looksLike(file.mediaType, head)
    ? "media-type-mismatch"
    : file.sha256 !== null && file.sha256 !== sha256
      ? "sha256-mismatch"
      : null;
  if (flaw === null) {
    await commitAsSystem(session, system, becameReady(file, order, { object, size, sha256 }, now).changes);
    return;
  }
  const rejected = await commitAsSystem(session, system, becameRejected(file, order, flaw, now));
  // Killed before this, the purge of the rejected file deletes it.
  if (rejected.kind === "committed") await bucket.delete(object);
}
