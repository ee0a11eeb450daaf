import { afterEach, expect, test, vi } from "vitest";
import { dayMs } from "#lib/time.ts";
import { newTenant, rowsOf } from "#test/world.ts";
import {
  announced,
  ask,
  download,
  eventsOf,
  expectBytes,
  getFile,
  listed,
  objectsOf,
  pdf,
  put,
  rowsLeft,
  sha256,
  sweep,
  uploaded,
} from "./kit.ts";

afterEach(() => void vi.useRealTimers());

test("a deleted file is not handed out, and is whole again when it is restored", async () => {
  const tenant = await newTenant();
  const fileId = await uploaded(tenant);
  const removed = await ask(tenant, "files.remove", { params: { fileId } });
  expect(removed.json).toMatchObject({ state: "ready", deletedAt: expect.any(String) });
  expect((await ask(tenant, "files.remove", { params: { fileId } })).json).toEqual(removed.json);
  expect((await download(tenant, fileId)).json.type).toBe("/problems/file-not-ready");
  expect(
    (await ask(tenant, "files.revise", { params: { fileId }, body: { mediaType: "application/pdf" } })).json
      .type,
  ).toBe("/problems/file-not-ready");
  for (const query of [{}, { orderId: tenant.orderId }, { customerId: tenant.customerIds[0] ?? "" }])
    expect(await listed(tenant, query)).toEqual([]);
  const restored = await ask(tenant, "files.restore", { params: { fileId } });
  expect([restored.status, restored.json.deletedAt]).toEqual([200, null]);
  expect((await ask(tenant, "files.restore", { params: { fileId } })).json).toEqual(restored.json);
  await expectBytes(await download(tenant, fileId), pdf());
  expect(await listed(tenant, { orderId: tenant.orderId })).toEqual([fileId]);
  expect(await eventsOf(tenant, fileId)).toEqual([
    "file.created",
    "file.uploaded",
    "file.deleted",
    "file.restored",
  ]);
});

test("a deleted file is purged after 30 days and not before, and a restored one never", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const [gone, kept] = [await uploaded(tenant), await uploaded(tenant, pdf(500))];
  for (const fileId of [gone, kept]) await ask(tenant, "files.remove", { params: { fileId } });
  await ask(tenant, "files.restore", { params: { fileId: kept } });
  vi.setSystemTime(Date.now() + 30 * dayMs - 1000);
  await sweep(tenant);
  expect(await objectsOf(tenant)).toHaveLength(2);
  vi.setSystemTime(Date.now() + 1000);
  await sweep(tenant);
  expect(await rowsLeft(tenant)).toEqual({ files: 1, parts: 0 });
  expect(await objectsOf(tenant)).toHaveLength(1);
  expect((await ask(tenant, "files.get", { params: { fileId: gone } })).status).toBe(404);
  await expectBytes(await download(tenant, kept), pdf(500));
  expect(await eventsOf(tenant, gone)).toEqual([
    "file.created",
    "file.uploaded",
    "file.deleted",
    "file.purged",
  ]);
});

test("what was never whole is not restored", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  await ask(tenant, "files.remove", { params: { fileId } });
  const answer = await ask(tenant, "files.restore", { params: { fileId } });
  expect([answer.status, answer.json.type]).toEqual([409, "/problems/file-not-ready"]);
  expect((await put(tenant, fileId, pdf())).json.type).toBe("/problems/file-not-pending");
});

