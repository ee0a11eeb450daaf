import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";
import { keptTables } from "#db/protection.ts";
import type { DatabaseKind, Keeping } from "#db/technical-columns.ts";
import { dispatchEvents } from "#jobs/dispatch-events.ts";
import { cellsOf } from "#platform/cells.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv, wholeEnv } from "#test/env.ts";
import { wholeOf } from "#test/every-operation/trial.ts";
import { exampleOf, operations, tenantOperations } from "#test/examples.ts";
import { gateOf } from "#test/gate/kit.ts";
import { newSubject, signInAt } from "#test/identity/federation/kit.ts";
import { newEmail, newEnrolled } from "#test/identity/kit.ts";
import { newMail, resetMail } from "#test/mail/kit.ts";
import { newTenant, rowsOf } from "#test/world.ts";

// What the protection page says, held to the databases: to their columns as the migrations made them, and to their rows.

interface Stored {
  readonly id: string;
  readonly kind: DatabaseKind;
  readonly database: D1Database;
}

const { call } = clientOf();
const todo =
  "say how it is kept: in its tenantTable(), or in src/db/technical-columns.ts, which the page at /docs/protection shows";
const envelope = /\bv1\.[A-Za-z0-9_]{1,64}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{22,}/;
let page: Answer;

beforeAll(async () => {
  const tenant = await newTenant();
  for (const { name } of tenantOperations) {
    const headers = { "Idempotency-Key": `once-${name}` };
    const input = await exampleOf(name).make(tenant);
    const { as } = await wholeOf(tenant, name);
    await call(name, { tenant: tenant.slug, as, ...input, headers });
  }
  for (const { name, operation } of operations) {
    if (operation.store !== "directory" || operation.mount === "protocol") continue;
    const input = await exampleOf(name).make(tenant);
    await call(name, { ...input, headers: { ...input.headers, "Idempotency-Key": `once-${name}` } });
  }
  const body = { url: "https://shop.example/all", eventTypes: ["customer.created", "customer.updated"] };
  const asked = { tenant: tenant.slug, as: tenant.key };
  await call("webhook-endpoints.create", { ...asked, body });
  await call("customers.create", { ...asked, body: { name: "Ada Lovelace" } });
  await dispatchEvents(testEnv(), tenant.cell, tenant.tenantId, Date.now());
  // Whose address the issuer does not speak for, and who has yet to type the code.
  await signInAt("work", { claims: { sub: newSubject(), email: newEmail() } });
  // Whose issuer is new to an account with a second factor, which has yet to be proved.
  const { email } = await newEnrolled();
  const claims = { sub: newSubject(), email, email_verified: true, hd: "people.example" };
  await signInAt("google", { claims });
  await newMail(resetMail("ada@mail.example"));
  await call("mail.postmark", await exampleOf("mail.postmark").make(tenant));
  // From where the key came, as its gate tells the cell.
  const headers = { "cf-connecting-ip": "198.51.100.4" };
  await call("orders.list", { ...asked, headers });
  await runDurableObjectAlarm(gateOf(tenant.keyId));
  page = await call("docs.page", { params: { page: "protection" } });
});

test("every column of every table of every database says how it is kept, and no other does", async () => {
  for (const stored of everyDatabase()) expect(await unlike(stored), `${stored.id}: ${todo}`).toEqual([]);
});

test("a column and a table that nobody has classified are named", async () => {
  const stored = everyDatabase().find(({ id }) => id === "log eu1");
  if (!stored) throw new Error("There is no such database.");
  await rowsOf(stored.database, "alter table calls add column caller_name text");
  await rowsOf(stored.database, "create table diaries (tenant_id text not null, page text) strict");
  expect(await unlike(stored)).toEqual(["calls.caller_name", "diaries.page", "diaries.tenant_id"]);
  await rowsOf(stored.database, "alter table calls drop column caller_name");
  await rowsOf(stored.database, "drop table diaries");
});

