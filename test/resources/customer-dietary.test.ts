import { expect, test } from "vitest";
import { maskOf } from "#gate/capabilities.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { keyOf, memberOf, ownKeyOf, type Principal } from "#test/every-operation/trial.ts";
import { eventsOf, isReplay, keyed } from "#test/http/kit.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { grown, written } from "#test/written.ts";

const { call } = clientOf();

const diet = { allergens: ["peanut brittle", "lobster"], needs: "Halal.\nNo gelatine." };
const canaries = ["brittle", "lobster", "halal", "gelatine"];

test("what a customer cannot eat is told by a reveal, and by nothing else", async () => {
  const { tenant, id } = await guest();
  const kept = await record(tenant, id, diet);
  expect([kept.status, kept.headers.get("etag")]).toEqual([200, '"1"']);
  const { createdAt } = kept.json;
  expect(kept.json).toEqual({
    customerId: id,
    recorded: ["allergens", "needs"],
    version: 1,
    createdAt,
    updatedAt: createdAt,
  });
  const revealed = await reveal(tenant, id);
  expect(revealed.json).toEqual({
    customerId: id,
    dietary: { ...diet, version: 1, createdAt, updatedAt: createdAt },
  });

  const others = [
    await ask(tenant, "customers.get", { customerId: id }),
    await ask(tenant, "customers.update", { customerId: id }, { note: "Window seat." }),
    await ask(tenant, "customers.list", {}),
    await ask(tenant, "customers.search", {}, { name: "grace" }),
    await ask(tenant, "customers.remove", { customerId: id }),
    await ask(tenant, "customers.restore", { customerId: id }),
    await ask(tenant, "events.list", {}),
    await ask(tenant, "audit.list", {}),
  ];
  expect(others.map(({ status }) => status)).toEqual(Array(8).fill(200));
  for (const { text } of others.slice(0, 4)) expect(text).toContain(id);
  for (const { text } of [kept, ...others]) expect(foundIn(text)).toEqual([]);
  expect(foundIn(revealed.text)).toEqual(canaries);
});

test("a reveal is one audit row of which fields, to whom and why, and an event, without a value", async () => {
  const { tenant, id } = await guest();
  await record(tenant, id, { allergens: diet.allergens });
  const staff = await memberOf(tenant, "staff");
  const before = await written();
  const answer = await reveal(tenant, id, { reason: "service" }, staff);
  expect(answer.json.dietary).toMatchObject({ allergens: diet.allergens, needs: null });
  const { cell } = tenant;
  expect(grown(before, await written())).toEqual({
    [`${cell.id} audit_log`]: 1,
    [`${cell.id} commits`]: 1,
    [`${cell.id} counted`]: 2,
    [`${cell.id} events`]: 1,
  });
  const [row] = await revealsOf(tenant, id);
  expect(row).toMatchObject({
    operation: "customer-dietary.reveal",
    entity: "customer-dietary",
    action: "note",
    actor_kind: "member",
    actor_id: staff.id,
    request_id: answer.headers.get("x-request-id"),
  });
  expect(JSON.parse(String(row?.row))).toEqual({ revealed: ["allergens"], reason: "service" });
  const [event] = await eventsOf(tenant, "customer_dietary.revealed");
  expect([event?.data, event?.actor_id]).toEqual([JSON.stringify({ customerId: id }), staff.id]);

  await reveal(tenant, id, {});
  const rows = await revealsOf(tenant, id);
  expect(rows.map((each) => [each.actor_id, JSON.parse(String(each.row)).reason])).toEqual([
    [staff.id, "service"],
    [tenant.keyId, null],
  ]);
});

test("a reveal of nothing is recorded as one, and a reason that could tell of somebody is refused", async () => {
  const { tenant, id } = await guest();
  const answer = await reveal(tenant, id);
  expect([answer.status, answer.json]).toEqual([200, { customerId: id, dietary: null }]);
  expect((await revealsOf(tenant, id)).map(({ row }) => JSON.parse(String(row)).revealed)).toEqual([[]]);
  const before = await written();
  const refused = await reveal(tenant, id, { reason: "She is on insulin" });
  expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/reason"]);
  expect(grown(before, await written())).toEqual({});
});

