import { beforeAll, expect, test } from "vitest";
import { tenantFiles } from "#platform/tenant-files.ts";
import { type Call, clientOf } from "#test/client.ts";
import { absentLike } from "#test/examples.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { announced, ask, begun, bucketOf, MiB5, objectsOf, pdf, uploaded } from "./kit.ts";

const { call } = clientOf();
let tenant: TestTenant;
let foreign: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
  foreign = await newTenant();
});

/** Every operation on a file, with what it takes besides the file's id. */
const onFile: Readonly<Record<string, Call>> = {
  "files.get": {},
  "files.update": { body: { name: "x.pdf" } },
  "files.download": {},
  "files.upload": { bytes: pdf() },
  "files.revise": { body: { mediaType: "application/pdf" } },
  "files.begin": { body: { size: 1000, partSize: MiB5 } },
  "files.uploadPart": { params: { number: "1" }, bytes: pdf() },
  "files.parts": {},
  "files.complete": {},
  "files.remove": {},
  "files.restore": {},
};

function on(name: string, fileId: string, as: string, slug = tenant.slug) {
  const given = onFile[name];
  return call(name, { tenant: slug, as, ...given, params: { ...given?.params, fileId } });
}

for (const name of Object.keys(onFile)) {
  test(`${name}: another tenant's file, an absent and a malformed one are answered alike`, async () => {
    const theirs = name.includes("art") ? await begun(foreign, 1000) : await uploaded(foreign);
    const before = await stateOf(foreign);
    for (const id of [theirs, absentLike(theirs), "x", "fil_", theirs.toUpperCase()]) {
      const answer = await on(name, id, tenant.key);
      expect([id, answer.status, answer.json.type]).toEqual([id, 404, "/problems/not-found"]);
    }
    expect(await stateOf(foreign)).toEqual(before);
  });
}

async function stateOf({ cell, tenantId }: TestTenant) {
  return await rowsOf(cell.database, "select * from files where tenant_id = ? order by id", tenantId);
}

test("a file is not attached to what is another tenant's, and its lists find nothing of theirs", async () => {
  await uploaded(foreign);
  const body = { name: "x.pdf", mediaType: "application/pdf" };
  for (const [pointer, id] of [
    ["/orderId", foreign.orderId],
    ["/customerId", foreign.customerIds[0] ?? ""],
  ] as const) {
    const create = (given: string) =>
      ask(tenant, "files.create", { body: { ...body, [pointer.slice(1)]: given } });
    const [theirs, absent] = [await create(id), await create(absentLike(id))];
    expect([theirs.status, theirs.json.errors]).toEqual([422, [expect.objectContaining({ pointer })]]);
    expect(absent.json.errors).toEqual(theirs.json.errors);
    const { json } = await ask(tenant, "files.list", { query: { [pointer.slice(1)]: id } });
    expect(json).toEqual({ data: [], nextCursor: null });
  }
});

