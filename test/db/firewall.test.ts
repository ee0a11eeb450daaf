import { expect, test } from "vitest";
import { assertOwnTenant, FirewallError, knownTexts } from "#db/firewall.ts";
import { Store } from "#db/store.ts";
import { executeTogether } from "#db/tenant-driver.ts";
import { logOf } from "#test/call-log.ts";
import { clientOf } from "#test/client.ts";
import { operations } from "#test/examples.ts";
import { masked } from "#test/lint/sql.ts";
import { newTenant } from "#test/world.ts";

const mine = "ten_01jd7v9s3kf8x9q2m5n6p7r8t9";
const other = "ten_01jd7v9s3kf8x9q2m5n6p7r8ta";

/** Each is a way to reach another tenant's rows, or to run what no handle builds; every bound value is this tenant. */
const hostile: Readonly<Record<string, readonly string[]>> = {
  "no predicate": [
    `select "orders"."id" from "orders"`,
    `select "orders"."id" from "orders" where "orders"."id" = ?`,
    `delete from "orders"`,
    `update "orders" set "status" = ?`,
    `select "orders"."id" from "orders" where 'tenant_id = ?' = ?`,
  ],
  "a predicate that need not hold": [
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? or 1=1`,
    `select "orders"."id" from "orders" where 1 or "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where 1 or 1 and "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and 1 or 1`,
    `select "orders"."id" from "orders" where case when 1 and "orders"."tenant_id" = ? and 1 then 1 else 1 end`,
    `select "orders"."id" from "orders" where not (1 and "orders"."tenant_id" = ? and 1)`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? or 1`,
    `select "orders"."id" from "orders" where ("orders"."tenant_id" = ? or 1)`,
    `select "orders"."id" from "orders" where ("orders"."tenant_id" = ?) or 1`,
    `select "orders"."id" from "orders" where "orders"."id" = ? and "orders"."tenant_id" = ? or 1`,
    `select "orders"."id" from "orders" where not "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where not ("orders"."tenant_id" = ?)`,
    `select "orders"."id" from "orders" where not 1 between 0 and "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where 1 not between 0 and "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where case when 1 then 1 else "orders"."tenant_id" = ? end`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? = 0`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? is null`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? isnull`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? in (0, 1)`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? collate nocase`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? || ''`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" <> ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" >= ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" like ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" in (?)`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" is not ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = "orders"."tenant_id"`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = 'ten_01jd7v9s3kf8x9q2m5n6p7r8ta'`,
    `select "orders"."id" from "orders" where ? = ? and "orders"."id" = ?`,
    `select "orders"."id" from "orders" where "tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."id" = ?`,
    `select count(*), min("orders"."id") from "orders" where 1 having 1 and "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where 1 group by "orders"."id" having "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" order by "orders"."tenant_id" = ?`,
    `select "orders"."tenant_id" = ? from "orders"`,
  ],
  "a predicate of another reference": [
    `select "orders"."id" from "orders" join "customers" on "customers"."id" = "orders"."customer_id" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" join "customers" on "customers"."tenant_id" = ? where "customers"."tenant_id" = ?`,
    `select "orders"."id" from "orders" join "customers" on "customers"."tenant_id" = "orders"."tenant_id" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and exists (select 1 from "customers" where "customers"."id" = ?)`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and exists (select 1 from "customers" where "orders"."tenant_id" = ?)`,
    `select "orders"."id" from "orders" where exists (select 1 from "orders" where "orders"."tenant_id" = ?)`,
    `select "orders"."id", (select count(*) from "customers") from "orders" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? order by (select count(*) from "customers")`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? limit (select count(*) from "customers")`,
    `update "orders" set "status" = (select "orders"."status" from "orders" limit 1) where "orders"."tenant_id" = ?`,
    `update "orders" set "status" = (select "locations"."name" from "locations" where "locations"."tenant_id" = ? and "orders"."tenant_id" = ?)`,
    `select "orders"."id" from "orders" join "customers" left join "locations" on "customers"."tenant_id" = ? and "locations"."tenant_id" = ? where "orders"."tenant_id" = ?`,
    `update "orders" set "status" = "customers"."name" from "customers" where "orders"."tenant_id" = ?`,
    `delete from "orders" where "orders"."tenant_id" = ? and "orders"."id" in (select "orders"."id" from "orders")`,
  ],
  // The ON of an outer join decides what is joined, not which rows of the kept side there are.
  "a predicate on the kept side of an outer join": [
    `select "orders"."id" from "orders" left join "customers" on "orders"."tenant_id" = ? and "customers"."tenant_id" = ?`,
    `select "orders"."id" from "customers" right join "orders" on "orders"."tenant_id" = ? and "customers"."tenant_id" = ?`,
    `select "orders"."id" from "customers" full join "orders" on "orders"."tenant_id" = ? and "customers"."tenant_id" = ?`,
    `select "orders"."id" from "customers" full outer join "orders" on "orders"."tenant_id" = ? where "customers"."tenant_id" = ?`,
  ],
  "a second table that is not seen": [
    `select "orders"."id" from "orders", "customers" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" indexed by "orders_by_status", "customers" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from json_each(?), "orders"`,
    `select "orders"."id" from (select 1), "orders"`,
    `select "orders"."id" from "locations" join "tenants" on "locations"."tenant_id" = ? and "tenants"."tenant_id" = ?, "orders"`,
    `select "orders"."id" from ("orders")`,
    `select "orders"."id" from ("locations" join "orders")`,
    `select "customers"."id" from "locations" join ("customers") where "locations"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and ? in "counters"`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and ? not in "counters"`,
    `select "id" from "main"."orders" where "orders"."tenant_id" = ?`,
  ],
  "another name": [
    `select o."id" from "orders" as o where o."tenant_id" = ?`,
    `select "o"."id" from "orders" as "o" where "orders"."tenant_id" = ?`,
    `select "o"."id" from "orders" "o" where "orders"."tenant_id" = ?`,
    `select o."id" from "orders" o where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and exists (select 1 from "orders" o where "orders"."tenant_id" = ?)`,
    `update "orders" as o set "status" = ? where "orders"."tenant_id" = ?`,
    `select orders.id from orders where orders.tenant_id = ?`,
    `select "orders"."id" from [orders] where "orders"."tenant_id" = ?`,
    "select `orders`.`id` from `orders` where `orders`.`tenant_id` = ?",
    `select 'orders'.id from 'orders' where 'orders'.tenant_id = ?`,
    `select 'orders'."id" from 'orders' where 'orders'."tenant_id" = ?`,
    `select "ORDERS"."id" from "ORDERS" where "ORDERS"."tenant_id" = ?`,
    `with "mine" as (select "orders"."id" from "orders") select * from "mine"`,
    `with "tenants" as (select "orders"."id" from "orders" where "orders"."tenant_id" = ?) select * from "tenants"`,
    `select "id" from "invoices" where "invoices"."tenant_id" = ?`,
    `select name from "sqlite_master"`,
    `select name from sqlite_master`,
    `select name from pragma_table_list`,
    `select name from "pragma_table_list"`,
  ],
  "one of several queries": [
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? union select "orders"."id" from "orders"`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? union all select "customers"."id" from "customers" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" union select "orders"."id" from "orders" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" except select "orders"."id" from "orders" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" intersect select "orders"."id" from "orders" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ?; delete from "orders"`,
    `select 1; delete from "orders" where "orders"."tenant_id" = ?`,
  ],
  "a row for another tenant": [
    `insert into "counters" ("tenant_id", "name") values ('${other}', ?)`,
    `insert into "counters" ("name", "tenant_id") values (?, ?)`,
    `insert into "counters" values (?, ?, 0)`,
    `insert into "counters" ("name") values (?)`,
    `insert into "counters" ("name", "value") values (?, ?)`,
    `insert into "counters" default values`,
    `insert into "counters" ("tenant_id", "name") values (?, ?), ('${other}', ?)`,
    `insert into "counters" ("tenant_id", "name") values (? || 'a', ?)`,
    `insert into "counters" ("tenant_id", "tenant_id", "name") values (?, '${other}', ?)`,
    `insert into "counters" ("tenant_id", "name") select '${other}', ?`,
    `insert into "counters" ("tenant_id", "name") select ? || 'a', ?`,
    `insert into "counters" ("tenant_id", "name") select distinct '${other}', ?`,
    `insert into "counters" ("tenant_id", "name") select ?, 'a' union all select '${other}', 'a'`,
    `insert into "counters" ("tenant_id", "name") select ?, 'a' except select '${other}', 'a'`,
    `insert into "counters" ("tenant_id", "name") select ?, "counters"."name" from "counters"`,
    `insert into "roles" ("tenant_id", "id", "name", "capabilities", "version", "created_at", "updated_at") select ?, "roles"."id", "roles"."name", "roles"."capabilities", 1, '', '' from "roles" where 1 on conflict ("tenant_id", "id") do update set "version" = 2 where "roles"."tenant_id" = ?`,
    `insert into "roles" ("tenant_id", "id", "name", "capabilities", "version", "created_at", "updated_at") select ?, "roles"."id", "roles"."name", "roles"."capabilities", 1, '', '' from "roles" where 1 on conflict ("tenant_id", "id") do update set "version" = 2 and "roles"."tenant_id" = ?`,
    `insert into "counters" ("tenant_id", "name") values (?, ?) on conflict ("tenant_id", "name") do update set "tenant_id" = '${other}'`,
    `update "counters" set "tenant_id" = '${other}' where "counters"."tenant_id" = ?`,
    `update "counters" set "value" = 0, "tenant_id" = '${other}' where "counters"."tenant_id" = ?`,
    `update "counters" set ("value", "tenant_id") = (0, '${other}') where "counters"."tenant_id" = ?`,
    `insert or replace into "counters" ("tenant_id", "name") values (?, ?)`,
    `update or replace "counters" set "value" = 0`,
    `update or ignore "counters" set "value" = 0 where "counters"."name" = ?`,
  ],
  "a value that SQLite does not bind where it stands": [
    `select ?2, "orders"."id" from "orders" where "orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ?1`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = :tenant`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = @tenant`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = $tenant`,
    `select "orders"."id" from "orders" where 1 -- and "orders"."tenant_id" = ?\n and ? is not null`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? -- or 1`,
    `select "orders"."id" from "orders" where 1 /* and "orders"."tenant_id" = ? */`,
    `select "orders"."id" from "orders" /* where "orders"."tenant_id" = ? */`,
    `select "orders"."id" from "orders" where 1 and 'x' /* ' and "orders"."tenant_id" = ? and ' */`,
  ],
  "a statement that no handle builds": [
    `drop table "orders"`,
    `drop trigger "audit_log_refuses_update"`,
    `alter table "orders" add column "colour" text`,
    `create table "copy" as select 1`,
    `create view "copy" as select 1`,
    `create index "copy" on "orders" ("tenant_id")`,
    `reindex "orders"`,
    `pragma foreign_keys`,
    `pragma table_info("orders")`,
    `vacuum`,
    `attach database 'x' as "x"`,
    `select "orders"."id" from "orders" where ~"orders"."tenant_id" = ?`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and (1`,
    `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and 1)`,
    `explain select 1`,
    `begin`,
    ``,
  ],
  // Its words are tokens of all tenants; only search_rows says whose.
  "the blind index without the rows that say whose it is": [
    `delete from "search_index"`,
    `delete from "search_index" where "search_index"."rowid" = ?`,
    `update "search_index" set "tokens" = ?`,
    `insert into "search_index" ("rowid", "tokens") values (?, ?)`,
    `select "search_index"."rowid" from "search_index" where "search_index" match ?`,
  ],
};

for (const [what, texts] of Object.entries(hostile)) {
  for (const text of texts) {
    test(`${what} is refused: ${text}`, () => {
      const before = knownTexts().length;
      expect(() => assertOwnTenant({ text, params: filledWith(text, mine) }, mine)).toThrow(FirewallError);
      expect(knownTexts()).toHaveLength(before);
    });
  }
}

test("the value is compared on every execution, not only when the text is new", () => {
  const text = `select "orders"."id" from "orders" where "orders"."tenant_id" = ? and "orders"."id" = ?`;
  assertOwnTenant({ text, params: [mine, other] }, mine);
  assertOwnTenant({ text, params: [other, mine] }, other);
  const refused = [
    [other, mine],
    [null, mine],
    [undefined, mine],
    [],
    [mine.toUpperCase(), mine],
    [[mine], mine],
  ];
  for (const params of refused)
    expect(() => assertOwnTenant({ text, params }, mine), JSON.stringify(params)).toThrow(FirewallError);
});

test("each of several references is compared", () => {
  const text = `select "orders"."id" from "orders" join "customers" on "customers"."tenant_id" = ? and "customers"."id" = "orders"."customer_id" where "orders"."tenant_id" = ? and "orders"."status" = ?`;
  assertOwnTenant({ text, params: [mine, mine, "draft"] }, mine);
  for (const params of [
    [other, mine, "draft"],
    [mine, other, "draft"],
    ["draft", mine, mine],
  ])
    expect(() => assertOwnTenant({ text, params }, mine)).toThrow(FirewallError);
});

test("every text that the app sends is let through for its tenant, and refused with another's value", async () => {
  const { slug, key, customerIds, orderId } = await newTenant();
  const { call } = clientOf();
  expect(operations.length).toBeGreaterThan(0);
  await call("customers.search", { tenant: slug, as: key, body: { name: "Dolores" } });
  await call("customers.update", {
    tenant: slug,
    as: key,
    params: { customerId: customerIds[0] ?? "" },
    body: { name: "Dolly Whitfield" },
  });
  await call("orders.place", { tenant: slug, as: key, params: { orderId } });
  await call("audit.list", { tenant: slug, as: key });
  expect(knownTexts().length).toBeGreaterThan(40);
  for (const text of knownTexts()) {
    const params = filledWith(text, mine);
    assertOwnTenant({ text, params }, mine);
    const guarded = params.filter((_, at) => !passes(text, params.with(at, other)));
    const isTenantless = !/"tenant_id"/.test(text);
    expect(guarded.length > 0, text).toBe(!isTenantless);
  }
});

function passes(text: string, params: readonly unknown[]): boolean {
  try {
    assertOwnTenant({ text, params }, mine);
    return true;
  } catch (error) {
    if (error instanceof FirewallError) return false;
    throw error;
  }
}

// More than any text has marks, so that none is refused for a missing value.
function filledWith(text: string, value: string): string[] {
  return Array.from({ length: masked(text).split("?").length + 1 }, () => value);
}

test("of what is gathered from several tenants, each statement passes as its own tenant's, or nothing runs", async () => {
  const tenants = [await newTenant(), await newTenant()] as const;
  const [one, two] = tenants;
  const hour = "2026-01-01T00:00:00.000Z";
  const text = `insert or ignore into "call_hours" ("tenant_id", "hour") values (?, ?)`;
  const store = new Store(one.cell.log, "first-primary");
  const own = (tenantId: string) => ({ text, params: [tenantId, hour] });
  const foreign = new Map([
    [one.tenantId, [own(one.tenantId)]],
    [two.tenantId, [own(two.tenantId), own(one.tenantId)]],
  ]);
  await expect(executeTogether(store, foreign)).rejects.toThrow(FirewallError);
  for (const tenant of tenants) expect((await logOf(tenant)).hours).toEqual([]);
  await executeTogether(store, new Map(tenants.map(({ tenantId }) => [tenantId, [own(tenantId)]])));
  for (const tenant of tenants) expect((await logOf(tenant)).hours).toHaveLength(1);
});