test("who may see customers and not what is sensitive is refused, and the refused reveal is recorded", async () => {
  const { tenant, id } = await guest();
  await record(tenant, id, diet);
  const readers = await keyOf(tenant, maskOf(["customers:read", "customers:write"]));
  const refused: Principal[] = [readers];
  for (const role of ["sales", "designer", "installer", "accountant", "viewer"] as const)
    refused.push(await memberOf(tenant, role));
  for (const principal of refused) {
    const answer = await reveal(tenant, id, { reason: "service" }, principal);
    expect([answer.status, foundIn(answer.text)]).toEqual([403, []]);
    for (const name of ["customer-dietary.update", "customer-dietary.remove"])
      expect((await ask(tenant, name, { customerId: id }, undefined, principal)).status).toBe(403);
  }
  const rows = await rowsOf(
    tenant.cell.database,
    "select actor_id, row from audit_log where tenant_id = ? and operation = 'customer-dietary.reveal' order by seq",
    tenant.tenantId,
  );
  const denied = JSON.stringify({ problem: "forbidden", capability: "customers:sensitive" });
  expect(rows).toEqual(refused.map((principal) => ({ actor_id: principal.id, row: denied })));
  for (const role of ["owner", "admin", "manager", "staff"] as const)
    expect((await reveal(tenant, id, {}, await memberOf(tenant, role))).status).toBe(200);
});

test("a replay tells the same again and is kept under the customer's key alone", async () => {
  const { tenant, id } = await guest();
  await record(tenant, id, diet);
  const again = () => reveal(tenant, id, {}, ownKeyOf(tenant), keyed("at-the-table"));
  const [first, second] = [await again(), await again()];
  expect([isReplay(first), isReplay(second), second.text]).toEqual([false, true, first.text]);
  expect(await revealsOf(tenant, id)).toHaveLength(1);
  const [kept] = await rowsOf(
    tenant.cell.database,
    "select subject_id, answer from idempotency where tenant_id = ? and operation = 'customer-dietary.reveal'",
    tenant.tenantId,
  );
  expect(kept).toEqual({ subject_id: id, answer: expect.stringMatching(/^v1\.[\w-]+\.[\w-]+\.[\w-]+$/) });
  await destroyKey(tenant, id);
  const after = await again();
  expect([after.status, foundIn(after.text)]).toEqual([500, []]);
});

test("no table of the cell holds a word of it in the clear", async () => {
  const { tenant, id } = await guest();
  await record(tenant, id, diet);
  await record(tenant, id, { needs: "Gelatine is fine" });
  await reveal(tenant, id, {}, ownKeyOf(tenant), keyed("once"));
  await ask(tenant, "customer-dietary.remove", { customerId: id });
  await record(tenant, id, diet);
  const [row] = await rowsOf(
    tenant.cell.database,
    "select allergens, needs from customer_dietary where tenant_id = ? and customer_id = ?",
    tenant.tenantId,
    id,
  );
  for (const value of [row?.allergens, row?.needs]) expect(value).toMatch(/^v1\./);
  let rowsSeen = 0;
  for (const table of ["customer_dietary", "audit_log", "events", "idempotency", "intents"]) {
    const rows = await rowsOf(
      tenant.cell.database,
      `select * from "${table}" where tenant_id = ?`,
      tenant.tenantId,
    );
    rowsSeen += rows.length;
    expect([table, foundIn(JSON.stringify(rows))]).toEqual([table, []]);
  }
  expect(rowsSeen).toBeGreaterThan(20);
});

test("a change touches what it names, null forgets it, and asked without any is not the same as not asked", async () => {
  const { tenant, id } = await guest();
  await record(tenant, id, diet);
  await record(tenant, id, { needs: null });
  expect((await reveal(tenant, id)).json.dietary).toMatchObject({ allergens: diet.allergens, needs: null });
  const none = await record(tenant, id, { allergens: [] });
  expect([none.json.recorded, none.json.version]).toEqual([["allergens"], 3]);
  expect((await reveal(tenant, id)).json.dietary).toMatchObject({ allergens: [], needs: null });

  const stale = await record(tenant, id, { allergens: ["milk"] }, { "If-Match": '"2"' });
  expect(stale.status).toBe(412);
  const fresh = await record(tenant, id, { allergens: ["milk"] }, { "If-Match": '"3"' });
  expect([fresh.status, fresh.json.version]).toEqual([200, 4]);
  const changes = await eventsOf(tenant, "customer_dietary.updated");
  expect(changes.map(({ data }) => data)).toEqual(Array(4).fill(JSON.stringify({ customerId: id })));
});

