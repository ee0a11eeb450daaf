import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isEditable,
  lineTotal,
  mayBecome,
  mostTotal,
  orderTotal,
  placement,
} from "#resources/orders/rules.ts";
import { orderStatuses } from "#resources/orders/table.ts";

// The whole range that the API takes.
const line = fc.record({
  quantityThousandths: fc.integer({ min: 1, max: 1_000_000_000 }),
  unitPrice: fc.integer({ min: 0, max: 1_000_000_000 }),
  taxBasisPoints: fc.integer({ min: 0, max: 10_000 }),
});

/** a × b moved right by some places and rounded half up, by the decimal digits, as on paper. */
function onPaper(a: bigint, b: bigint, places: number): bigint {
  let product = 0n;
  for (const [index, digit] of [...String(b)].reverse().entries()) {
    product += BigInt(`${a * BigInt(digit)}${"0".repeat(index)}`);
  }
  const digits = String(product).padStart(places + 1, "0");
  const whole = BigInt(digits.slice(0, -places));
  return "56789".includes(digits.at(-places) ?? "") ? whole + 1n : whole;
}

test("net and tax of a line are those that decimals on paper give", () => {
  fc.assert(
    fc.property(line, (terms) => {
      const net = onPaper(BigInt(terms.quantityThousandths), BigInt(terms.unitPrice), 3);
      const tax = onPaper(net, BigInt(terms.taxBasisPoints), 4);
      expect(lineTotal(terms)).toEqual({ net: Number(net), tax: Number(tax) });
    }),
    { numRuns: 2000 },
  );
});

// Quantity, price, basis points; net and tax worked out by hand.
const byHand: readonly (readonly [number, number, number, number, number])[] = [
  [1000, 1000, 0, 1000, 0],
  [1500, 1000, 2300, 1500, 345],
  [3500, 8000, 2300, 28000, 6440],
  [1, 499, 0, 0, 0],
  [1, 500, 0, 1, 0],
  [1, 1499, 0, 1, 0],
  [333, 100, 0, 33, 0],
  [335, 100, 0, 34, 0],
  [1000, 50, 100, 50, 1],
  [1000, 49, 100, 49, 0],
  [1000, 10, 500, 10, 1],
  [2000, 14500, 1025, 29000, 2973],
  [1000, 0, 10000, 0, 0],
  [1000, 7, 10000, 7, 7],
  [1_000_000_000, 1_000_000_000, 10_000, 1_000_000_000_000_000, 1_000_000_000_000_000],
];

test("half a minor unit rounds up, once for the net and once for the tax", () => {
  for (const [quantityThousandths, unitPrice, taxBasisPoints, net, tax] of byHand) {
    expect(lineTotal({ quantityThousandths, unitPrice, taxBasisPoints })).toEqual({ net, tax });
  }
});

test("an order comes to the sum of its lines, whatever their order", () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 50 }), (terms) => {
      const lines = terms.map(lineTotal).map(({ net, tax }) => ({ net: net % 1e9, tax: tax % 1e9 }));
      const { net, tax, total } = orderTotal(lines);
      expect(BigInt(net)).toBe(lines.reduce((sum, { net }) => sum + BigInt(net), 0n));
      expect(BigInt(tax)).toBe(lines.reduce((sum, { tax }) => sum + BigInt(tax), 0n));
      expect(total).toBe(net + tax);
      expect(orderTotal(lines.toReversed())).toEqual({ net, tax, total });
    }),
  );
});

test("the most an order may come to is seen even where a double no longer counts exactly", () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 50 }), (terms) => {
      const lines = terms.map(lineTotal);
      const exact = lines.reduce((sum, { net, tax }) => sum + BigInt(net) + BigInt(tax), 0n);
      const { total } = orderTotal(lines);
      expect(total > mostTotal).toBe(exact > BigInt(mostTotal));
      if (exact <= BigInt(mostTotal)) expect(BigInt(total)).toBe(exact);
    }),
  );
});

// Written by hand: from each status to each.
const allowed: Readonly<Record<string, readonly string[]>> = {
  draft: ["placed", "cancelled"],
  placed: ["in_production", "cancelled"],
  in_production: ["ready", "cancelled"],
  ready: ["completed", "cancelled"],
  completed: [],
  cancelled: [],
};

test("an order goes where the table says and nowhere else, itself included", () => {
  expect(Object.keys(allowed)).toEqual([...orderStatuses]);
  for (const from of orderStatuses) {
    const reached = orderStatuses.filter((to) => mayBecome(from, to));
    expect([from, reached]).toEqual([from, allowed[from]]);
  }
});

test("only a draft is placed, and only a draft is edited", () => {
  for (const status of orderStatuses) {
    const placed = placement({ status }, "2027-01-01T00:00:00.000Z");
    expect(placed).toEqual(
      status === "draft"
        ? { ok: true, patch: { status: "placed", placedAt: "2027-01-01T00:00:00.000Z" } }
        : { ok: false },
    );
    expect(isEditable({ status })).toBe(status === "draft");
  }
});

test("placement is the only way to placed", () => {
  const sources = Object.entries(
    import.meta.glob<string>("/src/**/*.ts", { query: "?raw", import: "default", eager: true }),
  );
  const filesWith = (pattern: RegExp) =>
    sources
      .filter(([, text]) => pattern.test(text))
      .map(([path]) => path.replace("/src/resources/orders/", ""));
  expect(
    filesWith(/status: "placed"|to\("placed"\)/),
    "let placement() decide, where payment will be asked",
  ).toEqual(["rules.ts"]);
  expect(filesWith(/\bplacement\(/)).toEqual(["rules.ts", "transitions.ts"]);
});
