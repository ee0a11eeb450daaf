import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import { SQLiteSyncDialect } from "drizzle-orm/sqlite-core";
import { expect, test } from "vitest";
import { oncePerTable, statementOf } from "#db/statement.ts";
import { orders } from "#resources/orders/table.ts";

const nested = sql`exists (select 1 from ${orders} where ${and(eq(orders.tenantId, "ten_1"), eq(orders.total, 5))})`;

const queries: Readonly<Record<string, SQL>> = {
  "values of each kind": sql`select ${"text"}, ${7}, ${null}, ${true}, ${undefined}`,
  "columns and tables": sql`select ${orders.id}, ${orders.locationId} from ${orders}`,
  identifiers: sql`select ${orders.id} as ${sql.identifier("id")} from ${sql.identifier("orders")}`,
  "pieces within pieces": sql`insert into "commit_guard" ("code") select ${"state-moved"} where not ${nested}`,
  "joined pieces": sql`select ${sql.join([sql`${1}`, sql.raw("2"), nested], sql`, `)}`,
  "what only Drizzle renders": sql`select 1 where ${inArray(orders.id, ["a", "b"])}`,
};

for (const [name, query] of Object.entries(queries)) {
  test(`a statement is what Drizzle makes of it: ${name}`, () => {
    const { sql: text, params } = new SQLiteSyncDialect().sqlToQuery(query);
    expect(statementOf(query)).toEqual({ text, params });
  });
}

test("a piece that is rendered once has no values of its own", () => {
  const id = oncePerTable((table: typeof orders) => sql`${table.id}`);
  expect(statementOf(sql`select ${id(orders)}`).text).toBe('select "orders"."id"');
  expect(id(orders)).toBe(id(orders));
  expect(() => oncePerTable(() => sql`${"ten_1"}`)(orders)).toThrow("has no values");
});
