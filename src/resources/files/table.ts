import { integer, text } from "drizzle-orm/sqlite-core";
import { internal, open, personal, tenantTable, via } from "#db/tenant-table.ts";
import { orders } from "#resources/orders/table.ts";

/** pending → ready, or in parts: pending → uploading → checking → ready or rejected; purging: its bytes are being deleted. */
export const fileStates = ["pending", "uploading", "checking", "ready", "rejected", "purging"] as const;
export type FileState = (typeof fileStates)[number];
export const rejections = ["media-type-mismatch", "sha256-mismatch", "lost"] as const;

/**
 * A file is its customer's: whose order it hangs on, or who it is attached to. Its name lies under their key, so it
 * goes when they are erased. Who is limited reaches the files of the orders within reach, and no others.
 */
export const files = tenantTable(
  "files",
  {
    customerId: open(text("customer_id").notNull()),
    orderId: open(text("order_id")),
    /** The same for all versions. */
    documentId: open(text("document_id").notNull()),
    revision: open(integer("revision").notNull()),
    name: personal(text("name").notNull()),
    mediaType: open(text("media_type").notNull()),
    state: open(text("state", { enum: fileStates }).notNull()),
    /** As the client says until it is ready, then as it is; so is the hash. */
    size: open(integer("size")),
    sha256: open(text("sha256")),
    /** The key in R2. */
    object: internal(text("object")),
    uploadId: internal(text("upload_id")),
    partSize: open(integer("part_size")),
    rejection: open(text("rejection", { enum: rejections })),
    uploadedAt: open(text("uploaded_at")),
    deletedAt: open(text("deleted_at")),
    /** When the sweeper looks at it: to check, to purge. null: never. */
    sweepAt: internal(text("sweep_at")),
  },
  { entity: "file", scope: via(orders, "orderId"), subject: "customerId" },
);

/** What of an upload in parts has arrived. */
export const fileParts = tenantTable(
  "file_parts",
  {
    fileId: open(text("file_id").notNull()),
    number: open(integer("number").notNull()),
    size: open(integer("size").notNull()),
    sha256: open(text("sha256").notNull()),
    /** R2's own, by which the whole is put together. */
    etag: internal(text("etag").notNull()),
  },
  { entity: "file-part", scope: via(files, "fileId") },
);
