import { eq } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { expect, test } from "vitest";
import { insert, insertAll, mustExist, remove, update } from "#db/changes.ts";
import { FirewallError } from "#db/firewall.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many, one } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { metaOf, none, open, type Patch, tenantTable, tenantTables, via } from "#db/tenant-table.ts";
import { locations, type tenants } from "#gate/tables.ts";
import { newId } from "#platform/ids.ts";
import { registry } from "#resources/index.ts";
import { testEnv } from "#test/env.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";

// DESIGN's second wall. Each @ts-expect-error is a test that `npm run types` runs: where the line below it would
// build, the types fail. What a cast could still bring past them is held up at run time.

const now = Date.now();
const workshop = { id: "loc_1", name: "Workshop", timezone: "Europe/Lisbon" };
const stored = { ...workshop, tenantId: "ten_1", version: 1, createdAt: "x", updatedAt: "x" };

/** Of the very columns of a tenant's table, and yet not made by tenantTable(). */
const plain = sqliteTable("locations", {
  tenantId: text("tenant_id").notNull(),
  id: text("id").notNull(),
  version: integer("version").notNull(),
  createdAt: text("created_at").notNull(),
  updatedAt: text("updated_at").notNull(),
  name: text("name").notNull(),
  timezone: text("timezone").notNull(),
});

const notOurs = "was not made by tenantTable()";
/** Before the tests declare what nobody should. */
const declared = new Map(tenantTables());

test("a tenant cannot be named in what is inserted, and one that is smuggled in is not written", async () => {
  // @ts-expect-error: the handle says whose the row is
  insert(locations, { ...workshop, tenantId: "ten_2" }, now);
  // @ts-expect-error: nor in many at once
  insertAll(locations, [{ ...workshop, tenantId: "ten_2" }], now);
  // @ts-expect-error: what else the handle fills
  insert(locations, { ...workshop, version: 7 }, now);

  const [own, foreign] = [await newTenant(), await newTenant()];
  const smuggled = { ...workshop, id: newId("loc"), tenantId: foreign.tenantId };
  const others = ["a", "b"].map(() => ({ ...smuggled, id: newId("loc") }));
  const session = await sessionOf(own);
  const run = { job: "test.smuggle", requestId: newId("run"), now };
  await commitAsSystem(session, run, [insert(locations, smuggled, now), insertAll(locations, others, now)]);
  for (const { id } of [smuggled, ...others])
    expect(await rowsOf(own.cell.database, "select tenant_id from locations where id = ?", id)).toEqual([
      { tenant_id: own.tenantId },
    ]);
});

test("a tenant cannot be named in what is changed, and the firewall refuses one that is smuggled in", async () => {
  // @ts-expect-error: no row goes to another tenant
  update(locations, stored, { tenantId: "ten_2" }, now);
  // @ts-expect-error: nor gets another id
  update(locations, stored, { id: "loc_2" }, now);
  // @ts-expect-error: nor a version that the handle has not counted
  update(locations, stored, { version: 7 }, now);

  const [own, foreign] = [await newTenant(), await newTenant()];
  const session = await sessionOf(own);
  const place = await session.get(locations, own.locationIds[0]);
  if (!place) throw new Error("The seed has no location.");
  const smuggled: object = { tenantId: foreign.tenantId };
  const run = { job: "test.smuggle", requestId: newId("run"), now };
  await expect(commitAsSystem(session, run, [update(locations, place, smuggled, now)])).rejects.toThrow(
    FirewallError,
  );
});

test("a table that tenantTable() did not make is taken nowhere", async () => {
  const context = await sessionOf(await newTenant());
  const otherwise = { problem: "not-found" };
  // @ts-expect-error: it has the columns, and nobody declared who may see its rows
  expect(() => insert(plain, workshop, now)).toThrow(notOurs);
  // @ts-expect-error
  const patched = () => metaOf(update(plain, stored, { name: "Shop" }, now).table);
  expect(patched).toThrow(notOurs);
  // @ts-expect-error
  expect(() => metaOf(remove(plain, stored).table)).toThrow(notOurs);
  // @ts-expect-error
  expect(() => metaOf(mustExist(plain, eq(plain.id, "loc_1"), otherwise).table)).toThrow(notOurs);
  // @ts-expect-error
  await expect(one(plain, "loc_1").statement(context)).rejects.toThrow(notOurs);
  // @ts-expect-error
  await expect(many(plain, { limit: 1 }).statement(context)).rejects.toThrow(notOurs);
});

test("a table whose scope or protection is not declared does not build, and is not read", async () => {
  const context = await sessionOf(await newTenant());
  const scope = none("a test");
  // @ts-expect-error: who may see its rows is not said
  const unscoped = tenantTable("unscoped", { name: open(text("name")) }, { entity: "x" });
  await expect(one(unscoped, "x_1").statement(context)).rejects.toThrow(TypeError);
  // @ts-expect-error: everybody may, and it is not said why
  const unreasoned = tenantTable("unreasoned", { name: open(text("name")) }, { entity: "x", scope: none() });
  expect(metaOf(unreasoned).scope).toEqual({ kind: "none", because: undefined });
  // @ts-expect-error: through a table of nobody's
  const through = via(plain, "name");
  const astray = tenantTable("astray", { name: open(text("name")) }, { entity: "x", scope: through });
  await expect(one(astray, "x_1").statement(context)).rejects.toThrow(notOurs);
  // @ts-expect-error: how the column is protected is not said
  expect(() => tenantTable("unclassified", { name: text("name") }, { entity: "x", scope })).toThrow(
    TypeError,
  );
  // @ts-expect-error: sealed under a subject that no column names
  tenantTable("subjectless", { name: open(text("name")) }, { entity: "x", scope, subject: "customerId" });
  // @ts-expect-error: searched by a column that there is not
  tenantTable("unsearchable", { name: open(text("name")) }, { entity: "x", scope, search: "title" });
});

test("what a change writes is a declared column", () => {
  // @ts-expect-error: no table has it
  expect(insert(locations, { ...workshop, colour: "blue" }, now).row).toHaveProperty("colour");
  // @ts-expect-error
  expect(update(locations, stored, { colour: "blue" }, now).patch).toHaveProperty("colour");
  // @ts-expect-error: a column that may not be null
  expect(insert(locations, { id: "loc_1", name: "Workshop" }, now).row.timezone).toBeNull();
  // @ts-expect-error: of a closed list
  const gold: Patch<typeof tenants> = { plan: "gold" };
  expect(Object.keys(gold)).toEqual(["plan"]);
});

test("every scope is made of columns that its table has", () => {
  expect(Object.keys(registry).length).toBeGreaterThan(0);
  for (const [name, table] of declared) {
    const { scope, classification } = metaOf(table);
    if (scope.kind === "none") expect(scope.because.length, name).toBeGreaterThan(20);
    const columns =
      scope.kind === "via" ? [scope.column] : scope.kind === "rows" ? [scope.location, scope.assignee] : [];
    for (const column of columns)
      if (column !== undefined) expect([...classification.keys()], name).toContain(column);
    if (scope.kind === "via") expect(declared.get(metaOf(scope.parent).name)).toBe(scope.parent);
    if (scope.kind === "rows")
      expect(
        columns.some((column) => column !== undefined),
        name,
      ).toBe(true);
  }
});

function sessionOf({ cell, tenantId }: TestTenant) {
  return systemSession(testEnv(), cell.database, tenantId);
}
