import { eq, type SQL, sql } from "drizzle-orm";
import { many, one } from "#db/queries.ts";
import type { TenantDb } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { orders } from "#resources/orders/table.ts";
import { mostParts } from "./rules.ts";
import { fileParts, files } from "./table.ts";

export type FileRow = Row<typeof files>;
export type OrderRow = Row<typeof orders>;

/** The file's order, which says where its events happen; none where it is the customer's alone. */
export const orderOf = (tenantId: string, fileId: string) =>
  many(orders, {
    where: sql`${orders.id} = (select ${files.orderId} from ${files} where ${files.tenantId} = ${tenantId} and ${files.id} = ${fileId})`,
    limit: 1,
  });

/** In one trip. */
export async function fileAndOrder(tenant: TenantDb, tenantId: string, fileId: string) {
  const { file, order } = await tenant.read({ file: one(files, fileId), order: orderOf(tenantId, fileId) });
  return { file, order: order[0] ?? null };
}

export const partsOf = (fileId: string, limit = mostParts) =>
  many(fileParts, { where: eq(fileParts.fileId, fileId), order: sql`${fileParts.number}`, limit });

export const partOf = (fileId: string, number: number) =>
  many(fileParts, { where: isPart(fileId, number), order: sql`${fileParts.number}`, limit: 1 });

export function isPart(fileId: string, number: number): SQL {
  return sql`${eq(fileParts.fileId, fileId)} and ${eq(fileParts.number, number)}`;
}

/** What an event of this file is about, for its place. */
export function about(file: FileRow, order: OrderRow | null) {
  return order ? { table: orders, row: order } : { table: files, row: file };
}
