import { afterEach, expect, test, vi } from "vitest";
import { hourMs, minuteMs } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import type { Files } from "#platform/cells.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { envWith, newTenant, proxied, rowsOf, type Tap, type TestTenant, tapped } from "#test/world.ts";
import {
  announced,
  ask,
  begun,
  bucketOf,
  contentDigest,
  download,
  eventsOf,
  expectBytes,
  getFile,
  intentsOf,
  MiB5,
  objectsOf,
  pdf,
  put,
  putPart,
  rowsLeft,
  sha256,
  sweep,
} from "./kit.ts";

// Two whole parts and a rest.
const whole = pdf(2 * MiB5 + 1234);

afterEach(() => void vi.useRealTimers());

function complete(tenant: TestTenant, fileId: string, headers: Record<string, string> = {}, env?: TestEnv) {
  return ask(tenant, "files.complete", { params: { fileId }, headers, ...(env ? { env } : {}) });
}

async function inParts(tenant: TestTenant, body: object = {}, bytes = whole): Promise<string> {
  const fileId = await begun(tenant, bytes.length, body);
  for (const number of [1, 2, 3]) {
    const answer = await putPart(tenant, fileId, number, bytes);
    expect(answer.status, answer.text).toBe(200);
  }
  return fileId;
}

test("a file in parts is begun, sent in any order, completed, checked and downloaded", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, whole.length, { sha256: await sha256(whole) });
  expect(await getFile(tenant, fileId)).toMatchObject({
    state: "uploading",
    size: whole.length,
    partSize: MiB5,
  });
  for (const number of [3, 1, 2]) {
    const answer = await putPart(tenant, fileId, number, whole);
    const bytes = whole.slice((number - 1) * MiB5, number * MiB5);
    expect([answer.status, answer.json]).toEqual([
      200,
      { fileId, number, size: bytes.length, sha256: await sha256(bytes) },
    ]);
  }
  const { json: list } = await ask(tenant, "files.parts", { params: { fileId } });
  expect(list.data.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3]);
  const completed = await complete(tenant, fileId);
  expect([completed.status, completed.json.state]).toEqual([200, "checking"]);
  expect((await download(tenant, fileId)).json.type).toBe("/problems/file-not-ready");
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready", sha256: await sha256(whole) });
  await expectBytes(await download(tenant, fileId), whole);
  expect(await eventsOf(tenant, fileId)).toEqual(["file.created", "file.uploaded"]);
  expect(await objectsOf(tenant)).toHaveLength(1);
});

test("a file of one part, and one whose last part is whole, are put together too", async () => {
  const tenant = await newTenant();
  for (const size of [17, MiB5, 2 * MiB5]) {
    const bytes = pdf(size, size);
    const fileId = await begun(tenant, size);
    for (let number = 1; (number - 1) * MiB5 < size; number += 1)
      expect((await putPart(tenant, fileId, number, bytes)).status).toBe(200);
    expect((await complete(tenant, fileId)).status).toBe(200);
    await sweep(tenant);
    expect(await getFile(tenant, fileId)).toMatchObject({
      state: "ready",
      size,
      sha256: await sha256(bytes),
    });
  }
});

