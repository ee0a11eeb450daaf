import { z } from "zod";
import { update as change } from "#db/changes.ts";
import type { Patch } from "#db/tenant-table.ts";
import { type TenantContext, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { timestamp } from "#lib/time.ts";
import { told } from "./life.ts";
import { type FileRow, fileAndOrder } from "./lookup.ts";
import { deletedKeptMs } from "./rules.ts";
import { File, FileId } from "./schema.ts";
import { files } from "./table.ts";

const params = z.object({ fileId: FileId });

export const remove = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/files/{fileId}",
  summary: "Delete a file; a whole one can be restored for 30 days",
  can: "files:write",
  store: "cell",
  params,
  returns: File,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run(context, { params }) {
    const { now } = context;
    return await changed(context, params.fileId, "file.deleted", (file) => {
      if (file.deletedAt !== null) return null;
      const kept = file.state === "ready" ? deletedKeptMs : 0;
      return { deletedAt: timestamp(now), sweepAt: timestamp(now + kept) };
    });
  },
});

export const restore = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/files/{fileId}/restore",
  summary: "Restore a deleted file that was whole",
  can: "files:write",
  store: "cell",
  params,
  returns: File,
  problems: ["not-found", "file-not-ready", "conflict", "precondition-failed"],
  async run(context, { params }) {
    return await changed(context, params.fileId, "file.restored", (file) => {
      if (file.state !== "ready") return refuse("file-not-ready");
      return file.deletedAt === null ? null : { deletedAt: null, sweepAt: null };
    });
  },
});

/** Reads, decides, changes; null means that the file is as wished already. */
async function changed(
  { tenant, principal, now }: TenantContext,
  fileId: string,
  event: "file.deleted" | "file.restored",
  decide: (file: FileRow) => Patch<typeof files> | null | Refusal,
) {
  const { file, order } = await fileAndOrder(tenant, principal.tenantId, fileId);
  if (!file) return refuse("not-found");
  const patch = decide(file);
  if (patch instanceof Refusal) return patch;
  if (patch === null) return commit(file);
  const next = change(files, file, patch, now);
  return commit(next.row, next, told(event, file, order));
}
