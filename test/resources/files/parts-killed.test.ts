import { afterEach, expect, test, vi } from "vitest";
import { hourMs, minuteMs } from "#lib/time.ts";
import type { Files } from "#platform/cells.ts";
import { isIntend, isSettle, killing } from "#test/deaths.ts";
import type { TestEnv } from "#test/env.ts";
import { envWith, newTenant, proxied, rowsOf, type TestTenant } from "#test/world.ts";
import {
  announced,
  ask,
  begun,
  bucketOf,
  complete,
  download,
  expectBytes,
  getFile,
  inParts,
  intentsOf,
  MiB5,
  objectsOf,
  putPart,
  rowsLeft,
  sha256,
  sweep,
  threeParts,
} from "./kit.ts";

afterEach(() => void vi.useRealTimers());

async function uploadOf(
  { cell }: TestTenant,
  fileId: string,
): Promise<{ object: string; upload_id: string }> {
  const [row] = await rowsOf<{ object: string; upload_id: string }>(
    cell.database,
    "select object, upload_id from files where id = ?",
    fileId,
  );
  if (!row) throw new Error("The file has no row.");
  return row;
}

test("an upload in parts that nobody finished is swept after 24 hours: no row, no part, no upload", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const fileId = await begun(tenant, threeParts.length);
  const { etag } = await partEtag(tenant, fileId);
  const { object, upload_id: uploadId } = await uploadOf(tenant, fileId);
  vi.setSystemTime(Date.now() + 23 * hourMs);
  await sweep(tenant);
  expect(await rowsLeft(tenant)).toEqual({ files: 1, parts: 1 });
  vi.setSystemTime(Date.now() + hourMs);
  await sweep(tenant);
  expect([await rowsLeft(tenant), await objectsOf(tenant)]).toEqual([{ files: 0, parts: 0 }, []]);
  const upload = bucketOf(tenant).resumeMultipartUpload(object, uploadId);
  await expect(upload.complete([{ partNumber: 1, etag }])).rejects.toThrow("10024");
  expect((await putPart(tenant, fileId, 2, threeParts)).status).toBe(404);
});

async function partEtag(tenant: TestTenant, fileId: string): Promise<{ etag: string }> {
  await putPart(tenant, fileId, 1, threeParts);
  const [row] = await rowsOf<{ etag: string }>(
    tenant.cell.database,
    "select etag from file_parts where file_id = ?",
    fileId,
  );
  return { etag: row?.etag ?? "" };
}

test("many parts are purged in several commits, each part with its audit row", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, 45 * MiB5);
  const { cell, tenantId } = tenant;
  await cell.database.batch(
    Array.from({ length: 45 }, (_, index) =>
      cell.database
        .prepare("insert into file_parts values (?, ?, ?, ?, 1, 'x', 'x', 1, 'x', 'x')")
        .bind(tenantId, `fpt_${index}`, fileId, index + 1),
    ),
  );
  await ask(tenant, "files.remove", { params: { fileId } });
  await sweep(tenant);
  expect(await rowsLeft(tenant)).toEqual({ files: 0, parts: 0 });
  const audit = await rowsOf(
    cell.database,
    "select 1 from audit_log where tenant_id = ? and entity = 'file-part' and action = 'deleted'",
    tenantId,
  );
  expect(audit).toHaveLength(45);
});

const overloaded = "D1_ERROR: D1 DB is overloaded.";

/** The bucket, failing once after this method of it, or of an upload in parts, has done its work. */
function failingAfter(tenant: TestTenant, method: "createMultipartUpload" | "complete"): TestEnv {
  const bucket = bucketOf(tenant);
  const files: Files = proxied(bucket, {
    ...(method === "createMultipartUpload" && {
      async createMultipartUpload(key: string) {
        await bucket.createMultipartUpload(key);
        throw new Error("killed");
      },
    }),
    ...(method === "complete" && {
      resumeMultipartUpload(key: string, uploadId: string) {
        const upload = bucket.resumeMultipartUpload(key, uploadId);
        return proxied(upload, {
          async complete(parts: R2UploadedPart[]) {
            await upload.complete(parts);
            throw new Error("killed");
          },
        });
      },
      head: () => Promise.reject(new Error("killed")),
    }),
  });
  return envWith({ FILES_US1: files });
}

const completions: readonly [when: string, env: (tenant: TestTenant) => TestEnv, isCommitted?: boolean][] = [
  ["after the intent", () => killing({ after: isIntend }, overloaded)],
  ["after R2 put the parts together", (tenant) => failingAfter(tenant, "complete")],
  ["before the settlement", () => killing({ before: isSettle }, overloaded)],
  ["after the settlement", () => killing({ after: isSettle }, overloaded), true],
];

for (const [when, env, isCommitted = false] of completions) {
  test(`a completion killed ${when} is ended by the sweeper, and replayed`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const fileId = await inParts(tenant, { sha256: await sha256(threeParts) });
    const key = { "Idempotency-Key": "complete" };
    const killed = await complete(tenant, fileId, key, env(tenant));
    expect(killed.status).toBeGreaterThanOrEqual(500);
    if (!isCommitted) expect((await complete(tenant, fileId, key)).json.type).toBe("/problems/in-progress");
    vi.setSystemTime(Date.now() + 3 * minuteMs);
    await sweep(tenant);
    const replay = await complete(tenant, fileId, key);
    expect([replay.status, replay.headers.get("idempotency-replayed"), replay.json.state]).toEqual([
      200,
      "true",
      "checking",
    ]);
    expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready" });
    await expectBytes(await download(tenant, fileId), threeParts);
    expect((await intentsOf(tenant)).at(-1)).toBe("files.complete settled");
  });
}