test("each part is held to its number, its size, its hash and the file's type", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, whole.length);
  const numbers: [number: string, status: number][] = [
    ["4", 404],
    ["0", 404],
    ["-1", 404],
    ["1.5", 404],
    ["01", 404],
    ["0x1", 404],
    ["201", 404],
    ["1000", 404],
    ["x", 404],
  ];
  for (const [number, status] of numbers) {
    const answer = await ask(tenant, "files.uploadPart", { params: { fileId, number }, bytes: pdf() });
    expect([number, answer.status]).toEqual([number, status]);
  }
  const send = (number: string, bytes: Uint8Array<ArrayBuffer>, headers = {}) =>
    ask(tenant, "files.uploadPart", { params: { fileId, number }, bytes, headers });
  expect((await send("1", pdf(MiB5 - 1))).json.type).toBe("/problems/size-mismatch");
  expect((await send("3", pdf(MiB5))).json.type).toBe("/problems/size-mismatch");
  const digest = await contentDigest(pdf(1234, 9));
  expect((await send("3", pdf(1234), { "Content-Digest": digest })).json.type).toBe(
    "/problems/sha256-mismatch",
  );
  const zeros = new Uint8Array(MiB5);
  expect((await send("1", zeros)).json.type).toBe("/problems/media-type-mismatch");
  expect((await send("3", pdf(1234), { "Content-Length": "" })).status).toBe(400);
  expect((await ask(tenant, "files.parts", { params: { fileId } })).json).toEqual({ data: [] });
  expect((await send("2", zeros)).status).toBe(200);
  expect((await send("3", pdf(1234, 9), { "Content-Digest": digest })).status).toBe(200);
});

test("an upload of too many parts, of parts too small or large, or of another size is not begun", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant, { size: 1000 });
  const begin = (size: number, partSize: number) =>
    ask(tenant, "files.begin", { params: { fileId }, body: { size, partSize } });
  expect((await begin(1000, MiB5 - 1)).json.errors[0].pointer).toBe("/partSize");
  expect((await begin(1000, 95_000_001)).json.errors[0].pointer).toBe("/partSize");
  expect((await begin(200 * MiB5 + 1, MiB5)).json.type).toBe("/problems/size-mismatch");
  const open = await announced(tenant);
  const many = { params: { fileId: open }, body: { size: 200 * MiB5 + 1, partSize: MiB5 } };
  expect((await ask(tenant, "files.begin", many)).json.errors[0].pointer).toBe("/partSize");
  expect((await begin(1000, MiB5)).status).toBe(201);
  expect((await begin(1000, MiB5)).json.type).toBe("/problems/file-not-pending");
  expect((await put(tenant, fileId, pdf())).json.type).toBe("/problems/file-not-pending");
});

test("what is not under way takes no parts and is not completed", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  expect((await putPart(tenant, fileId, 1, whole)).json.type).toBe("/problems/file-not-uploading");
  expect((await complete(tenant, fileId)).json.type).toBe("/problems/file-not-uploading");
  const under = await inParts(tenant);
  await complete(tenant, under);
  expect((await putPart(tenant, under, 1, whole)).json.type).toBe("/problems/file-not-uploading");
  expect((await complete(tenant, under)).json.type).toBe("/problems/file-not-uploading");
});

test("an upload is completed only when every part has arrived", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, whole.length);
  await putPart(tenant, fileId, 2, whole);
  const early = await complete(tenant, fileId);
  expect([early.status, early.json.type, early.json.errors]).toEqual([
    409,
    "/problems/parts-missing",
    [{ detail: "part 1, 3 has not arrived" }],
  ]);
  await putPart(tenant, fileId, 1, whole);
  await putPart(tenant, fileId, 3, whole);
  expect((await complete(tenant, fileId)).status).toBe(200);
});

test("a part that is sent again replaces itself", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, whole.length, { sha256: await sha256(whole) });
  const other = pdf(whole.length, 7);
  for (const number of [1, 2, 3]) await putPart(tenant, fileId, number, other);
  for (const number of [3, 2, 1]) await putPart(tenant, fileId, number, whole);
  expect((await rowsLeft(tenant)).parts).toBe(3);
  await complete(tenant, fileId);
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready" });
});

test("parts arrive side by side", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, whole.length, { sha256: await sha256(whole) });
  const answers = await Promise.all(
    [1, 2, 3, 1, 2, 3].map((number) => putPart(tenant, fileId, number, whole)),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
  expect((await complete(tenant, fileId)).status).toBe(200);
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready" });
});

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

