import { emit, update } from "#db/changes.ts";
import { timestamp } from "#lib/time.ts";
import { about, type FileRow, type OrderRow } from "./lookup.ts";
import { unfinishedKeptMs } from "./rules.ts";
import { files, type rejections } from "./table.ts";

/** How a file begins, whose bytes are still to come. */
export function pending(now: number) {
  return { state: "pending" as const, sweepAt: timestamp(now + unfinishedKeptMs) };
}

type Told = "file.created" | "file.updated" | "file.deleted" | "file.restored";

export function told(event: Told, file: FileRow, order: OrderRow | null) {
  const { id, customerId, orderId, documentId, revision } = file;
  return emit(event, { fileId: id, customerId, orderId, documentId, revision }, about(file, order));
}

/** What an upload has come to, whole or in parts. */
export function becameReady(
  file: FileRow,
  order: OrderRow | null,
  facts: { object: string; size: number; sha256: string },
  now: number,
) {
  const ready = update(
    files,
    file,
    { ...facts, state: "ready", uploadId: null, uploadedAt: timestamp(now), sweepAt: null },
    now,
  );
  const { customerId, orderId, documentId, revision } = file;
  const { size } = facts;
  const uploaded = emit(
    "file.uploaded",
    { fileId: file.id, customerId, orderId, documentId, revision, size },
    about(file, order),
  );
  return { row: ready.row, changes: [ready, uploaded] };
}

export function becameRejected(
  file: FileRow,
  order: OrderRow | null,
  rejection: (typeof rejections)[number],
  now: number,
) {
  const rejected = update(
    files,
    file,
    { state: "rejected", rejection, object: null, sweepAt: timestamp(now + unfinishedKeptMs) },
    now,
  );
  return [rejected, emit("file.rejected", { fileId: file.id, rejection }, about(file, order))];
}