test("two who record it at once make one row, and nothing of either is lost unsaid", async () => {
  const { tenant, id } = await guest();
  const bodies = [{ allergens: ["milk"] }, { needs: "Vegan." }, { allergens: ["soy"] }];
  const answers = await Promise.all(bodies.map((body) => record(tenant, id, body)));
  const statuses = answers.map(({ status }) => status);
  for (const status of statuses) expect([200, 409]).toContain(status);
  expect(statuses).toContain(200);
  const { dietary } = (await reveal(tenant, id)).json;
  expect(dietary.version).toBe(statuses.filter((status) => status === 200).length);
});

test("what is removed is gone, once, and can be recorded anew", async () => {
  const { tenant, id } = await guest();
  await record(tenant, id, diet);
  const [removed, again] = [
    await ask(tenant, "customer-dietary.remove", { customerId: id }),
    await ask(tenant, "customer-dietary.remove", { customerId: id }),
  ];
  expect([removed.status, again.status]).toEqual([204, 404]);
  expect((await reveal(tenant, id)).json.dietary).toBeNull();
  expect((await record(tenant, id, { needs: "Vegan." })).json).toMatchObject({
    recorded: ["needs"],
    version: 1,
  });
});

test("it goes with the customer and comes back with them, and without their key it opens nowhere", async () => {
  const { tenant, id } = await guest();
  await record(tenant, id, diet);
  await ask(tenant, "customers.remove", { customerId: id });
  const before = await written();
  for (const [name, body] of [
    ["customer-dietary.reveal", {}],
    ["customer-dietary.update", diet],
    ["customer-dietary.remove", undefined],
  ] as const) {
    const { status, json } = await ask(tenant, name, { customerId: id }, body);
    expect([name, status, json.type]).toEqual([name, 409, "/problems/customer-deleted"]);
  }
  expect(grown(before, await written())).toEqual({});
  await ask(tenant, "customers.restore", { customerId: id });
  expect((await reveal(tenant, id)).json.dietary).toMatchObject(diet);

  await destroyKey(tenant, id);
  const lost = await reveal(tenant, id);
  expect([lost.status, foundIn(lost.text)]).toEqual([500, []]);
});

test("a customer whom nobody made, another tenant's and a malformed id are not found alike", async () => {
  const [{ tenant }, other] = [await guest(), await guest()];
  const before = await written();
  for (const [name, body] of [
    ["customer-dietary.reveal", {}],
    ["customer-dietary.update", diet],
    ["customer-dietary.remove", undefined],
  ] as const) {
    const ids = [newId("cus"), other.id, "cus_short"];
    const answers = await Promise.all(ids.map((customerId) => ask(tenant, name, { customerId }, body)));
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  }
  expect(grown(before, await written())).toEqual({});
});

async function guest(): Promise<{ tenant: TestTenant; id: string }> {
  const tenant = await newTenant("cafe");
  const { json } = await ask(tenant, "customers.create", {}, { name: "Grace Hopper" });
  return { tenant, id: json.id };
}

function record(tenant: TestTenant, customerId: string, body: object, headers: Record<string, string> = {}) {
  return ask(tenant, "customer-dietary.update", { customerId }, body, ownKeyOf(tenant), headers);
}

function reveal(
  tenant: TestTenant,
  customerId: string,
  body: object = {},
  principal = ownKeyOf(tenant),
  headers: Record<string, string> = {},
) {
  return ask(tenant, "customer-dietary.reveal", { customerId }, body, principal, headers);
}

function ask(
  tenant: TestTenant,
  name: string,
  params: Record<string, string>,
  body?: object,
  principal: Principal = ownKeyOf(tenant),
  headers: Record<string, string> = {},
) {
  return call(name, { tenant: tenant.slug, as: principal.as, params, body, headers });
}

/** Of one customer; a refused reveal names no customer. */
function revealsOf({ cell, tenantId }: TestTenant, customerId: string) {
  return rowsOf(
    cell.database,
    "select * from audit_log where tenant_id = ? and entity_id = ? and action = 'note' order by seq",
    tenantId,
    customerId,
  );
}

async function destroyKey({ cell, tenantId }: TestTenant, customerId: string): Promise<void> {
  await rowsOf(
    cell.database,
    "delete from subject_keys where tenant_id = ? and subject_id = ?",
    tenantId,
    customerId,
  );
}

function foundIn(text: string): string[] {
  const hay = text.toLowerCase();
  return canaries.filter((canary) => hay.includes(canary));
}
