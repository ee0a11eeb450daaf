import { expect, test } from "vitest";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { announced, ask, call, download, eventsOf, getFile, listed, pdf, uploaded } from "./kit.ts";

const line = { description: "Banner", quantityThousandths: 1000, unitPrice: 100 };

async function orderOf(tenant: TestTenant, given: object = {}): Promise<string> {
  const [customerId] = tenant.customerIds;
  const [locationId] = tenant.locationIds;
  const body = { customerId, locationId, lines: [line], ...given };
  return (await ask(tenant, "orders.create", { body })).json.id;
}

function changed(tenant: TestTenant, fileId: string, body: object, headers: Record<string, string> = {}) {
  return ask(tenant, "files.update", { params: { fileId }, body, headers });
}

test("a file is renamed, and handed out under its new name", async () => {
  const tenant = await newTenant();
  const fileId = await uploaded(tenant);
  const before = await getFile(tenant, fileId);
  const answer = await changed(tenant, fileId, { name: "Whitfield final.pdf" });
  expect([answer.status, answer.json]).toEqual([
    200,
    { ...before, name: "Whitfield final.pdf", version: before.version + 1, updatedAt: expect.any(String) },
  ]);
  expect((await download(tenant, fileId)).headers.get("content-disposition")).toContain("Whitfield final");
  expect(await eventsOf(tenant, fileId)).toEqual(["file.created", "file.uploaded", "file.updated"]);
  const rows = await rowsOf(tenant.cell.database, "select * from files where id = ?", fileId);
  expect(JSON.stringify(rows)).not.toContain("Whitfield");
});

test("a customer's file is attached to an order of theirs, and its events and audit go with it", async () => {
  const tenant = await newTenant();
  const [customerId] = tenant.customerIds;
  const [, locationId] = tenant.locationIds;
  const fileId = await announced(tenant, { orderId: undefined, customerId });
  const orderId = await orderOf(tenant, { locationId });
  expect((await changed(tenant, fileId, { orderId })).json).toMatchObject({ orderId, customerId });
  expect(await listed(tenant, { orderId })).toEqual([fileId]);
  const { database } = tenant.cell;
  const events = "select location_id from events where tenant_id = ? and type = 'file.updated'";
  expect(await rowsOf(database, events, tenant.tenantId)).toEqual([{ location_id: locationId }]);
  const audit = "select location_id from audit_log where entity_id = ? and operation = 'files.update'";
  expect(await rowsOf(database, audit, fileId)).toEqual([{ location_id: locationId }]);
  expect((await changed(tenant, fileId, { orderId: null })).json).toMatchObject({
    orderId: null,
    customerId,
  });
  expect(await listed(tenant, { orderId })).toEqual([]);
});

test("a file is not attached to another customer's order, and a deleted one not changed at all", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  const orderId = await orderOf(tenant, { customerId: tenant.customerIds[1] });
  const answer = await changed(tenant, fileId, { orderId });
  expect([answer.status, answer.json.errors[0].pointer]).toEqual([422, "/orderId"]);
  expect(await getFile(tenant, fileId)).toMatchObject({ orderId: tenant.orderId, version: 1 });
  await ask(tenant, "files.remove", { params: { fileId } });
  expect((await changed(tenant, fileId, { name: "x.pdf" })).json.type).toBe("/problems/file-deleted");
});

test("a change is held to a version, and takes no name that a file cannot have", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  expect((await changed(tenant, fileId, { name: "x.pdf" }, { "If-Match": '"2"' })).status).toBe(412);
  expect((await changed(tenant, fileId, { name: "../x" })).json.errors[0].pointer).toBe("/name");
  expect((await changed(tenant, fileId, { name: "x.pdf" }, { "If-Match": '"1"' })).status).toBe(200);
});

test("who is limited attaches files to orders within reach, and leaves none without", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const fileId = await uploaded(tenant, pdf(), { orderId: await orderOf(tenant, { locationId: here }) });
  const as = await memberToken(tenant, "manager");
  const places = await rowsOf(
    tenant.cell.database,
    "select location_id from member_locations where tenant_id = ? and member_id = ?",
    tenant.tenantId,
    tenant.memberIds.manager,
  );
  expect(places).toEqual([{ location_id: here }]);
  const attach = (orderId: string | null) =>
    call("files.update", { tenant: tenant.slug, as, params: { fileId }, body: { orderId } });
  for (const orderId of [await orderOf(tenant, { locationId: there }), null]) {
    const answer = await attach(orderId);
    expect([answer.status, answer.json.errors[0].pointer]).toEqual([422, "/orderId"]);
  }
  expect((await attach(await orderOf(tenant, { locationId: here }))).status).toBe(200);
});
