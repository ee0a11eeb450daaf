import { afterEach, expect, test, vi } from "vitest";
import { platformTenant } from "#db/directory-tables.ts";
import { rotateTenantKey } from "#db/tenant-keys.ts";
import { maskOf } from "#gate/capabilities.ts";
import { hourMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { comparable } from "#test/comparable.ts";
import { testEnv } from "#test/env.ts";
import { keyOf, memberOf } from "#test/every-operation/trial.ts";
import { isReplay, keyed } from "#test/http/kit.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";
import { grown, written } from "#test/written.ts";
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
  stateOf,
  tokenOf,
  toldBy,
  withdraw,
} from "./kit.ts";

afterEach(() => void vi.useRealTimers());

const everything = ["name", "email", "phone", "allergens", "needs"];

test("after consent on both sides each venue is told what both agreed to, and nothing else", async () => {
  const [ours, theirs] = await linked(["name", "email", "allergens"], ["name", "phone", "allergens"]);
  for (const [asker, teller] of [
    [ours, theirs],
    [theirs, ours],
  ] as const) {
    const answer = await profilesOf(asker);
    const { slug, business } = teller.tenant;
    const { name, allergens } = recordAt(teller.tenant);
    const venue = { slug, name: business.name };
    expect([answer.status, answer.json]).toEqual([
      200,
      { data: [{ venue, fields: ["name", "allergens"], name, allergens }] },
    ]);
  }
});

test("a person is the same however their address is spelled", async () => {
  const address = newAddress();
  const [ours] = await consenting(address, [await newTenant(), ["name"]]);
  const [theirs] = await consenting(` ${address.toUpperCase()} `, [await newTenant(), ["name"]]);
  if (!ours || !theirs) throw new Error("Nobody consented.");
  expect(slugsOf((await profilesOf(ours)).json)).toEqual([theirs.tenant.slug]);
});

test("what nobody recorded is null, and what both share comes as it stands now", async () => {
  const [ours, theirs] = await linked(everything, everything);
  await ok(ask(theirs, "customers.update", { body: { phone: null, name: "Ada King" } }));
  await ok(ask(theirs, "customer-dietary.remove"));
  const [profile] = (await profilesOf(ours)).json.data;
  expect(profile).toMatchObject({ name: "Ada King", phone: null, allergens: null, needs: null });
  expect(profile.fields).toEqual(everything);
});

test("who asked, which fields and of whom stands in the audit of both, by one request", async () => {
  const [ours, theirs] = await linked(["name", "email"], ["name", "phone"]);
  const before = await written();
  const answer = await profilesOf(ours);
  expect(grown(before, await written())).toEqual({
    "us1 audit_log": 2,
    "us1 commits": 2,
    "us1 counted": 2,
    "us1 idempotency": 1,
  });
  const told = { operation: "customer-consent.sharedProfiles", action: "note" };
  const request_id = answer.headers.get("x-request-id");
  const [here, there] = [(await auditOf(ours)).at(-1), (await auditOf(theirs)).at(-1)];
  expect(here).toMatchObject({ ...told, request_id, actor_id: ours.tenant.keyId });
  expect(JSON.parse(String(here?.row))).toEqual({ sharedBy: theirs.tenant.tenantId, fields: ["name"] });
  expect(there).toMatchObject({ ...told, request_id, actor_id: "system" });
  expect(JSON.parse(String(there?.row))).toEqual({ sharedWith: ours.tenant.tenantId, fields: ["name"] });
});

test("the same telling is told each time, and is one row an hour at the venue that tells, whoever asks there", async () => {
  const [ours, theirs] = await linked(["name", "email"], ["name", "email"]);
  vi.useFakeTimers({ toFake: ["Date"] });
  const { as: another } = await keyOf(ours.tenant, maskOf(["customers:consent"]));
  const askAll = () => Promise.all([profilesOf(ours), profilesOf(ours), profilesOf(ours, { as: another })]);
  for (const { json } of await askAll()) expect(json.data).toHaveLength(1);
  const rows = await rowsOfVenue(theirs.tenant);
  vi.setSystemTime(Date.now() + hourMs - 1);
  for (const { json } of await askAll()) expect(json.data).toHaveLength(1);
  expect(await rowsOfVenue(theirs.tenant)).toEqual(rows);
  const notes = (await auditOf(ours)).filter(({ action }) => action === "note");
  expect([notes.length, (await toldBy(theirs)).length]).toEqual([6, 1]);
  await ok(ask(theirs, "customers.update", { body: { name: "Ada King" } }));
  expect((await profilesOf(ours)).json.data[0].name, "as it stands now").toBe("Ada King");
  expect(await toldBy(theirs)).toHaveLength(1);

  vi.setSystemTime(Date.now() + 1);
  await askAll();
  expect(await toldBy(theirs)).toHaveLength(2);
});

