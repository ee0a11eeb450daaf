import { eq, isNull, sql } from "drizzle-orm";
import { type Guard, mustExist } from "#db/changes.ts";
import { many, one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import type { Principal, TenantContext } from "#http/operation.ts";
import { type Refusal, refuse, refuseField } from "#http/outcome.ts";
import { customers } from "#resources/customers/table.ts";
import { orders } from "#resources/orders/table.ts";
import { type FileRow, type OrderRow, orderOf } from "./lookup.ts";
import type { NewFile } from "./schema.ts";
import { files } from "./table.ts";

const nobody = "refers to nothing that exists here";

/** Whose a new file will be. Reading the customer also brings the key that its name is sealed under. */
export async function ownerOf(
  { tenant, principal }: TenantContext,
  { orderId, customerId }: Pick<NewFile, "orderId" | "customerId">,
): Promise<{ order: OrderRow | null; customerId: string; guards: Guard[] } | Refusal> {
  if (orderId === undefined) {
    const customer = await tenant.get(customers, customerId ?? "");
    if (!customer || customer.deletedAt !== null) return refuseField("/customerId", nobody);
    if (isLimited(principal)) return refuseField("/orderId", unreachable);
    const isPresent = all(eq(customers.id, customer.id), isNull(customers.deletedAt));
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
  return { order, customerId: order.customerId, guards: [isWithinReach(order)] };
}

/**
 * A file with the order that it will hang on: `orderId` where it is given, none where that is null, and else as before.
 * Its customer stays, as its name lies under their key.
 */
export async function newOrderOf(
  { tenant, principal }: TenantContext,
  fileId: string,
  orderId: string | null | undefined,
): Promise<{ file: FileRow; order: OrderRow | null; guards: Guard[] } | Refusal> {
  const { file, order, wanted } = await tenant.read({
    file: one(files, fileId),
    order: orderOf(principal.tenantId, fileId),
    wanted: one(orders, orderId ?? ""),
  });
  if (!file) return refuse("not-found");
  if (orderId === undefined) return { file, order: order[0] ?? null, guards: [] };
  if (orderId === null)
    return isLimited(principal) ? refuseField("/orderId", unreachable) : { file, order: null, guards: [] };
  if (!wanted || wanted.customerId !== file.customerId) return refuseField("/orderId", nobody);
  return { file, order: wanted, guards: [isWithinReach(wanted)] };
}

const unreachable = "is needed: you reach the files of orders alone";

function isLimited({ locations, assigneeId }: Principal): boolean {
  return locations !== null || assigneeId !== null;
}

function isWithinReach({ id }: OrderRow): Guard {
  return mustExist(orders, eq(orders.id, id), { problem: "invalid", pointer: "/orderId" });
}
