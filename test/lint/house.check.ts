import assert from "node:assert/strict";
import { test } from "node:test";
import { rules } from "./house.ts";
import { checkMigration } from "./migrations.ts";
import { check } from "./source.ts";

/** Each line of `code` by itself must be refused with a message that matches. */
function refuses(path: string, code: string | readonly string[], message: RegExp): void {
  for (const line of [code].flat()) {
    const found = messages(path, line);
    assert.ok(
      found.some((text) => message.test(text)),
      `${path}: ${line}\n  expected ${message}, found ${JSON.stringify(found)}`,
    );
  }
}

function accepts(path: string, code: string | readonly string[]): void {
  for (const line of [code].flat()) assert.deepEqual(messages(path, line), [], `${path}: ${line}`);
}

function messages(path: string, code: string): string[] {
  return check(path, code, rules).map((finding) => finding.message);
}

function sqlMessages(sql: string, path = "migrations/cell/0001_shop.sql"): string[] {
  return checkMigration(path, sql).map((finding) => finding.message);
}

const guard =
  "create trigger t before delete on a when OLD.x > 1\nbegin\n  select raise(abort, 'no');\nend;\n";

test("a room imports what stands to its left", () => {
  accepts("src/http/door.ts", `import { now } from "#platform/clock.ts";`);
  accepts("src/gate/gate.ts", `import type { Store } from "#db/store.ts";`);
  accepts("src/app.ts", `import { mount } from "./http/mount.ts";`);
  accepts("src/cli/start.ts", `import { migrate } from "#db/migrate.ts";`);
  accepts("test/gate/gate.test.ts", `import { createApp } from "#app.ts";`);
});

test("a room does not import what stands to its right or beside it", () => {
  refuses(
    "src/lib/money.ts",
    `import { now } from "#platform/clock.ts";`,
    /lib imports platform, against lib ← platform, crypto ←/,
  );
  refuses("src/crypto/kek.ts", `import { x } from "#platform/log.ts";`, /crypto imports platform/);
  refuses("src/platform/log.ts", `import type { X } from "#crypto/kek.ts";`, /platform imports crypto/);
  refuses(
    "src/identity/session.ts",
    `export * from "#resources/orders/schema.ts";`,
    /identity imports resources/,
  );
  refuses("src/db/store.ts", `const gate = await import("#gate/gate.ts");`, /db imports gate/);
  refuses("src/db/store.ts", `type Gate = import("#gate/gate.ts").Gate;`, /db imports gate/);
  refuses("src/jobs/sweep.ts", `import { start } from "#cli/start.ts";`, /jobs imports cli/);
  refuses(
    "src/cli/start.ts",
    [`import { createApp } from "#app.ts";`, `import worker from "#index.ts";`],
    /anything but the app/,
  );
  refuses("src/http/door.ts", `import { x } from "#test/helpers.ts";`, /http imports test/);
});

test("the client is for others to copy: it imports nothing of the house, and the house nothing of it", () => {
  accepts("src/client/client.ts", `import { routes } from "./operations.ts";`);
  accepts("src/cli/verify.ts", `import { createClient } from "#client/client.ts";`);
  refuses("src/client/client.ts", `import { x } from "#lib/time.ts";`, /client imports lib/);
  refuses("src/client/client.ts", `import { z } from "zod";`, /"zod" may be imported only in/);
  refuses("src/console/docs/page.tsx", `import { x } from "#client/client.ts";`, /console imports client/);
});

test("a file of src stands in a room", () => {
  refuses("src/utils/x.ts", `import { x } from "./y.ts";`, /stands in no room/);
  refuses("src/app.ts", `import { x } from "./helpers.ts";`, /src\/helpers\.ts stands in no room/);
});

test("a resource imports only the tables and schemas of another", () => {
  accepts("src/resources/orders/operations.ts", [
    `import { orders } from "./table.ts";`,
    `import { customers } from "#resources/customers/table.ts";`,
    `import { CustomerId } from "#resources/customers/schema.ts";`,
    `import { operation } from "#http/operation.ts";`,
    `import { timestamp } from "#lib/time.ts";`,
  ]);
  accepts("src/resources/index.ts", `import { operations } from "./orders/index.ts";`);
  refuses(
    "src/resources/orders/operations.ts",
    `import { x } from "#resources/customers/rules.ts";`,
    /only its table and schema/,
  );
  refuses(
    "src/resources/orders/operations.ts",
    `import { x } from "#resources/index.ts";`,
    /only its table and schema/,
  );
});

