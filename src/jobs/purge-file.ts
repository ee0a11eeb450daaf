import { emit, remove } from "#db/changes.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { abortUpload } from "#platform/multipart.ts";
import { about, type FileRow, type OrderRow, partsOf } from "#resources/files/lookup.ts";
import { objectPrefix } from "#resources/files/rules.ts";
import { fileParts, files } from "#resources/files/table.ts";
import type { FileRun } from "./sweep-files.ts";

// Each row goes with its guard and audit row, and a Worker may run so many statements.
const rowsPerCommit = 20;

/** Bytes first, then rows: whatever it is killed between, the row that is left leads the next run to the rest. */
export async function purgeFile(run: FileRun, file: FileRow, order: OrderRow | null): Promise<void> {
  const { session, requestId, now } = run;
  await deleteBytes(run, file);
  const system = { job: "jobs.purge-file", requestId, now };
  for (;;) {
    const { parts } = await session.read({ parts: partsOf(file.id, rowsPerCommit) });
    if (parts.length === 0) break;
    const { kind } = await commitAsSystem(
      session,
      system,
      parts.map((part) => remove(fileParts, part)),
    );
    if (kind !== "committed") return;
  }
  // What was never whole was never told of.
  const told = emit("file.purged", { fileId: file.id }, about(file, order));
  await commitAsSystem(session, system, [remove(files, file), ...(file.uploadedAt === null ? [] : [told])]);
}

// By prefix: of attempts that were killed at the wrong moment, no row knows the key.
async function deleteBytes({ session, bucket }: FileRun, file: FileRow): Promise<void> {
  const { object, uploadId } = file;
  if (object !== null && uploadId !== null) await abortUpload(bucket, object, uploadId);
  const prefix = objectPrefix(session.tenantId, file.id);
  for (;;) {
    const { objects, truncated } = await bucket.list({ prefix });
    if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    if (!truncated) return;
  }
}