test("other fields, another consent and another tenant that asks are another telling", async () => {
  const address = newAddress();
  const [ours, theirs, third] = await consenting(
    address,
    [await newTenant(), ["name", "email"]],
    [await newTenant(), ["name", "email"]],
    [await newTenant(), ["name"]],
  );
  if (!ours || !theirs || !third) throw new Error("Nobody consented.");
  const both = [ours.tenant.tenantId, ["name", "email"]] as const;
  const expected: (readonly [string, readonly string[]])[] = [];
  const asked = async (known: Known, told: (typeof expected)[number]) => {
    expect((await profilesOf(known)).json.data).toHaveLength(2);
    expected.push(told);
    expect((await toldBy(theirs)).map(({ sharedWith, fields }) => [sharedWith, fields])).toEqual(expected);
  };
  await asked(ours, both);
  await asked(third, [third.tenant.tenantId, ["name"]]);
  await ok(give(ours, ["name"]));
  await asked(ours, [ours.tenant.tenantId, ["name"]]);
  await ok(give(ours, ["name", "email"]));
  await ok(give(theirs, ["name", "email"]));
  await asked(ours, both);
  await ok(withdraw(theirs));
  await ok(give(theirs, ["name", "email"]));
  await asked(ours, both);
});

/** Why nothing is told, by what is done to the other venue's record, or to ours, of two that would be linked. */
const silent: Readonly<Record<string, (theirs: Known, ours: Known) => Promise<unknown>>> = {
  "they withdrew": (theirs) => ok(withdraw(theirs)),
  "we withdrew": (_, ours) => ok(withdraw(ours)),
  "they agreed to no field of ours": (theirs) => ok(give(theirs, ["phone"])),
  "we agreed to no field of theirs": (_, ours) => ok(give(ours, ["phone"])),
  "they have another address there": (theirs) =>
    ok(ask(theirs, "customers.update", { body: { email: newAddress() } })),
  "they are deleted there": (theirs) => ok(ask(theirs, "customers.remove")),
  "they were deleted there, and restored": async (theirs) => {
    await ok(ask(theirs, "customers.remove"));
    await ok(ask(theirs, "customers.restore"));
  },
  "they were erased there": (theirs) => destroyed(theirs),
  "that venue is frozen": ({ tenant }) => stateOf(tenant, "frozen"),
  "that venue is closing, and its keys are gone": async ({ tenant }) => {
    await stateOf(tenant, "closing");
    await rowsOf(tenant.cell.database, "delete from tenant_keys where tenant_id = ?", tenant.tenantId);
  },
};

for (const [why, prepare] of Object.entries(silent)) {
  test(`where ${why}, the answer is a stranger's byte for byte and nothing is written there`, async () => {
    const [ours, theirs] = await linked(["name", "email"], ["name", "email"]);
    expect((await profilesOf(ours)).json.data).toHaveLength(1);
    const asked = await toldBy(theirs);
    await prepare(theirs, ours);
    await expectStranger(ours, theirs, asked.length);
  });
}

test("a venue of another cell, and who never consented there, are strangers", async () => {
  const address = newAddress();
  const [ours, abroad] = await consenting(
    address,
    [await newTenant(), ["name"]],
    [await newTenant("cafe"), ["name"]],
  );
  if (!ours || !abroad) throw new Error("Nobody consented.");
  const silentThere = await knownAt(await newTenant(), address);
  expect([ours, abroad].map(({ tenant }) => tenant.cell.id)).toEqual(["us1", "eu1"]);
  expect(await tokenOf(abroad)).not.toBe(await tokenOf(ours));
  for (const other of [abroad, silentThere]) await expectStranger(ours, other, 0);
  await expectStranger(abroad, ours, 0);
});

