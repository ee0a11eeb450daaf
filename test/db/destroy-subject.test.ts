import { expect, test } from "vitest";
import { destroySubject, replayTombstones, type Tombstone } from "#db/destroy-subject.ts";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { type Answer, clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { createCustomer, createOrder, person } from "#test/http/kit.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";
import { grown, tablesOf, written } from "#test/written.ts";

const { call } = clientOf();
const erased = { name: "[erased]", email: null, phone: null, note: null };

test("a person's key and tokens go in one batch with one audit row, and a second time writes nothing", async () => {
  const tenant = await newTenant();
  const [id, other] = [await customerOf(tenant), await customerOf(tenant)];
  const before = await written();
  expect(await destroy(tenant, id)).toBe("destroyed");
  expect(grown(before, await written())).toEqual({
    "us1 audit_log": 1,
    "us1 commits": 1,
    "us1 counted": 1,
    "us1 subject_keys": -1,
    "us1 search_rows": -1,
    "us1 search_index": -1,
    "us1 subject_tombstones": 1,
  });
  const { database } = tenant.cell;
  const tokens = "select id, email_token is null as email, phone_token is null as phone from customers";
  expect(
    await rowsOf(
      database,
      `${tokens} where tenant_id = ? and id in (?, ?) order by id`,
      tenant.tenantId,
      id,
      other,
    ),
  ).toEqual([
    { id, email: 1, phone: 1 },
    { id: other, email: 0, phone: 0 },
  ]);
  const [audited] = await rowsOf(
    database,
    "select actor_kind, operation, action, entity, row from audit_log where tenant_id = ? and entity_id = ? order by seq desc limit 1",
    tenant.tenantId,
    id,
  );
  expect(audited).toEqual({
    actor_kind: "system",
    operation: "test.destroy",
    action: "note",
    entity: "subject",
    row: '{"destroyed":true}',
  });

  const after = await written();
  expect(await destroy(tenant, id)).toBe("destroyed-before");
  expect(grown(after, await written())).toEqual({});
  expect((await get(tenant, other)).json).toMatchObject(person);
});

test("whoever was erased reads as erased: by id, in lists and in answers, and is found by nothing", async () => {
  const tenant = await newTenant();
  const { json: before, headers } = await createCustomer(tenant);
  const order = await createOrder(tenant, { customerId: before.id });
  await destroy(tenant, before.id);
  const got = await get(tenant, before.id);
  expect([got.status, got.json]).toEqual([
    200,
    { ...before, ...erased, version: 2, updatedAt: got.json.updatedAt },
  ]);
  expect(got.headers.get("etag")).not.toBe(headers.get("etag"));
  const list = await call("customers.list", as(tenant));
  expect(list.json.data.find(({ id }: { id: string }) => id === before.id)).toEqual(got.json);
  for (const body of [{ name: person.name }, { email: person.email }, { phone: person.phone }]) {
    const found = await call("customers.search", { ...as(tenant), body });
    expect([found.status, found.json.data], JSON.stringify(body)).toEqual([200, []]);
  }
  expect(
    (await call("orders.get", { ...as(tenant), params: { orderId: order.json.id } })).json.customerId,
  ).toBe(before.id);
  const removed = await call("customers.remove", { ...as(tenant), params: { customerId: before.id } });
  expect([removed.status, removed.json]).toMatchObject([200, erased]);
  const restored = await call("customers.restore", {
    ...as(tenant),
    params: { customerId: before.id },
    headers: { "Idempotency-Key": "again" },
  });
  expect([restored.status, restored.json]).toMatchObject([200, erased]);
  expect(await failures(tenant)).toEqual([]);
});

test("their audit stays, as the envelopes that nothing opens; a principal's address is gone with their key", async () => {
  const tenant = await newTenant();
  const headers = { "User-Agent": "Quartermain/1" };
  const { id } = (await call("customers.create", { ...as(tenant), body: person, headers })).json;
  const [before] = await audited(tenant, id);
  expect([before.row.name, before.userAgent]).toEqual([expect.stringMatching(/^v1\.sky_/), "Quartermain/1"]);
  await destroy(tenant, id);
  const rows = await audited(tenant, id);
  expect(rows.map(({ action }: { action: string }) => action)).toEqual(["note", "created"]);
  expect(rows[1]).toEqual(before);
  await destroy(tenant, tenant.keyId);
  expect((await audited(tenant, id))[1]).toEqual({ ...before, ip: null, userAgent: null });
});

test("nothing is sealed for them any more: a change is refused and writes nothing", async () => {
  const tenant = await newTenant();
  const id = await customerOf(tenant);
  await destroy(tenant, id);
  const before = await written();
  for (const body of [{ name: "Again" }, { note: "Again" }, { email: "again@example.com" }])
    expectErased(await call("customers.update", { ...as(tenant), params: { customerId: id }, body }));
  expectErased(await newFile(tenant, id));
  expect(grown(before, await written())).toEqual({});
});

test("a request that had their key at hand when it was destroyed is refused too", async () => {
  const tenant = await newTenant();
  const id = await customerOf(tenant);
  let isDone = false;
  const { database } = tenant.cell;
  const env = envWith({
    CELL_US1: tapped(database, async (texts, run) => {
      const isCommit = texts.some((text) => text.startsWith('insert into "commits"'));
      if (isCommit && !isDone) {
        isDone = true;
        await destroy(tenant, id);
      }
      return await run();
    }),
  });
  expectErased(await newFile(tenant, id, env));
  expect(isDone).toBe(true);
  expect(
    await rowsOf(
      database,
      "select id from files where tenant_id = ? and customer_id = ?",
      tenant.tenantId,
      id,
    ),
  ).toEqual([]);
});

test("a change under way when they are erased does not bring their token back", async () => {
  const tenant = await newTenant();
  const id = await customerOf(tenant);
  let isDone = false;
  const { database } = tenant.cell;
  const env = envWith({
    CELL_US1: tapped(database, async (texts, run) => {
      if (!isDone && texts.some((text) => text.startsWith('update "customers"'))) {
        isDone = true;
        await destroy(tenant, id);
      }
      return await run();
    }),
  });
  const body = { email: "back@example.com" };
  expectErased(await call("customers.update", { ...as(tenant), params: { customerId: id }, body, env }));
  expect(isDone).toBe(true);
  expect(
    await rowsOf(
      database,
      "select email_token from customers where tenant_id = ? and id = ?",
      tenant.tenantId,
      id,
    ),
  ).toEqual([{ email_token: null }]);
});

test("a key that is gone without a tombstone is a fault, and not an erasure", async () => {
  const tenant = await newTenant();
  const id = await customerOf(tenant);
  await tenant.cell.database
    .prepare("delete from subject_keys where tenant_id = ? and subject_id = ?")
    .bind(tenant.tenantId, id)
    .run();
  expect((await get(tenant, id)).status).toBe(500);
  expect(await failures(tenant)).toMatchObject([{ entity_id: id }]);
});

test("a tombstone is never changed, withdrawn or replaced, in a cell and in the directory, and no key stands beside it", async () => {
  const tenant = await newTenant();
  const id = await customerOf(tenant);
  await destroy(tenant, id);
  const user = newId("usr");
  const { DIRECTORY } = testEnv();
  const run = { job: "test.destroy", requestId: newId("run"), now: Date.now() };
  const ofPlatform = { tenantId: "platform", subjectId: user, destroyedAt: timestamp(run.now) };
  expect(await destroySubject(DIRECTORY, ofPlatform, run)).toBe("destroyed");
  const values = "(tenant_id, subject_id, destroyed_at) values (?1, ?2, 'forged')";
  for (const [database, ...ids] of [
    [tenant.cell.database, tenant.tenantId, id],
    [DIRECTORY, "platform", user],
  ] as const) {
    for (const text of [
      "update subject_tombstones set destroyed_at = '' where tenant_id = ?1 and subject_id = ?2",
      "delete from subject_tombstones where tenant_id = ?1 and subject_id = ?2",
      `replace into subject_tombstones ${values}`,
      `insert or ignore into subject_tombstones ${values}`,
      `insert into subject_tombstones ${values} on conflict do update set destroyed_at = ''`,
    ])
      await expect(
        database
          .prepare(text)
          .bind(...ids)
          .run(),
        text,
      ).rejects.toThrow("tombstones-are-append-only");
    const key = "(tenant_id, subject_id, id, wrapped, created_at) values (?1, ?2, 'sky_x', '', '')";
    for (const verb of ["insert", "insert or replace", "insert or ignore"])
      await expect(
        database
          .prepare(`${verb} into subject_keys ${key}`)
          .bind(...ids)
          .run(),
        verb,
      ).rejects.toThrow("subject-erased");
  }
});

test("in an older copy of the database they can be read again, until the tombstones are replayed", async () => {
  const tenant = await newTenant();
  const [id, other] = [await customerOf(tenant), await customerOf(tenant)];
  const consent = { params: { customerId: id }, body: { fields: ["name"], obtained: "online" } };
  expect((await call("customer-consent.give", { ...as(tenant), ...consent })).status).toBe(200);
  // The other cell has the same tables and none of this tenant's rows: there lies the copy of before.
  const copy = testEnv().CELL_EU1 as D1Database;
  await copyRows(tenant, copy);
  await destroy(tenant, id);
  const kept = await tombstonesOf(tenant.cell.database, tenant.tenantId);
  expect(kept).toMatchObject([{ subjectId: id }]);

  const env = envWith({ CELL_US1: copy });
  const read = (customerId: string) => call("customers.get", { ...as(tenant), params: { customerId }, env });
  expect((await read(id)).json).toMatchObject(person);
  const run = { job: "test.replay", requestId: newId("run"), now: Date.now() };
  const stranger = { tenantId: newId("ten"), subjectId: id, destroyedAt: timestamp(run.now) };
  expect(await replayTombstones(copy, [...kept, stranger], run)).toEqual({
    destroyed: 1,
    "destroyed-before": 0,
    "no-such-tenant": 1,
  });
  expect(await replayTombstones(copy, kept, run)).toMatchObject({ destroyed: 0, "destroyed-before": 1 });
  expect((await read(id)).json).toMatchObject(erased);
  const tokens = "select id, identity_token as token from customer_consents where tenant_id = ? and id = ?";
  expect(await rowsOf(copy, tokens, tenant.tenantId, id)).toEqual([{ id, token: null }]);
  expect((await read(other)).json).toMatchObject(person);
  expect(await tombstonesOf(copy, tenant.tenantId)).toEqual(kept);
  const keys = "select subject_id from subject_keys where tenant_id = ? and subject_id in (?, ?)";
  expect(await rowsOf(copy, keys, tenant.tenantId, id, other)).toEqual([{ subject_id: other }]);
});

test("a key that an older copy of its table alone brought back goes again", async () => {
  const tenant = await newTenant();
  const id = await customerOf(tenant);
  const { database } = tenant.cell;
  const keyOf = (table: string) =>
    rowsOf<Record<string, string>>(
      database,
      `select * from ${table} where tenant_id = ? and subject_id = ?`,
      tenant.tenantId,
      id,
    );
  const [key] = await keyOf("subject_keys");
  await destroy(tenant, id);
  const [trigger] = await rowsOf<{ sql: string }>(
    database,
    "select sql from sqlite_master where name = 'subject_keys_refuse_destroyed'",
  );
  // As an import does, before it makes the triggers.
  await database.batch([
    database.prepare("drop trigger subject_keys_refuse_destroyed"),
    insertion(database, "subject_keys", key ?? {}),
    database.prepare(trigger?.sql ?? ""),
  ]);
  expect((await get(tenant, id)).json).toMatchObject({ note: person.note });
  const run = { job: "test.replay", requestId: newId("run"), now: Date.now() };
  expect(await replayTombstones(database, await tombstonesOf(database, tenant.tenantId), run)).toMatchObject({
    destroyed: 1,
  });
  expect((await get(tenant, id)).json).toMatchObject(erased);
  expect(await keyOf("subject_keys")).toEqual([]);
});

async function customerOf(tenant: TestTenant): Promise<string> {
  return (await createCustomer(tenant)).json.id;
}

function destroy({ cell, tenantId }: TestTenant, subjectId: string) {
  const now = Date.now();
  const run = { job: "test.destroy", requestId: newId("run"), now };
  return destroySubject(cell.database, { tenantId, subjectId, destroyedAt: timestamp(now) }, run);
}

function get(tenant: TestTenant, customerId: string): Promise<Answer> {
  return call("customers.get", { ...as(tenant), params: { customerId } });
}

async function audited(tenant: TestTenant, entityId: string) {
  return (await call("audit.list", { ...as(tenant), query: { entityId } })).json.data;
}

function newFile(tenant: TestTenant, customerId: string, env = testEnv()): Promise<Answer> {
  const body = { customerId, name: "plan.pdf", mediaType: "application/pdf" };
  return call("files.create", { ...as(tenant), body, env });
}

function expectErased({ status, json }: Answer): void {
  expect([status, json.type]).toEqual([409, "/problems/subject-erased"]);
}

function failures({ cell, tenantId }: TestTenant) {
  return rowsOf(
    cell.database,
    "select * from audit_log where tenant_id = ? and operation = 'vault.open'",
    tenantId,
  );
}

async function tombstonesOf(database: D1Database, tenantId: string): Promise<Tombstone[]> {
  return await rowsOf<{ tenantId: string; subjectId: string; destroyedAt: string }>(
    database,
    "select tenant_id as tenantId, subject_id as subjectId, destroyed_at as destroyedAt from subject_tombstones where tenant_id = ?",
    tenantId,
  );
}

/** All that the tenant has, but for the words of the index, which FTS5 does not give back. */
async function copyRows({ cell, tenantId }: TestTenant, copy: D1Database): Promise<void> {
  const insertions: D1PreparedStatement[] = [copy.prepare("pragma defer_foreign_keys = on")];
  for (const table of await tablesOf(cell.id, cell.database)) {
    if (["commit_guard"].includes(table) || table.startsWith("search_index")) continue;
    const rows = await rowsOf(cell.database, `select * from "${table}" where tenant_id = ?`, tenantId);
    for (const { number, ...row } of rows)
      insertions.push(
        insertion(copy, table, table === "search_rows" || number === undefined ? row : { ...row, number }),
      );
  }
  await copy.batch(insertions);
}

function insertion(database: D1Database, table: string, row: Readonly<Record<string, unknown>>) {
  const columns = Object.keys(row);
  const text = `insert into "${table}" (${columns.map((name) => `"${name}"`).join(", ")}) values (${columns.map(() => "?").join(", ")})`;
  return database.prepare(text).bind(...columns.map((name) => row[name]));
}
