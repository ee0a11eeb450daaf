import { expect, test } from "vitest";
import { destroySubject } from "#db/destroy-subject.ts";
import { cellKinds } from "#db/retention.ts";
import { deleteExpired } from "#jobs/retention.ts";
import { dayMs, minuteMs, timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { as, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { endpointAt, failing, idsOf, keyWith, listening, only, orderAt, taken } from "./kit.ts";

const { call } = clientOf();

test("what is sent of a person lies under that person's key, and is gone with it", async () => {
  const { sim, tenant, ask } = await listening(
    ["customer.created"],
    (request) => new Response(request.body, { status: 500 }),
  );
  const created = await call("customers.create", {
    ...as(tenant),
    body: { name: "Ada Lovelace" },
    env: sim.env,
  });
  await sim.run(minuteMs);
  expect((await only(ask)).attempts[0].excerpt).toContain("Ada Lovelace");
  const tables = ["webhook_bodies", "webhook_deliveries", "webhook_attempts"];
  const [bodies, ...others] = await Promise.all(
    tables.map((table) =>
      rowsOf(tenant.cell.database, `select * from ${table} where tenant_id = ?`, tenant.tenantId),
    ),
  );
  expect(JSON.stringify([bodies, ...others])).not.toContain("Lovelace");
  expect(bodies).toEqual([
    expect.objectContaining({ subject_id: created.json.id, body: expect.stringMatching(/^v1\.sky_/) }),
  ]);
  await destroy(tenant, created.json.id);
  const before = sim.delivered.length;
  await sim.run(10 * minuteMs);
  expect(sim.delivered).toHaveLength(before);
  const delivery = await only(ask);
  expect(delivery).toMatchObject({ state: "failed", outcome: "unreadable" });
  for (const { excerpt } of delivery.attempts) expect(excerpt).toBeNull();
});

test("what happens to somebody who was erased is told by ids alone", async () => {
  const { sim, tenant } = await listening(["customer.deleted"], taken);
  const { json } = await call("customers.create", { ...as(tenant), body: { name: "Ada Lovelace" } });
  await destroy(tenant, json.id);
  await call("customers.remove", { ...as(tenant), params: { customerId: json.id }, env: sim.env });
  await sim.run(minuteMs);
  expect(sim.delivered.map(({ body }) => JSON.parse(body).data)).toEqual([{ customerId: json.id }]);
  const failures = "select 1 from audit_log where tenant_id = ? and operation = 'vault.open'";
  expect(await rowsOf(tenant.cell.database, failures, tenant.tenantId)).toEqual([]);
});

test("a key that is gone without a tombstone is told, and what was sent does not read as if nothing had been", async () => {
  const { sim, tenant, ask } = await listening(["customer.created"], failing);
  const { database } = tenant.cell;
  const { json } = await call("customers.create", {
    ...as(tenant),
    body: { name: "Ada Lovelace" },
    env: sim.env,
  });
  await sim.run(minuteMs);
  const [{ id: deliveryId }] = (await ask("deliveries", {})).json.data;
  await database
    .prepare("delete from subject_keys where tenant_id = ? and subject_id = ?")
    .bind(tenant.tenantId, json.id)
    .run();
  expect((await ask("delivery", { params: { deliveryId } })).status).toBe(500);
  await sim.run(10 * minuteMs);
  const [delivery] = (await ask("deliveries", {})).json.data;
  expect(delivery).toMatchObject({ state: "failed", outcome: "unreadable" });
  expect(await unopened(tenant)).toEqual([
    ["webhook_attempts", "excerpt", "wrong-key"],
    ["webhook_bodies", "body", "wrong-key"],
  ]);
});

test("what lies under a tenant's key that is not among its own is told", async () => {
  const { sim, tenant, ask } = await listening(["order.created"], failing);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  const [{ id: deliveryId }] = (await ask("deliveries", {})).json.data;
  for (const [table, column] of [
    ["webhook_bodies", "body"],
    ["webhook_attempts", "excerpt"],
  ]) {
    const { meta } = await tenant.cell.database
      .prepare(`update ${table} set ${column} = 'v1.tky_other' || substr(${column}, 34) where tenant_id = ?`)
      .bind(tenant.tenantId)
      .run();
    expect(meta.changes).toBeGreaterThan(0);
  }
  expect((await ask("delivery", { params: { deliveryId } })).status).toBe(500);
  await sim.run(10 * minuteMs);
  expect(await unopened(tenant)).toEqual([
    ["webhook_attempts", "excerpt", "wrong-key"],
    ["webhook_bodies", "body", "wrong-key"],
  ]);
});

async function unopened({ cell, tenantId }: TestTenant): Promise<unknown[]> {
  const rows = await rowsOf<{ row: string }>(
    cell.database,
    "select row from audit_log where tenant_id = ? and operation = 'vault.open' order by seq",
    tenantId,
  );
  const told = rows.map(({ row }) => JSON.parse(row));
  return told.map(({ table, column, reason }) => [table, column, reason]);
}

function destroy({ cell, tenantId }: TestTenant, subjectId: string) {
  const now = Date.now();
  const run = { job: "test.destroy", requestId: newId("run"), now };
  return destroySubject(cell.database, { tenantId, subjectId, destroyedAt: timestamp(now) }, run);
}

test("who may not read what was sent does not read it from what the receiver answered", async () => {
  const { sim, tenant, ask } = await listening(
    ["customer.created"],
    (request) => new Response(request.body, { status: 500 }),
  );
  await call("customers.create", { ...as(tenant), body: { name: "Ada Lovelace" }, env: sim.env });
  await sim.run(minuteMs);
  const limited = await keyWith(tenant, ["integrations:manage"]);
  const [{ id: deliveryId }] = (await ask("deliveries", {})).json.data;
  const seen = await ask("delivery", { as: limited.key, params: { deliveryId } });
  expect(seen.json.attempts.length).toBeGreaterThan(0);
  expect(seen.text).not.toContain("Lovelace");
});

test("one body is kept for however many it is sent to, and each is sent the same bytes", async () => {
  const { sim, tenant } = await listening(["order.placed"], taken);
  const hosts = ["shop.example", "third.example", "watch.example"];
  for (const host of hosts.slice(1)) await endpointAt(sim, tenant, host, ["order.placed"], taken);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  expect(sim.delivered.map(({ url }) => new URL(url).host).toSorted()).toEqual(hosts);
  expect(new Set(sim.delivered.map(({ body }) => body)).size).toBe(1);
  expect(new Set(idsOf(sim.delivered)).size).toBe(3);
  expect(
    await rowsOf(
      tenant.cell.database,
      "select event_seq from webhook_bodies where tenant_id = ?",
      tenant.tenantId,
    ),
  ).toHaveLength(1);
});

test("deliveries and tries are kept for thirty days, and what still waits for longer, with its body", async () => {
  const { sim, tenant } = await listening(["order.placed"], taken);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  sim.receivers.set("shop.example", failing);
  await orderAt(sim, tenant);
  await sim.run(minuteMs);
  const kept = async (afterMs: number) => {
    await deleteExpired(tenant.cell.database, Date.now() + afterMs, cellKinds);
    const counts = ["webhook_deliveries", "webhook_attempts", "webhook_bodies"].map(
      async (table) =>
        (await rowsOf(tenant.cell.database, `select 1 from ${table} where tenant_id = ?`, tenant.tenantId))
          .length,
    );
    return await Promise.all(counts);
  };
  expect(await kept(30 * dayMs - 3 * minuteMs)).toEqual([2, 3, 2]);
  expect(await kept(30 * dayMs)).toEqual([1, 0, 2]);
  expect(await kept(45 * dayMs)).toEqual([1, 0, 0]);
});

test("the bodies of two tenants' events of one number are two: in a try as it is read, and when one is old enough", async () => {
  const { sim, tenant, ask } = await listening(["order.placed"], taken);
  const other = await newTenant();
  await endpointAt(sim, other, "other.example", ["order.placed"], taken);
  for (const each of [tenant, other]) await orderAt(sim, each);
  await sim.run(minuteMs);
  const { database } = tenant.cell;
  const kept = async ({ tenantId }: TestTenant) => [
    await rowsOf(database, "select seq from events where tenant_id = ? order by seq", tenantId),
    await rowsOf(database, "select event_seq from webhook_bodies where tenant_id = ?", tenantId),
  ];
  const theirs = await kept(other);
  expect(await kept(tenant)).toEqual(theirs);
  expect((await only(ask)).attempts).toHaveLength(1);
  for (const table of ["events", "webhook_bodies"])
    await rowsOf(database, `update ${table} set created_at = '2020' where tenant_id = ?`, tenant.tenantId);
  await deleteExpired(database, Date.now(), cellKinds);
  expect(await kept(tenant)).toEqual([[], []]);
  expect(await kept(other)).toEqual(theirs);
});