test("two uploads of one part that crossed each other are noticed at the end", async () => {
  const tenant = await newTenant();
  const fileId = await inParts(tenant);
  await rowsOf(
    tenant.cell.database,
    "update file_parts set etag = 'other' where file_id = ? and number = 2",
    fileId,
  );
  const answer = await complete(tenant, fileId);
  expect([answer.status, answer.json.type]).toEqual([409, "/problems/parts-mismatch"]);
  await putPart(tenant, fileId, 2, whole);
  expect((await complete(tenant, fileId)).status).toBe(200);
});

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
  const fileId = await begun(tenant, whole.length);
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
  expect((await putPart(tenant, fileId, 2, whole)).status).toBe(404);
});

async function partEtag(tenant: TestTenant, fileId: string): Promise<{ etag: string }> {
  await putPart(tenant, fileId, 1, whole);
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

const isIntend = (text: string) => text.startsWith('insert into "intents"');
const isSettle = (text: string) => text.startsWith('update "intents" set "state"');

/** The Worker dies, once, before or after the batch that has this statement. */
function killing(at: typeof isIntend, when: "before" | "after"): TestEnv {
  let alive = true;
  const tap: Tap = async (texts, run) => {
    if (!alive || !texts.some(at)) return await run();
    alive = false;
    if (when === "after") await run();
    throw new Error("D1_ERROR: D1 DB is overloaded.");
  };
  return envWith({ CELL_US1: tapped(testEnv().CELL_US1 as D1Database, tap) });
}

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
  ["after the intent", () => killing(isIntend, "after")],
  ["after R2 put the parts together", (tenant) => failingAfter(tenant, "complete")],
  ["before the settlement", () => killing(isSettle, "before")],
  ["after the settlement", () => killing(isSettle, "after"), true],
];

for (const [when, env, isCommitted = false] of completions) {
  test(`a completion killed ${when} is ended by the sweeper, and replayed`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const fileId = await inParts(tenant, { sha256: await sha256(whole) });
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
    await expectBytes(await download(tenant, fileId), whole);
    expect((await intentsOf(tenant)).at(-1)).toBe("files.complete settled");
  });
}

const beginnings: readonly [when: string, env: (tenant: TestTenant) => TestEnv][] = [
  ["after the intent", () => killing(isIntend, "after")],
  ["after R2 began it", (tenant) => failingAfter(tenant, "createMultipartUpload")],
  ["before the settlement", () => killing(isSettle, "before")],
];

for (const [when, env] of beginnings) {
  test(`a beginning killed ${when} is undone by the sweeper, and may be begun anew meanwhile`, async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const tenant = await newTenant();
    const fileId = await announced(tenant);
    const begin = (more: object) =>
      ask(tenant, "files.begin", {
        params: { fileId },
        body: { size: whole.length, partSize: MiB5 },
        ...more,
      });
    expect((await begin({ env: env(tenant) })).status).toBeGreaterThanOrEqual(500);
    expect(await getFile(tenant, fileId)).toMatchObject({ state: "pending" });
    expect((await begin({})).status).toBe(201);
    vi.setSystemTime(Date.now() + 3 * minuteMs);
    await sweep(tenant);
    expect(await intentsOf(tenant)).toEqual(["files.begin abandoned", "files.begin settled"]);
    for (const number of [1, 2, 3]) await putPart(tenant, fileId, number, whole);
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
      body: { size: whole.length, partSize: MiB5 },
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

test("a part killed half-way leaves no row, and its upload is swept with the rest", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const fileId = await begun(tenant, whole.length);
  for (const env of [killing(isIntend, "after"), killing(isSettle, "before")])
    expect((await putPart(tenant, fileId, 1, whole, { env })).status).toBe(503);
  expect((await rowsLeft(tenant)).parts).toBe(0);
  vi.setSystemTime(Date.now() + 24 * hourMs);
  await sweep(tenant);
  expect(await rowsLeft(tenant)).toEqual({ files: 0, parts: 0 });
  expect((await intentsOf(tenant)).slice(1)).toEqual(Array(2).fill("files.uploadPart abandoned"));
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
      const { readable, writable } = new FixedLengthStream(whole.length);
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