test("a sandbox meets other sandboxes alone, though its slug is all that tells it", async () => {
  const address = newAddress();
  const sandbox = () => newTenant("signs", { slug: `${newId("x").slice(2)}-test` });
  const [live, one, other] = await consenting(
    address,
    [await newTenant(), ["name"]],
    [await sandbox(), ["name"]],
    [await sandbox(), ["name"]],
  );
  if (!live || !one || !other) throw new Error("Nobody consented.");
  expect(slugsOf((await profilesOf(one)).json)).toEqual([other.tenant.slug]);
  await expectStranger(live, one, 0);
});

test("what is sensitive is told only to whoever may see it, whatever both agreed to", async () => {
  const [ours, theirs] = await linked(everything, everything);
  const { as: key } = await keyOf(ours.tenant, maskOf(["customers:consent"]));
  const [profile] = (await profilesOf(ours, { as: key })).json.data;
  expect(profile.fields).toEqual(["name", "email", "phone"]);
  expect(Object.keys(profile)).toEqual(["venue", "fields", "name", "email", "phone"]);
  expect((await toldBy(theirs)).map(({ fields }) => fields)).toEqual([["name", "email", "phone"]]);
  // Like the customers themselves, who belong to no location.
  const { as: staff } = await memberOf(ours.tenant, "staff");
  expect((await profilesOf(ours, { as: staff })).json.data[0].fields).toEqual(everything);

  await ok(give(theirs, ["allergens"]));
  await expectStranger(ours, theirs, 2, key);
});

test("a replay tells nothing again, asks nobody, and no record holds what was told", async () => {
  const [ours, theirs] = await linked(everything, everything);
  const headers = keyed("at-the-table");
  const first = await profilesOf(ours, { headers });
  expect(first.json.data).toHaveLength(1);
  const before = await written();
  const again = await profilesOf(ours, { headers });
  expect([isReplay(again), again.status, again.json]).toEqual([true, 200, { data: null }]);
  expect(grown(before, await written())).toEqual({});
  expect(await toldBy(theirs)).toHaveLength(1);
  // Two hours later a new telling would be noted there.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * hourMs });
  expect(isReplay(await profilesOf(ours, { headers }))).toBe(true);
  expect(await toldBy(theirs)).toHaveLength(1);
});

test("tokens outlive the rotation of every key there is", async () => {
  const address = newAddress();
  const [ours] = await consenting(address, [await newTenant(), ["name"]]);
  if (!ours) throw new Error("Nobody consented.");
  const run = { job: "test.rotate", requestId: newId("run"), now: Date.now() + 1000 };
  const { DIRECTORY } = testEnv();
  expect(await rotateTenantKey(testEnv(), DIRECTORY, platformTenant, run)).toBe("begun");
  expect(await rotateTenantKey(testEnv(), ours.tenant.cell.database, ours.tenant.tenantId, run)).toBe(
    "begun",
  );
  const theirs = await knownAt(await newTenant(), address);
  // Another isolate, which has not read the directory's keys yet.
  const env = envWith({ DIRECTORY: tapped(DIRECTORY, (_texts, run) => run()) });
  await ok(give(theirs, ["name"], { env }));
  expect(slugsOf((await profilesOf(ours)).json)).toEqual([theirs.tenant.slug]);
  expect(slugsOf((await profilesOf(theirs)).json)).toEqual([ours.tenant.slug]);
});

test("a value that does not open at one venue is noted there, and the others tell all the same", async () => {
  const address = newAddress();
  const [ours, broken, whole] = await consenting(
    address,
    [await newTenant(), ["name"]],
    [await newTenant(), ["name"]],
    [await newTenant(), ["name"]],
  );
  if (!ours || !broken || !whole) throw new Error("Nobody consented.");
  const { cell, tenantId } = broken.tenant;
  await rowsOf(
    cell.database,
    "delete from subject_keys where tenant_id = ? and subject_id = ?",
    tenantId,
    broken.id,
  );
  const answer = await profilesOf(ours);
  expect([answer.status, slugsOf(answer.json)]).toEqual([200, [whole.tenant.slug]]);
  expect(await toldBy(broken)).toEqual([]);
  const failures = await rowsOf(
    cell.database,
    "select entity_id from audit_log where tenant_id = ? and operation = 'vault.open'",
    tenantId,
  );
  expect(failures).toEqual([{ entity_id: broken.id }]);
});

