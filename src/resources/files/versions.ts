import { desc, eq, gt, isNull, ne, sql } from "drizzle-orm";
import { z } from "zod";
import { insert, mustNotExist } from "#db/changes.ts";
import { many, one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { pending, told } from "./life.ts";
import { type FileRow, orderOf } from "./lookup.ts";
import { planRefusal, unfinishedGuard } from "./refusals.ts";
import { isReady } from "./rules.ts";
import { File, FileId, NewVersion } from "./schema.ts";
import { files } from "./table.ts";

export const revise = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/files/{fileId}/versions",
  summary: "Announce the next version of a file; its bytes follow",
  can: "files:write",
  store: "cell",
  params: z.object({ fileId: FileId }),
  body: NewVersion,
  returns: File,
  status: 201,
  problems: [
    "invalid",
    "not-found",
    "file-exceeds-plan",
    "file-not-ready",
    "file-superseded",
    "files-unfinished",
    "subject-erased",
  ],
  async run({ tenant, principal, now, newId }, { params: { fileId }, body }) {
    const { mediaType, size = null, sha256 = null } = body;
    const refusal = planRefusal(principal, size);
    if (refusal) return refusal;
    const { file, found, newest } = await tenant.read({
      file: one(files, fileId),
      found: orderOf(principal.tenantId, fileId),
      newest: newestOf(principal.tenantId, fileId),
    });
    if (!file) return refuse("not-found");
    if (!isReady(file)) return refuse("file-not-ready");
    const { customerId, orderId, documentId } = file;
    const [order = null] = found;
    // Revisions count on behind one that is deleted, which may be restored.
    const last = newest[0]?.revision ?? file.revision;
    const name = body.name ?? file.name;
    const next = { id: newId("fil"), customerId, orderId, documentId, revision: last + 1, name };
    const created = insert(files, { ...pending(now), ...next, mediaType, size, sha256 }, now);
    const guards = [isNewest(file, last), unfinishedGuard(principal)];
    return commit(created.row, ...guards, created, told("file.created", created.row, order));
  },
});

/** The last version there is of the file's document, also where it is deleted. */
const newestOf = (tenantId: string, fileId: string) =>
  many(files, {
    indexedBy: "files_by_document",
    where: sql`${files.documentId} = (select ${files.documentId} from ${files} where ${files.tenantId} = ${tenantId} and ${files.id} = ${fileId})`,
    order: desc(files.revision),
    limit: 1,
  });

/** No other follows this one already, whatever became of those up to `last`. */
function isNewest({ tenantId, documentId, revision }: FileRow, last: number) {
  const counts = all(isNull(files.deletedAt), ne(files.state, "rejected"));
  const follows = all(eq(files.documentId, documentId), gt(files.revision, revision));
  const taken = all(follows, sql`(${counts} or ${gt(files.revision, last)})`);
  const ofDocument = sql`select ${files.id} from ${files} indexed by "files_by_document" where ${files.tenantId} = ${tenantId} and ${taken}`;
  return mustNotExist(files, sql`${files.id} in (${ofDocument})`, { problem: "file-superseded" });
}
