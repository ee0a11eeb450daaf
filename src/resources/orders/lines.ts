import { eq, sql } from "drizzle-orm";
import { insertAll } from "#db/changes.ts";
import { many, uniqueIndexOf } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import type { TenantContext } from "#http/operation.ts";
import { refuseField } from "#http/outcome.ts";
import { lineTotal, mostTotal, orderTotal } from "./rules.ts";
import type { NewLine } from "./schema.ts";
import { orderLines, type orders } from "./table.ts";

/** At most as many as an order may have. */
export const linesOf = (orderId: string) =>
  many(orderLines, {
    ...uniqueIndexOf(orderLines),
    where: eq(orderLines.orderId, orderId),
    order: sql`${orderLines.position}`,
    limit: 50,
  });

/** The lines as they will stand, with the order's totals. */
export function newLines({ newId, now }: TenantContext, orderId: string, lines: readonly NewLine[]) {
  const rows = lines.map((line, position) => ({
    id: newId("oln"),
    orderId,
    position,
    ...line,
    ...lineTotal(line),
  }));
  const totals = orderTotal(rows);
  if (totals.total > mostTotal) return refuseField("/lines", `come to more than ${mostTotal} minor units`);
  return { totals, inserted: insertAll(orderLines, rows, now) };
}

export function present(order: Row<typeof orders>, lines: readonly Row<typeof orderLines>[]) {
  return { ...order, lines: [...lines] };
}
