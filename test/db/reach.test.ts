import { expect, test } from "vitest";
import { systemSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { isWithinReach, type Reach } from "#db/scope.ts";
import { Store } from "#db/store.ts";
import { TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { locations } from "#gate/tables.ts";
import { orderLines, orders } from "#resources/orders/table.ts";
import { testEnv } from "#test/env.ts";
import { newOrderAt } from "#test/examples.ts";
import { newTenant, type TestTenant } from "#test/world.ts";

test("rows that hang on others are within reach where those are", async () => {
  const own = await newTenant();
  const [here, there] = own.locationIds;
  const { installer } = own.memberIds;
  const nobodys = await newOrderAt(own, "draft", { assigneeId: null });
  const afar = await newOrderAt(own, "draft", { locationId: there });
  const within = (locations: string[] | null, assigneeId: string | null) =>
    ordersOfLines(own, { locations, assigneeId });
  expect(await within(null, null)).toEqual([own.orderId, nobodys, afar].toSorted());
  expect(await within([here], null)).toEqual([own.orderId, nobodys].toSorted());
  expect(await within([there], null)).toEqual([afar]);
  expect(await within(null, installer)).toEqual([own.orderId, afar].toSorted());
  expect(await within([here], installer)).toEqual([own.orderId]);
  expect(await within([], null)).toEqual([]);
});

test("nobody makes a row at a location, or of an assignee, that is not theirs", () => {
  const isAllowed = (reach: Reach, row: object) =>
    isWithinReach(reach, { table: orders, rows: [{ locationId: "here", assigneeId: "me", ...row }] });
  const [unlimited, here, mine] = [
    { locations: null, assigneeId: null },
    { locations: ["here", "near"], assigneeId: null },
    { locations: null, assigneeId: "me" },
  ];
  const elsewhere = { locationId: "there" };
  for (const anothers of [{ assigneeId: "you" }, { assigneeId: null }]) {
    const allowed = [unlimited, here, mine].map((reach) => isAllowed(reach, anothers));
    expect(allowed).toEqual([true, true, false]);
  }
  expect([unlimited, here, mine].map((reach) => isAllowed(reach, elsewhere))).toEqual([true, false, true]);
  expect([unlimited, here, mine].map((reach) => isAllowed(reach, {}))).toEqual([true, true, true]);
  const both = { locations: ["here"], assigneeId: "me" };
  expect([{}, elsewhere, { assigneeId: "you" }].map((row) => isAllowed(both, row))).toEqual([
    true,
    false,
    false,
  ]);
});

test("one row out of reach is enough, and a table without places or assignees has none", () => {
  const here = { locations: ["here"], assigneeId: "me" };
  const rows = [{ id: "here" }, { id: "there" }];
  expect(isWithinReach(here, { table: locations, rows: rows.slice(0, 1) })).toBe(true);
  expect(isWithinReach(here, { table: locations, rows })).toBe(false);
  // Within the reach of what they hang on, which the guards of a commit ask for.
  expect(isWithinReach(here, { table: orderLines, rows: [{ orderId: "any" }] })).toBe(true);
});

async function ordersOfLines({ cell, tenantId }: TestTenant, reach: Reach): Promise<string[]> {
  const { keys } = await systemSession(testEnv(), cell.database, tenantId);
  const driver = new TenantDriver(new Store(cell.database, "first-primary"), tenantId);
  const session = new TenantSession(driver, { reach, keys, epoch: null });
  const { lines } = await session.read({ lines: many(orderLines, { limit: 100 }) });
  return [...new Set(lines.map(({ orderId }) => orderId))].toSorted();
}
