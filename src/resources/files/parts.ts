import { eq, isNull } from "drizzle-orm";
import { z } from "zod";
import { insert, mustExist, mustNotExist, update } from "#db/changes.ts";
import { one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { effectOperation, readOperation, uploadOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { timestamp } from "#lib/time.ts";
import { abortUpload, completeUpload, isGone } from "#platform/multipart.ts";
import { receive } from "#platform/streams.ts";
import { type FileRow, isPart, partOf, partsOf } from "./lookup.ts";
import { planRefusal } from "./refusals.ts";
import {
  type InParts,
  isPending,
  missingParts,
  mostParts,
  objectKey,
  partCount,
  problemOf,
  sizeOfPart,
  unfinishedKeptMs,
} from "./rules.ts";
import { Bytes, File, FileId, NewParts, Part, PartNumber, Parts } from "./schema.ts";
import { fileParts, files } from "./table.ts";

const params = z.object({ fileId: FileId });
const declared = { mount: "tenant", can: "files:write", store: "cell" } as const;

export const begin = effectOperation({
  ...declared,
  method: "post",
  path: "/files/{fileId}/parts",
  summary: "Begin to upload a file in parts",
  params,
  body: NewParts,
  returns: File,
  status: 201,
  problems: ["invalid", "not-found", "file-not-pending", "file-exceeds-plan", "size-mismatch", "conflict"],
  intent: z.object({ fileId: FileId, object: z.string(), size: z.int(), partSize: z.int() }),
  resumeAfterSeconds: 120,
  async intend({ tenant, principal, newId }, { params, body }) {
    const file = await tenant.get(files, params.fileId);
    if (!file) return refuse("not-found");
    if (!isPending(file)) return refuse("file-not-pending");
    const refusal = planRefusal(principal, body.size);
    if (refusal) return refusal;
    if (file.size !== null && file.size !== body.size) return refuse("size-mismatch");
    if (partCount(body) > mostParts)
      return refuseField("/partSize", `makes more than ${mostParts} parts of this file`);
    const object = objectKey(principal.tenantId, file.id, newId("att"));
    return commit({ fileId: file.id, object, ...body });
  },
  async perform({ files }, { object }) {
    return (await files.createMultipartUpload(object)).uploadId;
  },
  async settle({ tenant, now }, { fileId, object, size, partSize }, uploadId) {
    const file = await tenant.get(files, fileId);
    if (!file || !isPending(file)) return refuse("file-not-pending");
    const sweepAt = timestamp(now + unfinishedKeptMs);
    const begun = update(files, file, { state: "uploading", object, uploadId, size, partSize, sweepAt }, now);
    return commit(begun.row, begun);
  },
  // One that nobody knows the id of has no parts, and R2 drops it after a week.
  async abandon({ files }, { object }, _id, uploadId) {
    if (uploadId !== null) await abortUpload(files, object, uploadId);
  },
});

export const uploadPart = uploadOperation({
  ...declared,
  method: "put",
  path: "/files/{fileId}/parts/{number}",
  summary: "Upload one part, up to 95 MB; the same again replaces it",
  params: params.extend({ number: PartNumber }),
  body: Bytes,
  returns: Part,
  problems: [
    "not-found",
    "length-required",
    "file-not-uploading",
    "size-mismatch",
    "media-type-mismatch",
    "sha256-mismatch",
    "upload-broken",
    "upload-too-slow",
    "conflict",
  ],
  intent: z.object({
    fileId: FileId,
    object: z.string(),
    uploadId: z.string(),
    number: z.int(),
    mediaType: z.string().nullable(),
    size: z.int(),
    sha256: z.string().nullable(),
  }),
  resumeAfterSeconds: 2100,
  async intend({ tenant }, { params: { fileId, number }, body }) {
    const file = await tenant.get(files, fileId);
    if (!file) return refuse("not-found");
    const under = underWay(file);
    if (!under) return refuse("file-not-uploading");
    const size = sizeOfPart(under, number);
    if (size === null) return refuse("not-found");
    if (size !== body.size) return refuse("size-mismatch");
    const { object, uploadId } = under;
    // What a file is, its beginning tells; the whole is looked at again when it is complete.
    const mediaType = number === 1 ? file.mediaType : null;
    return commit(
      { fileId, object, uploadId, number, mediaType, size, sha256: body.sha256 },
      mustExist(files, stillUnderWay(fileId, uploadId), { problem: "file-not-uploading" }),
    );
  },
  async perform(ports, { object, uploadId, number, mediaType, sha256 }, _id, body) {
    const session = ports.files.resumeMultipartUpload(object, uploadId);
    try {
      return await receive(body, { mediaType, sha256 }, (bytes) => session.uploadPart(number, bytes));
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  },
  async settle({ tenant, now, newId }, { fileId, uploadId, number, size }, arrival) {
    if (arrival && !arrival.ok) return refuse(problemOf[arrival.flaw]);
    const { file, earlier } = await tenant.read({
      file: one(files, fileId),
      earlier: partOf(fileId, number),
    });
    if (!arrival || !file || underWay(file)?.uploadId !== uploadId) return refuse("file-not-uploading");
    const facts = { size, sha256: arrival.sha256, etag: arrival.stored.etag };
    const [part] = earlier;
    const changes = part
      ? [update(fileParts, part, facts, now)]
      : [
          mustNotExist(fileParts, isPart(fileId, number), { problem: "conflict" }),
          insert(fileParts, { id: newId("fpt"), fileId, number, ...facts }, now),
        ];
    return commit({ fileId, number, size, sha256: arrival.sha256 }, ...changes);
  },
  // What R2 holds of a part that no row tells of is dropped with the upload, or when it is complete.
  async abandon() {},
});

export const parts = readOperation({
  ...declared,
  method: "get",
  path: "/files/{fileId}/parts",
  summary: "List the parts that have arrived, by number",
  can: "files:read",
  params,
  returns: Parts,
  problems: ["not-found"],
  async run({ tenant }, { params: { fileId } }) {
    const { file, arrived } = await tenant.read({ file: one(files, fileId), arrived: partsOf(fileId) });
    return file ? { data: arrived } : refuse("not-found");
  },
});

export const complete = effectOperation({
  ...declared,
  method: "post",
  path: "/files/{fileId}/complete",
  summary: "Put the parts together; the file is ready once the whole has been checked",
  params,
  returns: File,
  problems: ["not-found", "file-not-uploading", "parts-missing", "parts-mismatch", "conflict"],
  intent: z.object({
    fileId: FileId,
    object: z.string(),
    uploadId: z.string(),
    parts: z.array(z.object({ partNumber: z.int(), etag: z.string() })),
  }),
  resumeAfterSeconds: 120,
  async intend({ tenant }, { params: { fileId } }) {
    const { file, arrived } = await tenant.read({ file: one(files, fileId), arrived: partsOf(fileId) });
    if (!file) return refuse("not-found");
    const under = underWay(file);
    if (!under) return refuse("file-not-uploading");
    const missing = missingParts(under, arrived);
    if (missing.length > 0) {
      const detail = `part ${missing.slice(0, 20).join(", ")} has not arrived`;
      return new Refusal("parts-missing", { errors: [{ detail }] }, []);
    }
    const { object, uploadId } = under;
    const parts = arrived.map(({ number, etag }) => ({ partNumber: number, etag }));
    return commit(
      { fileId, object, uploadId, parts },
      mustExist(files, stillUnderWay(fileId, uploadId), { problem: "file-not-uploading" }),
    );
  },
  async perform({ files }, { object, uploadId, parts }) {
    return await completeUpload(files, object, uploadId, parts);
  },
  async settle({ tenant, now }, { fileId, object, uploadId }, isComplete) {
    const file = await tenant.get(files, fileId);
    // Another completion was first, and the check may be over by now.
    if (file?.object === object && (file.state === "checking" || file.state === "ready")) return commit(file);
    if (!file || underWay(file)?.uploadId !== uploadId) return refuse("file-not-uploading");
    if (!isComplete) return refuse("parts-mismatch");
    const checking = update(files, file, { state: "checking", uploadId: null, sweepAt: timestamp(now) }, now);
    return commit(checking.row, checking);
  },
  // Refused where the file is gone: nobody else will ever know of the object. Where R2 had other parts than these, the
  // object may be another completion's, which is still to say so.
  async discard({ files }, { object }, isComplete) {
    if (isComplete) await files.delete(object);
  },
});

/** The file's upload in parts, where one is under way. */
function underWay(file: FileRow): (InParts & { object: string; uploadId: string }) | null {
  const { state, deletedAt, object, uploadId, size, partSize } = file;
  if (state !== "uploading" || deletedAt !== null) return null;
  if (object === null || uploadId === null || size === null || partSize === null) return null;
  return { object, uploadId, size, partSize };
}

function stillUnderWay(fileId: string, uploadId: string) {
  return all(eq(files.id, fileId), eq(files.uploadId, uploadId), isNull(files.deletedAt));
}
