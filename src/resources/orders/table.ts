import { integer, text } from "drizzle-orm/sqlite-core";
import { internal, locationAndAssignee, open, tenantTable, via } from "#db/tenant-table.ts";

export const orderStatuses = ["draft", "placed", "in_production", "ready", "completed", "cancelled"] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export const orders = tenantTable(
  "orders",
  {
    number: open(integer("number").notNull()),
    locationId: open(text("location_id").notNull()),
    customerId: open(text("customer_id").notNull()),
    assigneeId: open(text("assignee_id")),
    status: open(text("status", { enum: orderStatuses }).notNull()),
    currency: open(text("currency").notNull()),
    net: open(integer("net").notNull()),
    tax: open(integer("tax").notNull()),
    total: open(integer("total").notNull()),
    dueAt: open(text("due_at")),
    placedAt: open(text("placed_at")),
  },
  { entity: "order", scope: locationAndAssignee("locationId", "assigneeId") },
);

export const orderLines = tenantTable(
  "order_lines",
  {
    orderId: open(text("order_id").notNull()),
    position: open(integer("position").notNull()),
    description: internal(text("description").notNull()),
    quantityThousandths: open(integer("quantity_thousandths").notNull()),
    unitPrice: open(integer("unit_price").notNull()),
    taxBasisPoints: open(integer("tax_basis_points").notNull()),
    net: open(integer("net").notNull()),
    tax: open(integer("tax").notNull()),
  },
  { entity: "order-line", scope: via(orders, "orderId") },
);
