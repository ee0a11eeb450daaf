import { expect, test } from "vitest";
import { envWith, newTenant, proxied, rowsOf } from "#test/world.ts";
import {
  announced,
  ask,
  begun,
  bucketOf,
  complete,
  contentDigest,
  download,
  eventsOf,
  expectBytes,
  getFile,
  inParts,
  MiB5,
  objectsOf,
  pdf,
  put,
  putPart,
  rowsLeft,
  sha256,
  sweep,
  threeParts,
} from "./kit.ts";

test("a file in parts is begun, sent in any order, completed, checked and downloaded", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, threeParts.length, { sha256: await sha256(threeParts) });
  expect(await getFile(tenant, fileId)).toMatchObject({
    state: "uploading",
    size: threeParts.length,
    partSize: MiB5,
  });
  for (const number of [3, 1, 2]) {
    const answer = await putPart(tenant, fileId, number, threeParts);
    const bytes = threeParts.slice((number - 1) * MiB5, number * MiB5);
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
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready", sha256: await sha256(threeParts) });
  await expectBytes(await download(tenant, fileId), threeParts);
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
  const fileId = await begun(tenant, threeParts.length);
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
  expect((await putPart(tenant, fileId, 1, threeParts)).json.type).toBe("/problems/file-not-uploading");
  expect((await complete(tenant, fileId)).json.type).toBe("/problems/file-not-uploading");
  const under = await inParts(tenant);
  await complete(tenant, under);
  expect((await putPart(tenant, under, 1, threeParts)).json.type).toBe("/problems/file-not-uploading");
  expect((await complete(tenant, under)).json.type).toBe("/problems/file-not-uploading");
});

test("an upload is completed only when every part has arrived", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, threeParts.length);
  await putPart(tenant, fileId, 2, threeParts);
  const early = await complete(tenant, fileId);
  expect([early.status, early.json.type, early.json.errors]).toEqual([
    409,
    "/problems/parts-missing",
    [{ detail: "part 1, 3 has not arrived" }],
  ]);
  await putPart(tenant, fileId, 1, threeParts);
  await putPart(tenant, fileId, 3, threeParts);
  expect((await complete(tenant, fileId)).status).toBe(200);
});

test("a part that is sent again replaces itself", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, threeParts.length, { sha256: await sha256(threeParts) });
  const other = pdf(threeParts.length, 7);
  for (const number of [1, 2, 3]) await putPart(tenant, fileId, number, other);
  for (const number of [3, 2, 1]) await putPart(tenant, fileId, number, threeParts);
  expect((await rowsLeft(tenant)).parts).toBe(3);
  await complete(tenant, fileId);
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready" });
});

test("parts arrive side by side", async () => {
  const tenant = await newTenant();
  const fileId = await begun(tenant, threeParts.length, { sha256: await sha256(threeParts) });
  const answers = await Promise.all(
    [1, 2, 3, 1, 2, 3].map((number) => putPart(tenant, fileId, number, threeParts)),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
  expect((await complete(tenant, fileId)).status).toBe(200);
  await sweep(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "ready" });
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
  await putPart(tenant, fileId, 2, threeParts);
  expect((await complete(tenant, fileId)).status).toBe(200);
});

test("a completion with parts that were replaced takes nothing from the one that has the new ones", async () => {
  const tenant = await newTenant();
  const fileId = await inParts(tenant);
  const bucket = bucketOf(tenant);
  const [staleReached, staleHeld] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [newReached, newHeld] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await rowsOf(
    tenant.cell.database,
    "update file_parts set etag = 'other' where file_id = ? and number = 2",
    fileId,
  );
  const afterItsLook = proxied(bucket, {
    async head(key: string) {
      const found = await bucket.head(key);
      staleReached.resolve();
      await staleHeld.promise;
      return found;
    },
  });
  const stale = complete(tenant, fileId, {}, envWith({ FILES_US1: afterItsLook }));
  await staleReached.promise;
  await putPart(tenant, fileId, 2, threeParts);
  const beforeItSettles = proxied(bucket, {
    resumeMultipartUpload: (key: string, id: string) =>
      proxied(bucket.resumeMultipartUpload(key, id), {
        async complete(parts: R2UploadedPart[]) {
          const object = await bucket.resumeMultipartUpload(key, id).complete(parts);
          newReached.resolve();
          await newHeld.promise;
          return object;
        },
      }),
  });
  const latest = complete(tenant, fileId, {}, envWith({ FILES_US1: beforeItSettles }));
  await newReached.promise;
  staleHeld.resolve();
  expect((await stale).json.type).toBe("/problems/parts-mismatch");
  newHeld.resolve();
  expect((await latest).status).toBe(200);
  await sweep(tenant);
  await expectBytes(await download(tenant, fileId), threeParts);
});