test("files are listed newest first, page by page, by customer, order or document", async () => {
  const tenant = await newTenant();
  const [one, two] = tenant.customerIds;
  const ofOrder = [await announced(tenant), await announced(tenant)];
  const ofCustomer = [
    await announced(tenant, { orderId: undefined, customerId: one }),
    await announced(tenant, { orderId: undefined, customerId: two }),
  ];
  const all = [...ofOrder, ...ofCustomer].toSorted().toReversed();
  expect(await listed(tenant, {})).toEqual(all);
  expect(await listed(tenant, { orderId: tenant.orderId })).toEqual(ofOrder.toReversed());
  expect(await listed(tenant, { customerId: two ?? "" })).toEqual([ofCustomer[1]]);
  expect(await listed(tenant, { customerId: one ?? "" })).toEqual([ofCustomer[0], ...ofOrder.toReversed()]);
  const first = (await ask(tenant, "files.list", { query: { limit: "3" } })).json;
  const rest = (await ask(tenant, "files.list", { query: { limit: "3", cursor: first.nextCursor } })).json;
  expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual([...all, tenant.fileId]);
  expect(rest.nextCursor).toBe(null);
  const both = { orderId: tenant.orderId, customerId: one ?? "" };
  expect((await ask(tenant, "files.list", { query: both })).status).toBe(422);
});

test("a file belongs to an order or a customer that is there", async () => {
  const tenant = await newTenant();
  const body = { name: "x.pdf", mediaType: "application/pdf" };
  const [one, two] = tenant.customerIds;
  const create = (given: object) => ask(tenant, "files.create", { body: { ...body, ...given } });
  expect((await create({})).status).toBe(422);
  expect((await create({ orderId: tenant.orderId, customerId: one })).json).toMatchObject({
    customerId: one,
  });
  const other = await create({ orderId: tenant.orderId, customerId: two });
  expect([other.status, other.json.errors[0].pointer]).toEqual([422, "/customerId"]);
  await ask(tenant, "customers.remove", { params: { customerId: two ?? "" } });
  expect((await create({ customerId: two })).json.errors[0].pointer).toBe("/customerId");
});

test("If-Match holds deletion and restoration to a version, and a replay gives the same answer", async () => {
  const tenant = await newTenant();
  const fileId = await uploaded(tenant);
  const { version } = await getFile(tenant, fileId);
  const remove = (tag: string) =>
    ask(tenant, "files.remove", { params: { fileId }, headers: { "If-Match": tag } });
  expect((await remove(`"${version - 1}"`)).status).toBe(412);
  expect((await remove(`"${version}"`)).status).toBe(200);
  const body = { name: "Whitfield.pdf", mediaType: "application/pdf", orderId: tenant.orderId };
  const headers = { "Idempotency-Key": "one" };
  const [first, again] = [
    await ask(tenant, "files.create", { body, headers }),
    await ask(tenant, "files.create", { body, headers }),
  ];
  expect([again.text, again.headers.get("idempotency-replayed")]).toEqual([first.text, "true"]);
});

test("an answer that is kept for a replay lies sealed, also where nothing had to change", async () => {
  const tenant = await newTenant();
  const fileId = await uploaded(tenant, pdf(), { name: "Whitfield divorce.pdf" });
  const headers = { "Idempotency-Key": "restore" };
  const answer = await ask(tenant, "files.restore", { params: { fileId }, headers });
  expect(answer.json.name).toBe("Whitfield divorce.pdf");
  const rows = await rowsOf(
    tenant.cell.database,
    "select * from idempotency where tenant_id = ?",
    tenant.tenantId,
  );
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain("Whitfield");
  const replay = await ask(tenant, "files.restore", { params: { fileId }, headers });
  expect([replay.text, replay.headers.get("idempotency-replayed")]).toEqual([answer.text, "true"]);
});

test("the hash that a file ends with is its content's", async () => {
  const tenant = await newTenant();
  for (const size of [1, 9, 4096, 262_143, 262_144, 262_145, 524_288, 1_000_001]) {
    const bytes = pdf(size, size);
    const mediaType = size < 9 ? "application/octet-stream" : "application/pdf";
    const fileId = await uploaded(tenant, bytes, { mediaType });
    expect(await getFile(tenant, fileId)).toMatchObject({ size, sha256: await sha256(bytes) });
    await expectBytes(await download(tenant, fileId), bytes);
  }
});
