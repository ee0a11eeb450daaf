import { z } from "zod";
import { update as change, emit } from "#db/changes.ts";
import type { EventType } from "#db/event-types.ts";
import { one } from "#db/queries.ts";
import type { Patch, Row } from "#db/tenant-table.ts";
import { writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { timestamp } from "#lib/time.ts";
import { linesOf, present } from "./lines.ts";
import { mayBecome, placement } from "./rules.ts";
import { Order, OrderId } from "./schema.ts";
import { type OrderStatus, orders } from "./table.ts";

type OrderRow = Row<typeof orders>;

export const place = transition("place", "Place a draft", "order.placed", (order, now) => {
  const placed = placement(order, timestamp(now));
  return placed.ok ? placed.patch : null;
});

export const start = transition("start", "Start production", "order.in_production", to("in_production"));
export const finish = transition("finish", "Mark the work as ready", "order.ready", to("ready"));
export const complete = transition("complete", "Hand the work over", "order.completed", to("completed"));
export const cancel = transition(
  "cancel",
  "Cancel an order that is not completed",
  "order.cancelled",
  to("cancelled"),
);

function to(status: Exclude<OrderStatus, "draft" | "placed">) {
  return (order: OrderRow) => (mayBecome(order.status, status) ? { status } : null);
}

function transition(
  verb: string,
  summary: string,
  event: EventType,
  decide: (order: OrderRow, now: number) => Patch<typeof orders> | null,
) {
  return writeOperation({
    mount: "tenant",
    method: "post",
    path: `/orders/{orderId}/${verb}`,
    summary,
    can: "orders:write",
    store: "cell",
    params: z.object({ orderId: OrderId }),
    returns: Order,
    problems: ["not-found", "transition-not-allowed", "conflict", "precondition-failed"],
    async run({ tenant, now }, { params }) {
      const { order, lines } = await tenant.read({
        order: one(orders, params.orderId),
        lines: linesOf(params.orderId),
      });
      if (!order) return refuse("not-found");
      const patch = decide(order, now);
      if (patch === null) return refuse("transition-not-allowed");
      const changed = change(orders, order, patch, now);
      const { status, total, currency } = changed.row;
      return commit(
        present(changed.row, lines),
        changed,
        emit(event, { orderId: order.id, status, total, currency }, { table: orders, row: changed.row }),
      );
    },
  });
}