test("imports are spelled ./ or # and carry their ending", () => {
  refuses("src/db/store.ts", [`import "../lib/x.ts";`, `import "./../lib/x.ts";`], /climbs/);
  refuses("test/app.test.ts", `import "../src/app.ts";`, /climbs/);
  refuses(
    "src/db/store.ts",
    [`import "./scope";`, `import "#lib/time";`, `import "./scope.js";`],
    /no file ending/,
  );
  accepts("src/db/store.ts", `import wasm from "./argon.wasm";`);
});

test("packages stay in their homes, and a vendor's SDK in platform", () => {
  accepts("src/platform/stripe.ts", `import Stripe from "stripe";`);
  accepts("src/lib/ids.ts", `import { z } from "zod";`);
  accepts("src/db/scope.ts", `import { sql } from "drizzle-orm";`);
  accepts("src/resources/orders/table.ts", `import { text } from "drizzle-orm/sqlite-core";`);
  accepts("src/resources/orders/operations.ts", `import { eq } from "drizzle-orm";`);
  accepts("src/gate/gate.ts", `import { DurableObject } from "cloudflare:workers";`);
  accepts("src/identity/lockout/lockout.ts", `import { DurableObject } from "cloudflare:workers";`);
  accepts("src/identity/budgets/budget.ts", `import { DurableObject } from "cloudflare:workers";`);
  refuses(
    "src/identity/accounts/operations.ts",
    `import { env } from "cloudflare:workers";`,
    /"cloudflare:workers" may be imported only in/,
  );
  accepts("src/cli/start.ts", `import { spawn } from "node:child_process";`);
  refuses("src/resources/payments/operations.ts", `import Stripe from "stripe";`, /wrap a vendor's SDK/);
  refuses("src/lib/time.ts", `import { Hono } from "hono";`, /"hono" may be imported only in mail, http/);
  refuses(
    "src/lib/time.ts",
    `import type { Queue } from "@cloudflare/workers-types";`,
    /may be imported only in platform/,
  );
  refuses(
    "src/resources/orders/rules.ts",
    `import { sql } from "drizzle-orm";`,
    /outside rules and schema files/,
  );
  refuses("src/http/door.ts", `import { sql } from "drizzle-orm";`, /may be imported only in db/);
  refuses("src/db/store.ts", `import { drizzle } from "drizzle-orm/d1";`, /executes by itself/);
  refuses(
    "src/resources/orders/operations.ts",
    `import { env } from "cloudflare:workers";`,
    /only in index, platform, gate, jobs/,
  );
  refuses(
    "src/http/door.ts",
    `import { env } from "cloudflare:workers";`,
    /only in index, platform, gate, jobs/,
  );
  refuses(
    "src/platform/log.ts",
    `import { readFileSync } from "node:fs";`,
    /only src\/cli and test run on Node/,
  );
});

test("bindings are named only where they may be", () => {
  accepts("src/db/store.ts", "export function f(d: D1Database): void {}");
  accepts("src/http/door.ts", `import type { Queue } from "#platform/queues.ts"; export type Q = Queue;`);
  refuses(
    "src/lib/time.ts",
    "export function f(context: ExecutionContext): void {}",
    /no types of the runtime/,
  );
  refuses(
    "src/http/door.ts",
    [
      "type A = D1Database;",
      "type B = Queue<string>;",
      "let r: R2Bucket;",
      "type N = DurableObjectNamespace<Gate>;",
    ],
    /is a binding/,
  );
});

test("only the clock tells the time", () => {
  accepts("src/platform/clock.ts", "export const now = () => Date.now();");
  accepts("src/cli/start.ts", "const start = Date.now();");
  accepts("src/lib/time.ts", "export const iso = (ms: number) => new Date(ms).toISOString();");
  accepts("test/gate/gate.test.ts", "const start = performance.now();");
  refuses(
    "src/lib/time.ts",
    [
      "Date.now();",
      "new Date();",
      "Date();",
      "performance.now();",
      "globalThis.Date.now();",
      "const clock = Date.now;",
    ],
    /reads the clock/,
  );
});

test("chance, output and Temporal have their rules", () => {
  for (const path of ["src/lib/x.ts", "src/cli/x.ts", "test/x.test.ts"])
    refuses(path, "Math.random();", /Math\.random/);
  accepts("src/platform/log.ts", "console.log(1);");
  accepts("src/cli/start.ts", "console.log(1);");
  refuses("src/http/door.ts", "console.error(1);", /log through src\/platform\/log\.ts/);
  refuses("src/lib/time.ts", "Temporal.Now.instant();", /workerd has no Temporal/);
});

test("what production refuses is refused here", () => {
  accepts("src/crypto/x.ts", [
    "const p = { iterations: 100_000 };",
    "WebAssembly.instantiate(module, imports);",
  ]);
  accepts("src/gate/gate.ts", "ctx.storage.transaction(write);");
  refuses(
    "src/crypto/x.ts",
    [
      "const p = { iterations: 100_001 };",
      "const ITERATIONS = 600_000;",
      "function f(iterations = 210000) {}",
    ],
    /PBKDF2/,
  );
  refuses(
    "src/crypto/x.ts",
    ["WebAssembly.compile(b);", "new WebAssembly.Module(b);", "WebAssembly.compileStreaming(r);"],
    /refused in production/,
  );
  refuses("src/db/commit.ts", "db.transaction(write);", /throws on D1/);
  refuses("src/db/queries.ts", `import { like } from "drizzle-orm";`, /LIKE patterns/);
});

test("SQL in strings keeps to the limits of production", () => {
  const columns = (count: number) =>
    Array.from({ length: count }, (_, index) => `'k${index}', f(a, b)`).join(", ");
  accepts("src/db/audit.ts", `sql\`select json_object(${columns(16)}) from orders\`;`);
  accepts("src/db/audit.ts", [
    "sql`select 1 where name like 'a%'`;",
    `const text = "would you like that?";`,
    "`who like $" + "{this}`;",
  ]);
  refuses("src/db/audit.ts", `sql\`select json_object(${columns(17)}) from orders\`;`, /34 arguments/);
  refuses("src/db/audit.ts", `const text = "select coalesce(${"a, ".repeat(32)}a)";`, /33 arguments/);
  refuses(
    "src/db/audit.ts",
    [
      "sql`select 1 where name like $" + "{pattern}`;",
      `const q = "select 1 where a glob ? || '*'";`,
      `sql\`x like '${"y".repeat(51)}'\`;`,
    ],
    /blind index/,
  );
  refuses(
    "src/db/audit.ts",
    `const text = "select * from t where id in (${"?, ".repeat(100)}?)";`,
    /101 bound parameters/,
  );
});

test("a sound migration passes", () => {
  assert.deepEqual(
    sqlMessages("-- A comment's apostrophe.\ncreate table a (x text default '-') strict, without rowid;\n"),
    [],
  );
  assert.deepEqual(sqlMessages(`${guard}create virtual table f using fts5(words);\n`), []);
  assert.deepEqual(sqlMessages("create table a (x text check (x in ('a', 'b'))) strict;\n"), []);
});

test("a migration that the remote splitter would break is refused", () => {
  for (const [sql, message] of [
    ["-- one; two\ncreate table a (x text) strict;\n", /naive split/],
    ["-- where we begin\ncreate table a (x text) strict;\n", /naive split/],
    ["create table a (x text default ';') strict;\n", /naive split/],
    ["create table a (x text) strict;\r\n", /CR line ending/],
    ["create table a (x text) strict\n", /no `;`/],
    ["create table a (x text) strict;", /line feed/],
    [guard.replace("select", "select 1; select"), /body of 2 statements/],
    [guard.replace("'no'", "case 1 when 1 then 'a' end"), /CASE in a trigger/],
    [guard.replace("OLD.x > 1", "case OLD.x when 1 then 1 else 0 end"), /CASE in a trigger/],
    ["begin transaction;\ncreate table a (x text) strict;\ncommit;\n", /refuses transactions|no `;`/],
  ] as const) {
    const found = sqlMessages(sql);
    assert.ok(
      found.some((text) => message.test(text)),
      `${sql}\n  expected ${message}, found ${JSON.stringify(found)}`,
    );
  }
});

test("a migration's tables are strict and its name is numbered", () => {
  assert.match(sqlMessages("create table a (x text);\n").join(), /table a is not STRICT/);
  assert.match(
    sqlMessages("create table if not exists a (strict text) without rowid;\n").join(),
    /table a is not STRICT/,
  );
  assert.match(
    sqlMessages("create table a (x text) strict;\n", "migrations/cell/shop.sql").join(),
    /are named/,
  );
  assert.match(
    sqlMessages(`create view v as select json_array(${"1, ".repeat(32)}1);\n`).join(),
    /33 arguments/,
  );
});

test("style: names, length, exports, notes to self", () => {
  accepts("test/vitest.config.ts", "export default {};");
  accepts("src/index.ts", "export default {};");
  accepts("src/lib/x.ts", "x\n".repeat(300));
  accepts("test/x.test.ts", "x\n".repeat(301));
  refuses("src/lib/x.ts", "x\n".repeat(301), /two ideas/);
  refuses("src/lib/x.ts", ["export default 1;", "const x = 1; export { x as default };"], /by its name/);
  for (const path of ["src/lib/rateLimit.ts", "src/lib/rate_limit.ts", "src/Lib/x.ts"])
    refuses(path, "", /kebab-case/);
  refuses("src/lib/x.ts", ["// TODO later", "/* FIXME */"], /file an issue/);
  refuses("src/lib/x.ts", "const = 1;", /does not parse/);
});
