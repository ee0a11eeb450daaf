import { and, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, emit, insert, mustExist, mustNotExist } from "#db/changes.ts";
import { many, one } from "#db/queries.ts";
import type { Patch } from "#db/tenant-table.ts";
import { readOperation, type TenantContext, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { timestamp } from "#lib/time.ts";
import { typeId } from "#lib/typeid.ts";
import { customers } from "#resources/customers/table.ts";
import { orders } from "#resources/orders/table.ts";
import { about, type FileRow, fileAndOrder, type OrderRow } from "./lookup.ts";
import { planRefusal } from "./refusals.ts";
import { deletedKeptMs, isReady, unfinishedKeptMs } from "./rules.ts";
import { File, FileId, NewFile, NewVersion } from "./schema.ts";
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
  .refine(
    ({ customerId, orderId, documentId }) =>
      [customerId, orderId, documentId].filter((given) => given !== undefined).length <= 1,
    "takes one filter at a time",
  );

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
  if (documentId) return { where: eq(files.documentId, documentId), indexedBy: "files_by_document" };
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
  problems: ["invalid", "file-exceeds-plan"],
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
    return commit(created.row, ...guards, created, told("file.created", created.row, order));
  },
});

export const revise = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/files/{fileId}/versions",
  summary: "Announce the next version of a file; its bytes follow",
  can: "files:write",
  store: "cell",
  params,
  body: NewVersion,
  returns: File,
  status: 201,
  problems: ["invalid", "not-found", "file-exceeds-plan", "file-not-ready", "file-superseded"],
  async run(context, { params, body }) {
    const { tenant, principal, now, newId } = context;
    const { name, mediaType, size = null, sha256 = null } = body;
    const refusal = planRefusal(context.principal, size);
    if (refusal) return refusal;
    const { file, order } = await fileAndOrder(tenant, principal.tenantId, params.fileId);
    if (!file) return refuse("not-found");
    if (!isReady(file)) return refuse("file-not-ready");
    const { customerId, orderId, documentId, revision } = file;
    const row = {
      ...pending(now),
      id: newId("fil"),
      customerId,
      orderId,
      documentId,
      revision: revision + 1,
      name: name ?? file.name,
      mediaType,
      size,
      sha256,
    };
    const created = insert(files, row, now);
    const isNewer = and(eq(files.documentId, documentId), gt(files.revision, revision)) ?? sql`1`;
    return commit(
      created.row,
      mustNotExist(files, isNewer, { problem: "file-superseded" }),
      created,
      told("file.created", created.row, order),
    );
  },
});

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
  event: string,
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

function told(event: string, file: FileRow, order: OrderRow | null) {
  const { id, customerId, orderId, documentId, revision } = file;
  return emit(event, { fileId: id, customerId, orderId, documentId, revision }, about(file, order));
}

function pending(now: number) {
  return { state: "pending" as const, sweepAt: timestamp(now + unfinishedKeptMs) };
}

const nobody = "refers to nothing that exists here";

/** Whose the file will be. Reading the customer also brings the key that its name is sealed under. */
async function ownerOf({ tenant, principal }: TenantContext, { orderId, customerId }: NewFile) {
  const isLimited = principal.locations !== null || principal.assigneeId !== null;
  if (orderId === undefined) {
    const customer = await tenant.get(customers, customerId ?? "");
    if (!customer || customer.deletedAt !== null) return refuseField("/customerId", nobody);
    if (isLimited) return refuseField("/orderId", "is needed: you reach the files of orders alone");
    const isPresent = and(eq(customers.id, customer.id), isNull(customers.deletedAt)) ?? sql`1`;
    const guard = mustExist(customers, isPresent, { problem: "invalid", pointer: "/customerId" });
    return { order: null, customerId: customer.id, guards: [guard] };
  }
  const { order, customer } = await tenant.read({
    order: one(orders, orderId),
    customer: many(customers, {
      where: sql`${customers.id} = (select ${orders.customerId} from ${orders} where ${orders.tenantId} = ${principal.tenantId} and ${orders.id} = ${orderId})`,
      limit: 1,
    }),
  });
  if (!order || !customer[0]) return refuseField("/orderId", nobody);
  if (customerId !== undefined && customerId !== order.customerId) return refuseField("/customerId", nobody);
  const guard = mustExist(orders, eq(orders.id, order.id), { problem: "invalid", pointer: "/orderId" });
  return { order, customerId: order.customerId, guards: [guard] };
}
