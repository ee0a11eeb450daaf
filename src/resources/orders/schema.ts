import { z } from "zod";
import { Instant, line, stored } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";
import { orderStatuses } from "./table.ts";

export const OrderId = typeId("ord");

const Line = z.object({
  id: z.string(),
  description: z.string(),
  quantityThousandths: z.int(),
  unitPrice: z.int(),
  taxBasisPoints: z.int(),
  net: z.int(),
  tax: z.int(),
});

/** An order as it stands in lists. Amounts are minor units of `currency`. */
export const OrderSummary = z.object({
  id: z.string(),
  /** Counted per tenant, without gaps. */
  number: z.int(),
  status: z.enum(orderStatuses),
  locationId: z.string(),
  customerId: z.string(),
  assigneeId: z.string().nullable(),
  currency: z.string(),
  net: z.int(),
  tax: z.int(),
  total: z.int(),
  dueAt: z.string().nullable(),
  placedAt: z.string().nullable(),
  ...stored,
});

export const Order = OrderSummary.extend({ lines: z.array(Line) });

const NewLine = z.strictObject({
  description: line(500),
  quantityThousandths: z.int().min(1).max(1_000_000_000),
  unitPrice: z.int().min(0).max(1_000_000_000),
  taxBasisPoints: z.int().min(0).max(10_000).default(0),
});
export type NewLine = z.output<typeof NewLine>;

const lines = z.array(NewLine).min(1).max(50);

export const NewOrder = z.strictObject({
  customerId: typeId("cus"),
  locationId: typeId("loc"),
  assigneeId: typeId("mbr").nullish(),
  dueAt: Instant.nullish(),
  lines,
});

export const OrderPatch = z.strictObject({
  assigneeId: typeId("mbr").nullish(),
  dueAt: Instant.nullish(),
  /** Replaces all lines. */
  lines: lines.optional(),
});
