import { eq, isNull } from "drizzle-orm";
import { z } from "zod";
import { mustExist } from "#db/changes.ts";
import { all } from "#db/statement.ts";
import { readOperation, uploadOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { stream } from "#http/stored-object.ts";
import { receive } from "#platform/streams.ts";
import { becameReady } from "./life.ts";
import { fileAndOrder } from "./lookup.ts";
import { contradiction, planRefusal } from "./refusals.ts";
import { handedOut, isPending, isReady, mostBytes, objectKey, problemOf } from "./rules.ts";
import { Bytes, File, FileId } from "./schema.ts";
import { files } from "./table.ts";

const params = z.object({ fileId: FileId });

export const upload = uploadOperation({
  mount: "tenant",
  method: "put",
  path: "/files/{fileId}/content",
  summary: "Upload a file's bytes in one go, up to 95 MB",
  can: "files:write",
  store: "cell",
  params,
  body: Bytes,
  returns: File,
  problems: [
    "not-found",
    "length-required",
    "file-not-pending",
    "file-exceeds-plan",
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
    mediaType: z.string(),
    size: z.int(),
    sha256: z.string().nullable(),
  }),
  resumeAfterSeconds: 2100,
  async intend({ tenant, principal, newId }, { params, body }) {
    const file = await tenant.get(files, params.fileId);
    if (!file) return refuse("not-found");
    if (!isPending(file)) return refuse("file-not-pending");
    const exceeds = planRefusal(principal, body.size, { parameter: "Content-Length" });
    const refusal = exceeds ?? contradiction(file, body);
    if (refusal) return refusal;
    const object = objectKey(principal.tenantId, file.id, newId("att"));
    const intent = {
      fileId: file.id,
      object,
      mediaType: file.mediaType,
      size: body.size,
      sha256: body.sha256 ?? file.sha256,
    };
    const stillPending = all(eq(files.id, file.id), eq(files.state, "pending"), isNull(files.deletedAt));
    return commit(intent, mustExist(files, stillPending, { problem: "file-not-pending" }));
  },
  async perform(ports, { object, mediaType, sha256 }, _id, body) {
    const createOnly = { onlyIf: { etagDoesNotMatch: "*" } };
    return await receive(body, { mediaType, sha256 }, async (bytes) => {
      if ((await ports.files.put(object, bytes, createOnly)) === null)
        throw new Error(`The bucket has ${object} already, a key that is made for one attempt.`);
    });
  },
  async settle({ tenant, principal, now }, { fileId, object, size }, arrival) {
    if (!arrival.ok) return refuse(problemOf[arrival.flaw]);
    const { file, order } = await fileAndOrder(tenant, principal.tenantId, fileId);
    if (!file || !isPending(file)) return refuse("file-not-pending");
    const { row, changes } = becameReady(file, order, { object, size, sha256: arrival.sha256 }, now);
    return commit(row, ...changes);
  },
  async abandon(ports, { object }) {
    await ports.files.delete(object);
  },
});

export const download = readOperation({
  mount: "tenant",
  method: "get",
  path: "/files/{fileId}/content",
  summary: "Download a file, or a range of it",
  can: "files:read",
  store: "cell",
  params,
  query: z.strictObject({ disposition: z.enum(["inline", "attachment"]).default("attachment") }),
  returns: stream("*/*", mostBytes.enterprise),
  problems: ["not-found", "invalid", "file-not-ready", "precondition-failed", "range-not-satisfiable"],
  async run({ tenant }, { params, query }) {
    const file = await tenant.get(files, params.fileId);
    if (!file) return refuse("not-found");
    const { object, size, sha256, uploadedAt, name } = file;
    if (!isReady(file) || object === null || size === null || sha256 === null || uploadedAt === null)
      return refuse("file-not-ready");
    const { contentType, disposition } = handedOut(file.mediaType, query.disposition);
    return { object, size, sha256, modifiedAt: uploadedAt, fileName: name, contentType, disposition };
  },
});