test("who is limited to locations or to their own work reaches the files of those orders alone", async () => {
  const own = await newTenant();
  const [here, there] = own.locationIds;
  const order = async (locationId: string, assigneeId: string | null) => {
    const line = { description: "Banner", quantityThousandths: 1000, unitPrice: 100 };
    const body = { customerId: own.customerIds[0], locationId, assigneeId, lines: [line] };
    return (await ask(own, "orders.create", { body })).json.id;
  };
  const { installer } = own.memberIds;
  const ids = {
    hereMine: await uploaded(own, pdf(), { orderId: await order(here, installer) }),
    here: await uploaded(own, pdf(), { orderId: await order(here, null) }),
    thereMine: await uploaded(own, pdf(), { orderId: await order(there, installer) }),
    customers: await uploaded(own, pdf(), { orderId: undefined, customerId: own.customerIds[0] }),
  };
  const everything = "f".repeat(32);
  const { database } = own.cell;
  await database.batch([
    database.prepare("update members set grants = ? where tenant_id = ?").bind(everything, own.tenantId),
    database.prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?").bind(own.tenantId),
  ]);
  const places = await rowsOf<{ member_id: string; location_id: string }>(
    database,
    "select member_id, location_id from member_locations where tenant_id = ?",
    own.tenantId,
  );
  for (const role of ["manager", "installer"] as const) {
    const as = await memberToken(own, role);
    const mine = places.filter((place) => place.member_id === own.memberIds[role]);
    const reaches = (name: keyof typeof ids) => {
      if (name === "customers") return false;
      const location = name.startsWith("here") ? here : there;
      return (
        mine.some((place) => place.location_id === location) && (role === "manager" || name.endsWith("Mine"))
      );
    };
    expect(reaches("hereMine")).toBe(true);
    expect(Object.keys(ids).filter((name) => !reaches(name as keyof typeof ids)).length).toBeGreaterThan(0);
    const { json } = await call("files.list", { tenant: own.slug, as });
    const listed = json.data.map(({ id }: { id: string }) => id);
    for (const [name, id] of Object.entries(ids)) {
      const isReached = reaches(name as keyof typeof ids);
      expect([role, name, listed.includes(id)]).toEqual([role, name, isReached]);
      for (const operation of ["files.get", "files.download"])
        expect((await on(operation, id, as, own.slug)).status).toBe(isReached ? 200 : 404);
      if (!isReached)
        for (const operation of Object.keys(onFile))
          expect([operation, (await on(operation, id, as, own.slug)).status]).toEqual([operation, 404]);
    }
    const body = { name: "x.pdf", mediaType: "application/pdf" };
    const create = (given: object) =>
      call("files.create", { tenant: own.slug, as, body: { ...body, ...given } });
    expect((await create({ customerId: own.customerIds[0] })).json.errors[0].pointer).toBe("/orderId");
    const out = role === "installer" ? await order(here, null) : await order(there, null);
    expect((await create({ orderId: out })).json.errors[0].pointer).toBe("/orderId");
    expect((await create({ orderId: await order(here, installer) })).status).toBe(201);
  }
});

test("a file follows its order to another assignee", async () => {
  const own = await newTenant();
  const fileId = await uploaded(own);
  const as = await memberToken(own, "installer");
  const { database } = own.cell;
  await database.batch([
    database.prepare("update members set grants = ? where tenant_id = ?").bind("f".repeat(32), own.tenantId),
    database.prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?").bind(own.tenantId),
  ]);
  expect((await on("files.get", fileId, as, own.slug)).status).toBe(200);
  const body = { assigneeId: own.memberIds.designer };
  await ask(own, "orders.update", { params: { orderId: own.orderId }, body });
  expect((await on("files.get", fileId, as, own.slug)).status).toBe(404);
});

test("a bucket seen by one tenant does not name another's objects", async () => {
  await uploaded(foreign);
  const [theirs = ""] = await objectsOf(foreign);
  const files = tenantFiles(bucketOf(tenant), tenant.tenantId);
  const near = [theirs, `${tenant.tenantId}`, `${tenant.tenantId}x/y`, "", "/", `x${tenant.tenantId}/`];
  for (const key of near) {
    for (const reach of [
      () => files.get(key),
      () => files.head(key),
      () => files.put(key, "x"),
      () => files.delete(key),
      () => files.delete([`${tenant.tenantId}/x`, key]),
      () => files.list({ prefix: key }),
      () => files.createMultipartUpload(key),
      () => files.resumeMultipartUpload(key, "x"),
    ])
      expect(reach, key).toThrow("another tenant");
  }
  expect(await bucketOf(tenant).head(theirs)).not.toBe(null);
});

test("without files:write or files:read nothing is done", async () => {
  const fileId = await announced(tenant);
  const viewer = await memberToken(tenant, "viewer");
  const sales = await memberToken(tenant, "sales");
  for (const name of Object.keys(onFile)) {
    const isRead = ["files.get", "files.download", "files.parts"].includes(name);
    if (!isRead) expect((await on(name, fileId, viewer)).status).toBe(403);
    expect([name, (await on(name, fileId, sales)).status]).toEqual([name, 403]);
  }
});
