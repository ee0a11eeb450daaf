import { expect, test } from "vitest";
import { newId } from "#platform/ids.ts";
import { as, envWith, newTenant, rowsOf } from "#test/world.ts";
import {
  call,
  countingPut,
  draw,
  expectDoneOnce,
  holdingPut,
  objectsOf,
  stateOf,
  unreachable,
} from "./drawings.ts";
import { isReplay } from "./kit.ts";

test("an effect is intended, performed and settled once, and replays its answer", async () => {
  const tenant = await newTenant();
  const first = await draw(tenant);
  expect([first.status, first.json.name, isReplay(first)]).toEqual([201, "Walk-in customer", false]);
  const again = await draw(tenant, { text: "first" }, envWith({ FILES_US1: unreachable }));
  expect([again.status, again.text, isReplay(again)]).toEqual([201, first.text, true]);
  await expectDoneOnce(tenant, first);
});

test("the record of an effect whose answer tells of a person is sealed", async () => {
  const tenant = await newTenant();
  await draw(tenant);
  const [record] = await rowsOf(
    tenant.cell.database,
    "select * from idempotency where tenant_id = ?",
    tenant.tenantId,
  );
  expect(record).toMatchObject({ operation: "drawings.store", status: 201 });
  expect(record?.answer).toMatch(/^v1\./);
  expect(JSON.stringify(record)).not.toContain("Walk-in");
});

test("an effect without a key leaves no record and happens as often as it is asked for", async () => {
  const tenant = await newTenant();
  const answers = await Promise.all([draw(tenant, { key: undefined }), draw(tenant, { key: undefined })]);
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  expect(await objectsOf(tenant)).toHaveLength(2);
  expect(await stateOf(tenant)).toMatchObject({ intents: ["settled", "settled"], records: [] });
});

test("while an effect is under way its key is answered 409, and afterwards by its answer", async () => {
  const tenant = await newTenant();
  const held = holdingPut();
  const under = draw(tenant, {}, envWith({ FILES_US1: held.files }));
  await held.reached;
  const meanwhile = await Promise.all([draw(tenant), draw(tenant)]);
  expect(meanwhile.map(({ status, json }) => [status, json.type])).toEqual(
    Array(2).fill([409, "/problems/in-progress"]),
  );
  const other = await draw(tenant, { text: "another body" });
  expect([other.status, other.json.type]).toEqual([422, "/problems/idempotency-key-reused"]);
  held.release();
  const first = await under;
  expect((await draw(tenant)).text).toBe(first.text);
  await expectDoneOnce(tenant, first);
});

test("of 20 at once with one key one performs", async () => {
  const tenant = await newTenant();
  const counted = countingPut();
  const env = envWith({ FILES_US1: counted.files });
  const answers = await Promise.all(Array.from({ length: 20 }, () => draw(tenant, {}, env)));
  const good = answers.filter(({ status }) => status === 201);
  expect(answers.filter(({ json }) => json.type === "/problems/in-progress").length + good.length).toBe(20);
  expect(new Set(good.map(({ text }) => text)).size).toBe(1);
  expect(good.filter((answer) => !isReplay(answer))).toHaveLength(1);
  expect(counted.puts()).toBe(1);
  await expectDoneOnce(tenant, good[0]);
});

test("a settlement that refuses abandons the effect, records why and frees the key", async () => {
  const tenant = await newTenant();
  const refused = await draw(tenant, { text: "" });
  expect([refused.status, refused.json.type]).toEqual([409, "/problems/customer-deleted"]);
  expect(await stateOf(tenant)).toEqual({
    intents: ["abandoned"],
    records: [],
    drawn: 0,
    events: 0,
    notes: 2,
  });
  const anew = await draw(tenant, { text: "better" });
  expect([anew.status, isReplay(anew)]).toEqual([201, false]);
});

test("an intent whose guard fails is never performed", async () => {
  const tenant = await newTenant();
  const env = envWith({ FILES_US1: unreachable });
  const refused = await draw(tenant, { customerId: newId("cus") }, env);
  expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/customerId"]);
  expect(await stateOf(tenant)).toEqual({ intents: [], records: [], drawn: 0, events: 0, notes: 0 });
});

test("a key revoked while its effect was performed does not keep it from being settled", async () => {
  const tenant = await newTenant();
  const created = await call("api-keys.create", {
    ...as(tenant),
    body: { name: "Short-lived", scopes: ["files:write"] },
  });
  const held = holdingPut();
  const under = draw(tenant, { as: created.json.key }, envWith({ FILES_US1: held.files }));
  await held.reached;
  const revoked = await call("api-keys.revoke", { ...as(tenant), params: { apiKeyId: created.json.id } });
  expect(revoked.status).toBe(200);
  held.release();
  const answer = await under;
  await expectDoneOnce(tenant, answer, created.json.id);
  expect((await draw(tenant, { as: created.json.key })).status).toBe(401);
});