/** What the envelopes begin with, by whose key they name; null where there must be none. */
const sealedBy: Readonly<Record<Keeping, RegExp | null>> = {
  person: /^v1\.sky_/,
  tenant: /^v1\.tky_/,
  "person-or-tenant": /^v1\.[st]ky_/,
  kek: /^v1\.kek1\./,
  "person-or-plain": /^v1\.[st]ky_/,
  "as-copied": /^v1\.sky_/,
  "one-way": null,
  plain: null,
};
/** Some of their values are not sealed, or are more than what is sealed. */
const mixed: readonly Keeping[] = ["person-or-plain", "as-copied"];
/** Sealed columns that no request of these leaves a value in: nothing is delivered here, and nobody guesses a place. */
const unseen = ["cell webhook_attempts.excerpt", "directory sessions.place"];

test("the rows are as they are said to be: sealed where the page says so, under that key, and nowhere else", async () => {
  const seen = new Set<string>();
  for (const { kind, database } of everyDatabase()) {
    for (const { name, columns } of keptTables().filter((table) => table.database === kind)) {
      const rows = name === "search_index" ? [] : await rowsOf(database, `select * from "${name}"`);
      for (const [column, keeping] of Object.entries(columns)) {
        const place = `${kind} ${name}.${column}`;
        for (const value of rows.map((row) => row[column]).filter((each) => each !== null)) {
          const found = envelope.exec(String(value))?.[0];
          const by = sealedBy[keeping];
          if (by === null) expect(found, place).toBeUndefined();
          else if (!mixed.includes(keeping)) expect(found, place).toBe(value);
          if (by === null || found === undefined) continue;
          expect(found, place).toMatch(by);
          seen.add(place);
        }
      }
    }
  }
  const sealed = keptTables().flatMap(({ database, name, columns }) =>
    Object.entries(columns)
      .filter(([, keeping]) => sealedBy[keeping] !== null)
      .map(([column]) => `${database} ${name}.${column}`),
  );
  expect([...seen].toSorted()).toEqual(sealed.filter((place) => !unseen.includes(place)).toSorted());
});

test("the page names each column once, below its table, by how it is kept", async () => {
  expect(page.status).toBe(200);
  for (const { database, name, columns } of keptTables()) {
    const [, entry = ""] = page.text.split(`<div id="${database}.${name}">`);
    const own = entry.slice(0, entry.indexOf("</div>"));
    const told = [...own.matchAll(/<dd data-keeping="([\w-]+)">(.*?)<\/dd>/g)].flatMap(
      ([, keeping, listed = ""]) =>
        [...listed.matchAll(/<code>(\w+)<\/code>/g)].map(([, column]) => [column, keeping]),
    );
    expect(Object.fromEntries(told), `${database} ${name}`).toEqual(columns);
    expect(told).toHaveLength(Object.keys(columns).length);
  }
});

test("every other store that is bound is on the page", () => {
  const bound = Object.entries(wholeEnv())
    .filter(([name, value]) => typeof value === "object" && !/^(TEST_MIGRATIONS|__VITEST.*)$/.test(name))
    .map(([name]) => name.replace(/_(PLATFORM|[A-Z]{2}[0-9]+)$/, ""));
  const stores = [...new Set(bound)].filter((name) => !["DIRECTORY", "CELL", "LOG"].includes(name));
  expect(stores).toHaveLength(15);
  for (const store of stores) expect(page.text).toContain(`<div id="${store}">`);
});

function everyDatabase(): Stored[] {
  const { DIRECTORY } = testEnv();
  const cells = cellsOf(testEnv()).flatMap(({ id, database, log }): Stored[] => [
    { id, kind: "cell", database },
    { id: `log ${id}`, kind: "log", database: log },
  ]);
  return [{ id: "directory", kind: "directory", database: DIRECTORY }, ...cells];
}

/** The columns that are there or declared, and not both. */
async function unlike({ kind, database }: Stored): Promise<string[]> {
  const rows = await rowsOf<{ place: string }>(
    database,
    "select list.name || '.' || info.name as place from pragma_table_list as list, pragma_table_info(list.name) as info where list.schema = 'main' and list.type in ('table', 'virtual') and list.name not like 'sqlite_%' and list.name not like '\\_cf%' escape '\\' and list.name <> 'd1_migrations'",
  );
  const there = new Set(rows.map(({ place }) => place));
  const declared = new Set(
    keptTables()
      .filter(({ database: where }) => where === kind)
      .flatMap(({ name, columns }) => Object.keys(columns).map((column) => `${name}.${column}`)),
  );
  const either = [...there, ...declared];
  return either.filter((place) => there.has(place) !== declared.has(place)).toSorted();
}