test("at most ten venues are asked, and each that told is in the audit", async () => {
  const address = newAddress();
  const others: (readonly [TestTenant, readonly string[]])[] = [];
  for (let count = 0; count < 11; count += 1) others.push([await newTenant(), ["name"]]);
  const [ours] = await consenting(address, [await newTenant(), ["name"]], ...others);
  if (!ours) throw new Error("Nobody consented.");
  const { data } = (await profilesOf(ours)).json;
  expect(new Set(slugsOf({ data })).size).toBe(10);
  const notes = (await auditOf(ours)).filter(({ action }) => action === "note");
  const byId = new Map(others.map(([{ tenantId, slug }]) => [tenantId, slug]));
  expect(notes.map(({ row }) => byId.get(JSON.parse(row).sharedBy))).toEqual(slugsOf({ data }));
});

test("venues that share nothing wanted keep nobody else's from being found", async () => {
  const address = newAddress();
  const silentThere: (readonly [TestTenant, readonly string[]])[] = [];
  for (let count = 0; count < 10; count += 1) silentThere.push([await newTenant(), ["phone", "needs"]]);
  const [ours, ...others] = await consenting(
    address,
    [await newTenant(), ["name", "allergens"]],
    ...silentThere,
    // Made last, so that its id is the greatest.
    [await newTenant(), ["email", "allergens"]],
  );
  const theirs = others.at(-1);
  if (!ours || !theirs) throw new Error("Nobody consented.");
  expect(others.every(({ tenant }) => tenant.tenantId <= theirs.tenant.tenantId)).toBe(true);
  expect(slugsOf((await profilesOf(ours)).json)).toEqual([theirs.tenant.slug]);
  // Who may not see what is sensitive wants nothing of theirs.
  const { as: key } = await keyOf(ours.tenant, maskOf(["customers:consent"]));
  expect((await profilesOf(ours, { as: key })).json).toEqual({ data: [] });
});

test("who is refused reads nobody's data, and the refusal is in the audit", async () => {
  const [ours, theirs] = await linked(everything, everything);
  const { as: sales } = await memberOf(ours.tenant, "sales");
  const before = await written();
  expect((await profilesOf(ours, { as: sales })).status).toBe(403);
  expect(grown(before, await written())).toEqual({
    "us1 audit_log": 1,
    "us1 commits": 1,
    "us1 counted": 1,
  });
  expect(await toldBy(theirs)).toEqual([]);
});

/** One person at two venues of us1, ours first. */
async function linked(ours: readonly string[], theirs: readonly string[]): Promise<[Known, Known]> {
  const [here, there] = await consenting(
    newAddress(),
    [await newTenant(), ours],
    [await newTenant(), theirs],
  );
  if (!here || !there) throw new Error("Nobody consented.");
  return [here, there];
}

/** What we are told is what anybody is told of a person whom no other venue knows; they hear nothing of it. */
async function expectStranger(ours: Known, theirs: Known, toldBefore: number, key = ours.tenant.key) {
  const stranger = await knownAt(ours.tenant, newAddress());
  await ok(give(stranger, ["name", "email"]));
  const rowsBefore = await rowsOfVenue(theirs.tenant);
  const [answer, toStranger] = [await profilesOf(ours, { as: key }), await profilesOf(stranger, { as: key })];
  expect([answer.status, answer.text]).toEqual([200, '{"data":[]}']);
  expect(comparable(answer)).toBe(comparable(toStranger));
  expect(await rowsOfVenue(theirs.tenant)).toEqual(rowsBefore);
  expect(await toldBy(theirs)).toHaveLength(toldBefore);
  const [note, toNote] = [(await auditOf(ours)).at(-1), (await auditOf(stranger)).at(-1)];
  expect([note?.row, toNote?.row]).toEqual(Array(2).fill('{"sharedBy":null,"fields":[]}'));
  expect((await ask(ours, "customers.get", as(ours.tenant))).status).toBe(200);
}

/** How many rows of each kind the venue has that a visit could leave. */
async function rowsOfVenue({ cell, tenantId }: TestTenant): Promise<unknown> {
  const count = (table: string) => `(select count(*) from ${table} where tenant_id = ?1) as ${table}`;
  const tables = ["audit_log", "commits", "events", "idempotency"].map(count);
  return await rowsOf(cell.database, `select ${tables.join(", ")}`, tenantId);
}

function slugsOf({ data }: { data: { venue: { slug: string } }[] }): string[] {
  return data.map(({ venue }) => venue.slug);
}
