import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, insert } from "#db/changes.ts";
import { many } from "#db/queries.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { oneFilterOf, pageOf, pageQuery } from "#http/page.ts";
import { typeId } from "#lib/typeid.ts";
import { pending, told } from "./life.ts";
import { newOrderOf, ownerOf } from "./owner.ts";
import { planRefusal, unfinishedGuard } from "./refusals.ts";
import { File, FileId, FilePatch, NewFile } from "./schema.ts";
import { files } from "./table.ts";

const params = z.object({ fileId: FileId });

/** One filter at a time, each with the index that serves it. */
const FileQuery = z
  .strictObject({
    ...pageQuery,
    customerId: typeId("cus").optional(),
    orderId: typeId("ord").optional(),
    documentId: typeId("doc").optional(),
  })
  .superRefine(oneFilterOf("customerId", "orderId", "documentId"));

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/files",
  summary: "List files, newest first, without the deleted; of one customer, order or document",
  can: "files:read",
  store: "cell",
  query: FileQuery,
  returns: pageOf(File),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query: { limit, cursor, ...filter } }) {
    const after = await cursors.open(cursor, filter);
    if (after instanceof Refusal) return after;
    const { where, indexedBy } = indexFor(filter);
    const rest = after === null ? undefined : sql`${files.id} < ${after}`;
    const { rows } = await tenant.read({
      rows: many(files, { indexedBy, where: and(isNull(files.deletedAt), where, rest), limit: limit + 1 }),
    });
    return await cursors.page(
      rows,
      limit,
      filter,
      (row) => row.id,
      (row) => row,
    );
  },
});

type Filter = Omit<z.output<typeof FileQuery>, "limit" | "cursor">;

function indexFor({ customerId, orderId, documentId }: Filter): { where?: SQL; indexedBy: string } {
  if (customerId) return { where: eq(files.customerId, customerId), indexedBy: "files_by_customer" };
  if (orderId) return { where: eq(files.orderId, orderId), indexedBy: "files_by_order" };
  if (documentId) return { where: eq(files.documentId, documentId), indexedBy: "files_of_document" };
  return { indexedBy: "files_present" };
}

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/files/{fileId}",
  summary: "Read what is known of a file",
  can: "files:read",
  store: "cell",
  params,
  returns: File,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    return (await tenant.get(files, params.fileId)) ?? refuse("not-found");
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/files",
  summary: "Announce a file of an order or a customer; its bytes follow",
  can: "files:write",
  store: "cell",
  body: NewFile,
  returns: File,
  status: 201,
  problems: ["invalid", "file-exceeds-plan", "files-unfinished", "subject-erased"],
  async run(context, { body }) {
    const { name, mediaType, size = null, sha256 = null } = body;
    const refusal = planRefusal(context.principal, size);
    if (refusal) return refusal;
    const owner = await ownerOf(context, body);
    if (owner instanceof Refusal) return owner;
    const { order, customerId, guards } = owner;
    const { now, newId } = context;
    const row = {
      ...pending(now),
      id: newId("fil"),
      customerId,
      orderId: order?.id ?? null,
      documentId: newId("doc"),
      revision: 1,
      name,
      mediaType,
      size,
      sha256,
    };
    const created = insert(files, row, now);
    const fits = unfinishedGuard(context.principal);
    return commit(created.row, ...guards, fits, created, told("file.created", created.row, order));
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/files/{fileId}",
  summary: "Rename a file, or attach it to another order of its customer",
  can: "files:write",
  store: "cell",
  params,
  body: FilePatch,
  returns: File,
  problems: ["invalid", "not-found", "file-deleted", "subject-erased", "conflict", "precondition-failed"],
  async run(context, { params, body }) {
    const found = await newOrderOf(context, params.fileId, body.orderId);
    if (found instanceof Refusal) return found;
    const { file, order, guards } = found;
    if (file.deletedAt !== null) return refuse("file-deleted");
    const next = change(files, file, body, context.now);
    return commit(next.row, ...guards, next, told("file.updated", next.row, order));
  },
});
