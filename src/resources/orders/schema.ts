import { z } from "zod";
import { Instant, line, stored, Timestamp, told, toldId } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";
import { orderStatuses } from "./table.ts";

export const OrderId = typeId("ord");

const quantity = { description: "1500 for one and a half.", examples: [1500] };
const price = { description: "Of one, in minor units, before tax.", examples: [4500] };
const taxRate = { description: "2100 for 21 %.", examples: [2100] };

const Line = z
  .object({
    id: toldId("oln"),
    description: told(500, "Banner, printed"),
    quantityThousandths: z.int().meta(quantity),
    unitPrice: z.int().meta(price),
    taxBasisPoints: z.int().meta(taxRate),
    net: z.int().meta({ examples: [6750] }),
    tax: z.int().meta({ examples: [1418] }),
  })
  .meta({ id: "OrderLine" });

const fields = z.object({
  id: toldId("ord"),
  number: z
    .int()
    .min(1)
    .meta({ description: "Counted per tenant, without gaps.", examples: [17] }),
  status: z.enum(orderStatuses),
  locationId: toldId("loc"),
  customerId: toldId("cus"),
  assigneeId: toldId("mbr").nullable(),
  currency: told(3, "EUR"),
  net: z.int().meta({ description: "In minor units of `currency`.", examples: [6750] }),
  tax: z.int().meta({ examples: [1418] }),
  total: z.int().meta({ examples: [8168] }),
  dueAt: Timestamp.nullable(),
  placedAt: Timestamp.nullable().meta({ examples: [null] }),
  ...stored,
});

/** An order as it stands in lists. */
export const OrderSummary = fields.meta({ id: "OrderSummary" });

export const Order = fields.extend({ lines: z.array(Line).meta({ maxItems: 50 }) }).meta({ id: "Order" });

const NewLine = z
  .strictObject({
    description: line(500).meta({ examples: ["Banner, printed"] }),
    quantityThousandths: z.int().min(1).max(1_000_000_000).meta(quantity),
    unitPrice: z.int().min(0).max(1_000_000_000).meta(price),
    taxBasisPoints: z.int().min(0).max(10_000).default(0).meta(taxRate),
  })
  .meta({ id: "NewOrderLine" });
export type NewLine = z.output<typeof NewLine>;

const lines = z.array(NewLine).min(1).max(50);

export const NewOrder = z
  .strictObject({
    customerId: typeId("cus"),
    locationId: typeId("loc"),
    assigneeId: typeId("mbr").nullish(),
    dueAt: Instant.nullish(),
    lines,
  })
  .meta({ id: "NewOrder" });

export const OrderPatch = z
  .strictObject({
    assigneeId: typeId("mbr").nullish(),
    dueAt: Instant.nullish(),
    lines: lines.optional().meta({ description: "Replaces all lines." }),
  })
  .meta({ id: "OrderPatch" });
