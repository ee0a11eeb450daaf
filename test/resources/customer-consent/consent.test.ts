import { expect, test } from "vitest";
import { maskOf } from "#gate/capabilities.ts";
import { newId } from "#platform/ids.ts";
import { keyOf, memberOf } from "#test/every-operation/trial.ts";
import { eventsOf } from "#test/http/kit.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, tablesOf, written } from "#test/written.ts";
import {
  ask,
  auditOf,
  consenting,
  destroyed,
  give,
  type Known,
  knownAt,
  newAddress,
  ok,
  profilesOf,
  recordAt,
  tokenOf,
  withdraw,
} from "./kit.ts";

test("consent is one row, given anew in place, with an audit row and an event each time", async () => {
  const known = await knownAt(await newTenant(), newAddress());
  const first = await give(known, ["allergens", "name"]);
  expect([first.status, first.headers.get("etag")]).toEqual([200, '"1"']);
  expect(first.json).toMatchObject({
    customerId: known.id,
    fields: ["name", "allergens"],
    obtained: "in-person",
    version: 1,
  });
  expect((await ask(known, "customer-consent.get")).json).toEqual(first.json);
  const second = await give(known, ["phone"]);
  expect(second.json).toMatchObject({ fields: ["phone"], version: 2, createdAt: first.json.createdAt });
  expect((await withdraw(known)).status).toBe(204);
  for (const gone of [await withdraw(known), await ask(known, "customer-consent.get")])
    expect(gone.status).toBe(404);
  expect((await auditOf(known)).map(({ action }) => action)).toEqual(["created", "updated", "deleted"]);
  for (const [type, times] of [
    ["customer_consent.given", 2],
    ["customer_consent.withdrawn", 1],
  ] as const) {
    const events = await eventsOf(known.tenant, type);
    expect(events.map(({ data }) => data)).toEqual(
      Array(times).fill(JSON.stringify({ customerId: known.id })),
    );
  }
});

test("a stale If-Match changes no consent", async () => {
  const known = await knownAt(await newTenant(), newAddress());
  await ok(give(known, ["name"]));
  await ok(give(known, ["phone"]));
  const headers = { "If-Match": '"1"' };
  expect((await give(known, ["email"], { headers })).status).toBe(412);
  expect((await withdraw(known, { headers })).status).toBe(412);
  expect((await ask(known, "customer-consent.get")).json.fields).toEqual(["phone"]);
});

test("a person has a token while their consent stands, in that row alone; nobody else ever has", async () => {
  const tenant = await newTenant();
  const known = await knownAt(tenant, newAddress());
  const silent = await knownAt(tenant, newAddress());
  await profilesOf(known);
  await profilesOf(silent);
  expect(await everyToken(tenant)).toEqual([]);
  await ok(give(known, ["name"], { headers: { "Idempotency-Key": "x" } }));
  const token = String(await tokenOf(known));
  expect(token).toMatch(/^[0-9a-z]{26}$/);
  expect(await everyToken(tenant)).toEqual([token]);
  await ok(profilesOf(known, { headers: { "Idempotency-Key": "x" } }));
  expect(await whereIs(known, token)).toEqual(["customer_consents"]);
  await ok(withdraw(known));
  expect(await whereIs(known, token)).toEqual([]);
});

const endings: Readonly<Record<string, (known: Known) => Promise<unknown>>> = {
  "is withdrawn": (known) => ok(withdraw(known)),
  "loses its address": (known) => ok(ask(known, "customers.update", { body: { email: null } })),
  "was for another address": (known) =>
    ok(ask(known, "customers.update", { body: { email: newAddress(), name: "Ada" } })),
  "was of a customer who is deleted": (known) => ok(ask(known, "customers.remove")),
};

for (const [how, end] of Object.entries(endings)) {
  test(`consent that ${how} has ended, with its audit row, event and token`, async () => {
    const known = await knownAt(await newTenant(), newAddress());
    await ok(give(known, ["name"]));
    const token = String(await tokenOf(known));
    await end(known);
    expect(await whereIs(known, token)).toEqual([]);
    expect((await auditOf(known)).map(({ action }) => action)).toEqual(["created", "deleted"]);
    expect(await eventsOf(known.tenant, "customer_consent.withdrawn")).toHaveLength(1);
    await ask(known, "customers.restore");
    expect((await ask(known, "customer-consent.get")).status).toBe(404);
  });
}

test("a change that leaves the person the same leaves their consent", async () => {
  const address = newAddress();
  const known = await knownAt(await newTenant(), address);
  await ok(give(known, ["name"]));
  const token = await tokenOf(known);
  await ok(ask(known, "customers.update", { body: { name: "Ada King", email: address.toUpperCase() } }));
  await ok(ask(known, "customers.restore"));
  expect(await tokenOf(known)).toBe(token);
});

