import { afterEach, expect, test, vi } from "vitest";
import { sweepFiles } from "#jobs/sweep-files.ts";
import { hourMs, minuteMs } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { cellOf } from "#platform/cells.ts";
import { testEnv } from "#test/env.ts";
import { envWith, newTenant, proxied, rowsOf, type TestTenant } from "#test/world.ts";
import {
  announced,
  bucketOf,
  complete,
  download,
  eventsOf,
  getFile,
  inParts,
  objectsOf,
  pdf,
  rowsLeft,
  sha256,
  sweep,
  threeParts,
} from "./kit.ts";

afterEach(() => void vi.useRealTimers());

test("a whole that is not as announced is rejected, its bytes deleted, and its row swept a day later", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const fileId = await inParts(tenant, { sha256: await sha256(pdf()) });
  expect((await complete(tenant, fileId)).json.state).toBe("checking");
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "rejected", rejection: "sha256-mismatch" });
  expect(await objectsOf(tenant)).toEqual([]);
  expect((await download(tenant, fileId)).status).toBe(409);
  expect(await eventsOf(tenant, fileId)).toEqual(["file.created", "file.rejected"]);
  vi.setSystemTime(Date.now() + 24 * hourMs);
  await sweep(tenant);
  expect([await rowsLeft(tenant), await objectsOf(tenant)]).toEqual([{ files: 0, parts: 0 }, []]);
});

test("a whole that has the hash which was announced is ready", async () => {
  const tenant = await newTenant();
  const fileId = await inParts(tenant, { sha256: await sha256(threeParts) });
  await complete(tenant, fileId);
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready", sha256: await sha256(threeParts) });
});

test("the whole is looked at again, whatever its first part looked like when it came", async () => {
  const tenant = await newTenant();
  const fileId = await inParts(tenant);
  await rowsOf(tenant.cell.database, "update files set media_type = 'image/png' where id = ?", fileId);
  await complete(tenant, fileId);
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({
    state: "rejected",
    rejection: "media-type-mismatch",
  });
  expect(await objectsOf(tenant)).toEqual([]);
});

test("an object that is gone before it was checked is told as lost", async () => {
  const tenant = await newTenant();
  const fileId = await inParts(tenant);
  await complete(tenant, fileId);
  await bucketOf(tenant).delete(await objectsOf(tenant));
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "rejected", rejection: "lost" });
});

test("a check that breaks off is tried again, and nothing is rejected for it", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const fileId = await inParts(tenant);
  await complete(tenant, fileId);
  const bucket = bucketOf(tenant);
  const files = proxied(bucket, {
    async get(key: string) {
      const object = await bucket.get(key);
      const { readable, writable } = new FixedLengthStream(threeParts.length);
      const writer = writable.getWriter();
      void writer.write(utf8("%PDF-")).then(() => writer.abort(new Error("lost")));
      return object && { size: object.size, body: readable };
    },
  });
  await sweep(tenant, envWith({ FILES_US1: files }));
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "checking" });
  vi.setSystemTime(Date.now() + 21 * minuteMs);
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready" });
});

test("of several sweepers at once one checks", async () => {
  const tenant = await newTenant();
  const fileId = await inParts(tenant);
  await complete(tenant, fileId);
  await Promise.all([1, 2, 3].map(() => sweep(tenant)));
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready" });
  expect(await eventsOf(tenant, fileId)).toEqual(["file.created", "file.uploaded"]);
});

/** Files to be checked that say they are of this size, and whose objects nobody has put anywhere. */
async function toCheck(tenant: TestTenant, count: number, size: number): Promise<() => Promise<number>> {
  const { cell, tenantId } = tenant;
  for (let made = 0; made < count; made += 1) {
    await rowsOf(
      cell.database,
      "update files set state = 'checking', size = ?, object = tenant_id || '/lost', sweep_at = '2020' where id = ?",
      size,
      await announced(tenant),
    );
  }
  const left = "select 1 from files where tenant_id = ? and state = 'checking'";
  return async () => (await rowsOf(cell.database, left, tenantId)).length;
}

test("one run checks as many bytes as it has time for, of every tenant in turn, and the next goes on", async () => {
  const [many, one] = [await newTenant(), await newTenant()];
  const left = {
    many: await toCheck(many, 3, 2_000_000_000),
    one: await toCheck(one, 1, 2_000_000_000),
  };
  const us1 = cellOf(testEnv(), "us1");
  if (!us1) throw new Error("There is no cell us1.");
  await sweepFiles(testEnv(), us1, Date.now());
  expect([await left.many(), await left.one()]).toEqual([2, 0]);
  await sweepFiles(testEnv(), us1, Date.now());
  expect([await left.many(), await left.one()]).toEqual([0, 0]);
});

test("a file that is larger than what one run may read is checked alone", async () => {
  const tenant = await newTenant();
  const left = await toCheck(tenant, 2, 9_000_000_000);
  await sweep(tenant);
  expect(await left()).toBe(0);
});

test("neither many files to be purged nor a large one to be checked keep another tenant's from their check", async () => {
  const [hog, tenant] = [await newTenant(), await newTenant()];
  const left = { hog: await toCheck(hog, 1, 5_000_000_000), tenant: await toCheck(tenant, 1, 50_000_000) };
  const template = await announced(hog);
  await rowsOf(
    hog.cell.database,
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 300)
     insert into files (tenant_id, id, version, created_at, updated_at, name, media_type, customer_id, order_id, document_id, revision, state, deleted_at, sweep_at)
     select tenant_id, id || '_' || i, 1, created_at, updated_at, name, media_type, customer_id, order_id, id || '_' || i, 1, 'pending', null, '2019' from files, n where id = ?`,
    template,
  );
  const us1 = cellOf(testEnv(), "us1");
  if (!us1) throw new Error("There is no cell us1.");
  await sweepFiles(testEnv(), us1, Date.now());
  expect([await left.hog(), await left.tenant()]).toEqual([0, 0]);
  await rowsOf(
    hog.cell.database,
    "delete from files where tenant_id = ? and id like '%\\_%\\_%' escape '\\'",
    hog.tenantId,
  );
});
