import type { OrderStatus } from "./table.ts";

export interface LineTerms {
  /** Thousandths of a unit, so that 1.5 hours are 1500. */
  readonly quantityThousandths: number;
  /** Minor units of the order's currency, for one whole unit, without tax. */
  readonly unitPrice: number;
  /** Hundredths of a percent. */
  readonly taxBasisPoints: number;
}

export interface LineTotal {
  readonly net: number;
  readonly tax: number;
}

/** The most that one order may come to, in minor units: far above any order, far below what a double counts exactly. */
export const mostTotal = 1_000_000_000_000;

/** Net and tax of one line, each rounded half up to the minor unit once. */
export function lineTotal({ quantityThousandths, unitPrice, taxBasisPoints }: LineTerms): LineTotal {
  const net = dividedHalfUp(BigInt(quantityThousandths) * BigInt(unitPrice), 1000n);
  const tax = dividedHalfUp(net * BigInt(taxBasisPoints), 10_000n);
  return { net: Number(net), tax: Number(tax) };
}

/** The order's totals are the sums of its lines'. */
export function orderTotal(lines: readonly LineTotal[]): LineTotal & { readonly total: number } {
  const net = lines.reduce((sum, line) => sum + line.net, 0);
  const tax = lines.reduce((sum, line) => sum + line.tax, 0);
  return { net, tax, total: net + tax };
}

// Neither is negative here.
function dividedHalfUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor / 2n) / divisor;
}

const nextStatuses: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  draft: ["placed", "cancelled"],
  placed: ["in_production", "cancelled"],
  in_production: ["ready", "cancelled"],
  ready: ["completed", "cancelled"],
  completed: [],
  cancelled: [],
};

export function mayBecome(status: OrderStatus, next: OrderStatus): boolean {
  return nextStatuses[status].includes(next);
}

/** What placing an order writes, or why it may not be placed. Payment policy will be asked here and nowhere else. */
export function placement(
  order: { status: OrderStatus },
  at: string,
): { ok: true; patch: { status: "placed"; placedAt: string } } | { ok: false } {
  return mayBecome(order.status, "placed")
    ? { ok: true, patch: { status: "placed", placedAt: at } }
    : { ok: false };
}

/** Lines, due date and assignee of a draft change freely; afterwards only who does the work. */
export function isEditable(order: { status: OrderStatus }): boolean {
  return order.status === "draft";
}