test("who is erased has no token left, and cannot consent again", async () => {
  const known = await knownAt(await newTenant(), newAddress());
  await ok(give(known, ["name"]));
  const token = String(await tokenOf(known));
  await destroyed(known);
  expect(await whereIs(known, token)).toEqual([]);
  expect((await ask(known, "customer-consent.get")).status).toBe(404);
  expect((await give(known, ["name"])).json.type).toBe("/problems/customer-without-email");
});

test("without an address, of a deleted customer, or of nobody there is no consent, and nothing is written", async () => {
  const tenant = await newTenant();
  const [nameless, deleted] = [await knownAt(tenant, null), await knownAt(tenant, newAddress())];
  const elsewhere = await knownAt(await newTenant(), newAddress());
  await ok(ask(deleted, "customers.remove"));
  const before = await written();
  const refused = async (known: Known, status: number, problem: string, fields = ["name"]) => {
    const answer = await give(known, fields);
    expect([answer.status, answer.json.type]).toEqual([status, `/problems/${problem}`]);
  };
  await refused(nameless, 422, "customer-without-email");
  await refused(deleted, 409, "customer-deleted");
  expect((await profilesOf(deleted)).json.type).toBe("/problems/customer-deleted");
  for (const id of [newId("cus"), elsewhere.id, "cus_short"]) {
    await refused({ tenant, id }, 404, "not-found");
    for (const answer of [await withdraw({ tenant, id }), await profilesOf({ tenant, id })])
      expect(answer.status).toBe(404);
  }
  for (const fields of [[], ["note"], Array(6).fill("name")]) await refused(deleted, 422, "invalid", fields);
  expect(grown(before, await written())).toEqual({});
});

test("two records of one address at a tenant cannot both consent", async () => {
  const tenant = await newTenant();
  const address = newAddress();
  const [one, other] = [await knownAt(tenant, address), await knownAt(tenant, address)];
  await ok(give(one, ["name"]));
  const refused = await give(other, ["name"]);
  expect([refused.status, refused.json.type]).toEqual([409, "/problems/address-has-consent"]);
  await ok(withdraw(one));
  expect((await give(other, ["name"])).status).toBe(200);
});

test("what is sensitive may be agreed to only with whoever may see it, and consent itself with few", async () => {
  const tenant = await newTenant();
  const known = await knownAt(tenant, newAddress());
  const { as } = await keyOf(tenant, maskOf(["customers:consent"]));
  for (const field of ["allergens", "needs"])
    expect((await give(known, ["name", field], { as })).json.type).toBe("/problems/forbidden");
  expect(await tokenOf(known)).toBeNull();
  expect((await give(known, ["name"], { as })).status).toBe(200);
  const staff = await memberOf(tenant, "staff");
  expect((await give(known, ["name", "needs"], { as: staff.as })).status).toBe(200);
  const all = maskOf(["customers:read", "customers:write", "customers:sensitive", "privacy:write"]);
  for (const { as: without } of [await memberOf(tenant, "sales"), await keyOf(tenant, all)])
    for (const answer of [
      await ask(known, "customer-consent.get", { as: without }),
      await give(known, ["name"], { as: without }),
      await withdraw(known, { as: without }),
      await profilesOf(known, { as: without }),
    ])
      expect(answer.status).toBe(403);
});

test("nothing of the person is in the consent, its audit, events or records in the clear", async () => {
  const address = newAddress();
  const [known] = await consenting(address, [await newTenant(), ["name", "email", "needs"]]);
  if (!known) throw new Error("Nobody consented.");
  await ok(profilesOf(known, { headers: { "Idempotency-Key": "x" } }));
  const { name, needs } = recordAt(known.tenant);
  for (const word of [address, name, needs]) expect(await whereIs(known, word)).toEqual([]);
});

/** The tables of the tenant's cell that hold this text anywhere. */
async function whereIs({ tenant: { cell } }: Known, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const table of await tablesOf(cell.id, cell.database)) {
    if (table.startsWith("search_index")) continue;
    const rows = await rowsOf(cell.database, `select * from "${table}"`);
    if (JSON.stringify(rows).includes(text)) found.push(table);
  }
  return found;
}

async function everyToken({ cell, tenantId }: TestTenant): Promise<string[]> {
  const rows = await rowsOf<{ token: string }>(
    cell.database,
    "select identity_token as token from customer_consents where tenant_id = ? and identity_token is not null",
    tenantId,
  );
  return rows.map(({ token }) => token);
}
