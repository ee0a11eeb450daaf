import { afterEach, expect, test, vi } from "vitest";
import { dayMs, hourMs, minuteMs } from "#lib/time.ts";
import type { Files } from "#platform/cells.ts";
import { testEnv } from "#test/env.ts";
import { envWith, newTenant, proxied, rowsOf, type TestTenant } from "#test/world.ts";
import {
  announced,
  ask,
  bucketOf,
  download,
  eventsOf,
  expectBytes,
  getFile,
  intentsOf,
  objectsOf,
  pdf,
  put,
  rowsLeft,
  sweep,
} from "./kit.ts";

afterEach(() => void vi.useRealTimers());

/** The bucket, dying once around the put. */
function dying(tenant: TestTenant, when: "before" | "after"): Files {
  return proxied(bucketOf(tenant), {
    async put(key: string, value: ReadableStream, options: R2PutOptions) {
      if (when === "after") await bucketOf(tenant).put(key, value, options);
      throw new Error("killed");
    },
  });
}

for (const when of ["before", "after"] as const) {
  test(`killed ${when} the bytes were stored, the client may send them again at once, and nothing is left over`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const fileId = await announced(tenant);
    const killed = await put(tenant, fileId, pdf(), { env: envWith({ FILES_US1: dying(tenant, when) }) });
    expect([killed.status, killed.headers.get("retry-after")]).toEqual([502, "5"]);
    expect(await objectsOf(tenant)).toHaveLength(when === "after" ? 1 : 0);
    expect(await intentsOf(tenant)).toEqual(["files.upload intended"]);
    expect((await put(tenant, fileId, pdf(1000, 2))).status).toBe(200);
    vi.setSystemTime(Date.now() + 36 * minuteMs);
    await sweep(tenant);
    expect(await intentsOf(tenant)).toEqual(["files.upload abandoned", "files.upload settled"]);
    expect(await objectsOf(tenant)).toHaveLength(1);
    await expectBytes(await download(tenant, fileId), pdf(1000, 2));
  });
}

test("a file that nobody finished is swept after 24 hours: no row, no object", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  await put(tenant, fileId, pdf(), { env: envWith({ FILES_US1: dying(tenant, "after") }) });
  vi.setSystemTime(Date.now() + 23 * hourMs);
  await sweep(tenant);
  expect((await rowsLeft(tenant)).files).toBe(1);
  vi.setSystemTime(Date.now() + hourMs);
  await sweep(tenant);
  expect([await rowsLeft(tenant), await objectsOf(tenant)]).toEqual([{ files: 0, parts: 0 }, []]);
  expect((await ask(tenant, "files.get", { params: { fileId } })).status).toBe(404);
  expect(await eventsOf(tenant, fileId)).toEqual(["file.created"]);
});

test("an upload that outlives its file leaves nothing", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const files = proxied(bucketOf(tenant), {
    async put(key: string, value: ReadableStream, options: R2PutOptions) {
      reached.resolve();
      await held.promise;
      return await bucketOf(tenant).put(key, value, options);
    },
  });
  const slow = put(tenant, fileId, pdf(), { env: envWith({ FILES_US1: files }) });
  await reached.promise;
  await ask(tenant, "files.remove", { params: { fileId } });
  await sweep(tenant);
  expect((await rowsLeft(tenant)).files).toBe(0);
  held.resolve();
  expect((await slow).json.type).toBe("/problems/file-not-pending");
  expect(await objectsOf(tenant)).toEqual([]);
});

test("an upload that the sweeper has undone takes its late bytes back", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const files = proxied(bucketOf(tenant), {
    async put(key: string, value: ReadableStream, options: R2PutOptions) {
      reached.resolve();
      await held.promise;
      return await bucketOf(tenant).put(key, value, options);
    },
  });
  const slow = put(tenant, fileId, pdf(), { env: envWith({ FILES_US1: files }) });
  await reached.promise;
  vi.setSystemTime(Date.now() + 36 * minuteMs);
  await sweep(tenant);
  held.resolve();
  expect((await slow).status).toBe(409);
  expect(await objectsOf(tenant)).toEqual([]);
  expect((await put(tenant, fileId, pdf())).status).toBe(200);
});

test("pending files that were deleted are swept at once, and their sweeping is in the audit", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  await ask(tenant, "files.remove", { params: { fileId } });
  await sweep(tenant, testEnv());
  const audit = await rowsOf(
    tenant.cell.database,
    "select operation, action, actor_kind from audit_log where tenant_id = ? and entity_id = ? order by seq",
    tenant.tenantId,
    fileId,
  );
  expect(audit).toEqual([
    { operation: "files.create", action: "created", actor_kind: "api-key" },
    { operation: "files.remove", action: "updated", actor_kind: "api-key" },
    { operation: "jobs.purge-file", action: "updated", actor_kind: "system" },
    { operation: "jobs.purge-file", action: "deleted", actor_kind: "system" },
  ]);
});

test("a sweeper that dies half-way is followed by another, and nothing is restored meanwhile", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  await put(tenant, fileId, pdf());
  await ask(tenant, "files.remove", { params: { fileId } });
  vi.setSystemTime(Date.now() + 30 * dayMs);
  const broken = proxied(bucketOf(tenant), { delete: () => Promise.reject(new Error("killed")) });
  await sweep(tenant, envWith({ FILES_US1: broken }));
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "purging" });
  expect((await ask(tenant, "files.restore", { params: { fileId } })).status).toBe(409);
  await sweep(tenant);
  expect((await rowsLeft(tenant)).files, "claimed still").toBe(1);
  vi.setSystemTime(Date.now() + 21 * minuteMs);
  await sweep(tenant);
  expect([await rowsLeft(tenant), await objectsOf(tenant)]).toEqual([{ files: 0, parts: 0 }, []]);
  expect(await eventsOf(tenant, fileId)).toEqual([
    "file.created",
    "file.uploaded",
    "file.deleted",
    "file.purged",
  ]);
});
