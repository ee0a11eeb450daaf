import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { assigned, update as change, remove as deletion, emit, insert, mustExist } from "#db/changes.ts";
import { many, one } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { locations, members } from "#gate/tables.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { oneFilterOf, pageOf, pageQuery } from "#http/page.ts";
import { typeId } from "#lib/typeid.ts";
import { customers } from "#resources/customers/table.ts";
import { linesOf, newLines, present } from "./lines.ts";
import { isEditable } from "./rules.ts";
import { NewOrder, Order, OrderId, OrderPatch, OrderSummary } from "./schema.ts";
import { orderLines, orderStatuses, orders } from "./table.ts";

const params = z.object({ orderId: OrderId });

/** One filter at a time, each with the index that serves it. */
const OrderQuery = z
  .strictObject({
    ...pageQuery,
    status: z.enum(orderStatuses).optional().meta({ description: "Only those of this status." }),
    customerId: typeId("cus").optional().meta({ description: "Only this customer's." }),
    locationId: typeId("loc").optional().meta({ description: "Only those of this location." }),
  })
  .superRefine(oneFilterOf("status", "customerId", "locationId"));

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/orders",
  summary: "List orders, newest first; of one status, customer or location",
  can: "orders:read",
  store: "cell",
  query: OrderQuery,
  returns: pageOf(OrderSummary),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query: { limit, cursor, ...filter } }) {
    const after = await cursors.open(cursor, filter);
    if (after instanceof Refusal) return after;
    const { where, ...index } = indexFor(filter);
    const rest = after === null ? undefined : sql`${orders.id} < ${after}`;
    const { rows } = await tenant.read({
      rows: many(orders, { ...index, where: and(where, rest), limit: limit + 1 }),
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

type Filter = Omit<z.output<typeof OrderQuery>, "limit" | "cursor">;

function indexFor({ status, customerId, locationId }: Filter): { where?: SQL; indexedBy?: string } {
  if (status) return { where: eq(orders.status, status), indexedBy: "orders_by_status" };
  if (customerId) return { where: eq(orders.customerId, customerId), indexedBy: "orders_by_customer" };
  if (locationId) return { where: eq(orders.locationId, locationId), indexedBy: "orders_by_location" };
  return {};
}

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/orders/{orderId}",
  summary: "Read an order with its lines",
  can: "orders:read",
  store: "cell",
  params,
  returns: Order,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    const { order, lines } = await tenant.read({
      order: one(orders, params.orderId),
      lines: linesOf(params.orderId),
    });
    return order ? present(order, lines) : refuse("not-found");
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/orders",
  summary: "Draft an order of a customer at a location",
  can: "orders:write",
  store: "cell",
  body: NewOrder,
  returns: Order,
  status: 201,
  problems: ["invalid"],
  async run(context, { body }) {
    const { now, newId, principal } = context;
    const id = newId("ord");
    const made = newLines(context, id, body.lines);
    if (made instanceof Refusal) return made;
    const { customerId, locationId, assigneeId = null, dueAt = null } = body;
    const number = assigned("order");
    const row = {
      id,
      number,
      customerId,
      locationId,
      assigneeId,
      dueAt,
      status: "draft" as const,
      currency: principal.currency,
      ...made.totals,
    };
    const created = insert(orders, row, now);
    return commit(
      present(created.row, made.inserted.whole),
      mustExist(customers, all(eq(customers.id, customerId), isNull(customers.deletedAt)), {
        problem: "invalid",
        pointer: "/customerId",
      }),
      mustExist(locations, eq(locations.id, locationId), { problem: "invalid", pointer: "/locationId" }),
      ...assigneeGuards(assigneeId),
      created,
      made.inserted,
      emit(
        "order.created",
        { orderId: id, customerId, locationId, total: created.row.total, currency: created.row.currency },
        { table: orders, row: created.row },
      ),
    );
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/orders/{orderId}",
  summary: "Change a draft's lines or due date, or who does the work",
  can: "orders:write",
  store: "cell",
  params,
  body: OrderPatch,
  returns: Order,
  problems: ["invalid", "not-found", "forbidden", "order-not-editable", "conflict", "precondition-failed"],
  async run(context, { params, body }) {
    const { order, lines } = await context.tenant.read({
      order: one(orders, params.orderId),
      lines: linesOf(params.orderId),
    });
    if (!order) return refuse("not-found");
    // Who sees assigned work alone cannot put it out of their own reach.
    const { assigneeId } = context.principal;
    if (assigneeId !== null && body.assigneeId !== undefined && body.assigneeId !== assigneeId)
      return refuse("forbidden");
    if ((body.lines || body.dueAt !== undefined) && !isEditable(order)) return refuse("order-not-editable");
    const made = body.lines ? newLines(context, order.id, body.lines) : null;
    if (made instanceof Refusal) return made;
    const patch = {
      ...(body.dueAt === undefined ? {} : { dueAt: body.dueAt }),
      ...(body.assigneeId === undefined ? {} : { assigneeId: body.assigneeId }),
      ...made?.totals,
    };
    const changed = change(orders, order, patch, context.now);
    return commit(
      present(changed.row, made ? made.inserted.whole : lines),
      changed,
      ...assigneeGuards(body.assigneeId ?? null),
      ...(made ? [...lines.map((line) => deletion(orderLines, line)), made.inserted] : []),
      emit(
        "order.updated",
        { orderId: order.id, total: changed.row.total, currency: order.currency },
        { table: orders, row: changed.row },
      ),
    );
  },
});

function assigneeGuards(assigneeId: string | null) {
  if (assigneeId === null) return [];
  const isActive = all(eq(members.id, assigneeId), eq(members.state, "active"));
  return [mustExist(members, isActive, { problem: "invalid", pointer: "/assigneeId" })];
}