const beginnings: readonly [when: string, env: (tenant: TestTenant) => TestEnv][] = [
  ["after the intent", () => killing({ after: isIntend }, overloaded)],
  ["after R2 began it", (tenant) => failingAfter(tenant, "createMultipartUpload")],
  ["before the settlement", () => killing({ before: isSettle }, overloaded)],
];

for (const [when, env] of beginnings) {
  test(`a beginning killed ${when} is undone by the sweeper, and may be begun anew meanwhile`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const fileId = await announced(tenant);
    const begin = (more: object) =>
      ask(tenant, "files.begin", {
        params: { fileId },
        body: { size: threeParts.length, partSize: MiB5 },
        ...more,
      });
    expect((await begin({ env: env(tenant) })).status).toBeGreaterThanOrEqual(500);
    expect(await getFile(tenant, fileId)).toMatchObject({ state: "pending" });
    expect((await begin({})).status).toBe(201);
    vi.setSystemTime(Date.now() + 3 * minuteMs);
    await sweep(tenant);
    expect(await intentsOf(tenant)).toEqual(["files.begin abandoned", "files.begin settled"]);
    for (const number of [1, 2, 3]) await putPart(tenant, fileId, number, threeParts);
    expect((await complete(tenant, fileId)).status).toBe(200);
  });
}

test("of two beginnings at once one wins, and the other's upload is aborted", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  const made: [key: string, uploadId: string][] = [];
  const bucket = bucketOf(tenant);
  const files = proxied(bucket, {
    async createMultipartUpload(key: string) {
      const upload = await bucket.createMultipartUpload(key);
      made.push([key, upload.uploadId]);
      return upload;
    },
  });
  const begin = () =>
    ask(tenant, "files.begin", {
      params: { fileId },
      body: { size: threeParts.length, partSize: MiB5 },
      env: envWith({ FILES_US1: files }),
    });
  const answers = await Promise.all([begin(), begin()]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
  const { upload_id: won } = await uploadOf(tenant, fileId);
  for (const [key, uploadId] of made) {
    const part = bucket.resumeMultipartUpload(key, uploadId).uploadPart(1, "x");
    if (uploadId === won) expect((await part).partNumber).toBe(1);
    else await expect(part).rejects.toThrow("10024");
  }
});

test("a completion that outlives its file leaves no object", async () => {
  const tenant = await newTenant();
  const fileId = await inParts(tenant);
  const bucket = bucketOf(tenant);
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const withUpload = (methods: Readonly<Record<string, unknown>>) => {
    const resumeMultipartUpload = (key: string, id: string) =>
      proxied(bucket.resumeMultipartUpload(key, id), methods);
    return envWith({ FILES_US1: proxied(bucket, { resumeMultipartUpload }) });
  };
  const { object, upload_id: id } = await uploadOf(tenant, fileId);
  const slow = complete(
    tenant,
    fileId,
    {},
    withUpload({
      async complete(parts: R2UploadedPart[]) {
        reached.resolve();
        await held.promise;
        return await bucket.resumeMultipartUpload(object, id).complete(parts);
      },
    }),
  );
  await reached.promise;
  await ask(tenant, "files.remove", { params: { fileId } });
  // R2 is about to finish: it shows no object yet, and knows of no upload any more that could be aborted.
  const gone = () =>
    Promise.reject(new Error("abort: The specified multipart upload does not exist. (10024)"));
  await sweep(tenant, withUpload({ abort: gone }));
  expect(await rowsLeft(tenant)).toEqual({ files: 0, parts: 0 });
  held.resolve();
  expect((await slow).json.type).toBe("/problems/file-not-uploading");
  expect(await objectsOf(tenant)).toEqual([]);
});

test("a completion that comes after the check is answered with what the file has become", async () => {
  const tenant = await newTenant();
  const fileId = await inParts(tenant);
  const [reached, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const bucket = bucketOf(tenant);
  const files = proxied(bucket, {
    resumeMultipartUpload: (key: string, id: string) =>
      proxied(bucket.resumeMultipartUpload(key, id), {
        async complete(parts: R2UploadedPart[]) {
          reached.resolve();
          await held.promise;
          return await bucket.resumeMultipartUpload(key, id).complete(parts);
        },
      }),
  });
  const slow = complete(tenant, fileId, {}, envWith({ FILES_US1: files }));
  await reached.promise;
  expect((await complete(tenant, fileId)).status).toBe(200);
  await sweep(tenant);
  held.resolve();
  expect((await slow).json).toMatchObject({ id: fileId, state: "ready" });
  await expectBytes(await download(tenant, fileId), threeParts);
});

test("a part killed half-way leaves no row, and its upload is swept with the rest", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const fileId = await begun(tenant, threeParts.length);
  for (const env of [killing({ after: isIntend }, overloaded), killing({ before: isSettle }, overloaded)])
    expect((await putPart(tenant, fileId, 1, threeParts, { env })).status).toBe(503);
  expect((await rowsLeft(tenant)).parts).toBe(0);
  vi.setSystemTime(Date.now() + 24 * hourMs);
  await sweep(tenant);
  expect(await rowsLeft(tenant)).toEqual({ files: 0, parts: 0 });
  expect((await intentsOf(tenant)).slice(1)).toEqual(Array(2).fill("files.uploadPart abandoned"));
});
