import { afterEach, expect, test, vi } from "vitest";
import { hourMs } from "#lib/time.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import {
  ask,
  complete,
  download,
  expectBytes,
  getFile,
  inParts,
  listed,
  pdf,
  put,
  sha256,
  sweep,
  uploaded,
} from "./kit.ts";

afterEach(() => void vi.useRealTimers());

async function revised(tenant: TestTenant, fileId: string, body: object = {}) {
  return await ask(tenant, "files.revise", {
    params: { fileId },
    body: { mediaType: "application/pdf", ...body },
  });
}

test("versions follow one another, each with its own bytes", async () => {
  const tenant = await newTenant();
  const first = await uploaded(tenant, pdf(1000, 1));
  const answer = await revised(tenant, first, { name: "proof v2.pdf" });
  expect(answer.status).toBe(201);
  const { documentId, orderId, customerId } = await getFile(tenant, first);
  expect(answer.json).toMatchObject({
    documentId,
    orderId,
    customerId,
    revision: 2,
    name: "proof v2.pdf",
    state: "pending",
  });
  const second = answer.json.id;
  await put(tenant, second, pdf(1000, 2));
  const third = (await revised(tenant, second)).json;
  expect(third).toMatchObject({ revision: 3, name: "proof v2.pdf" });
  await put(tenant, third.id, pdf(1000, 3));
  expect(await listed(tenant, { documentId })).toEqual([third.id, second, first]);
  for (const [id, seed] of [
    [first, 1],
    [second, 2],
    [third.id, 3],
  ])
    await expectBytes(await download(tenant, id), pdf(1000, seed));
});

test("a version is added to the newest whole one only, once", async () => {
  const tenant = await newTenant();
  const first = await uploaded(tenant);
  const answers = await Promise.all([revised(tenant, first), revised(tenant, first), revised(tenant, first)]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  const refused = await revised(tenant, first);
  expect([refused.status, refused.json.type]).toEqual([409, "/problems/file-superseded"]);
  const second = answers.find(({ status }) => status === 201)?.json.id;
  expect((await revised(tenant, second)).json.type).toBe("/problems/file-not-ready");
});

test("a version that was never uploaded is swept, and its place is free again", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const first = await uploaded(tenant);
  await revised(tenant, first);
  vi.setSystemTime(Date.now() + 24 * hourMs);
  await sweep(tenant);
  expect((await revised(tenant, first)).json.revision).toBe(2);
});

test("a version that was deleted leaves its number, and the one before it can be followed anew", async () => {
  const tenant = await newTenant();
  const first = await uploaded(tenant);
  const second = (await revised(tenant, first)).json.id;
  await put(tenant, second, pdf(1000, 2));
  await ask(tenant, "files.remove", { params: { fileId: second } });
  const third = (await revised(tenant, first)).json;
  expect(third).toMatchObject({ revision: 3, documentId: (await getFile(tenant, first)).documentId });
  expect((await revised(tenant, first)).json.type).toBe("/problems/file-superseded");
  await ask(tenant, "files.restore", { params: { fileId: second } });
  expect((await revised(tenant, second)).json.type).toBe("/problems/file-superseded");
  await put(tenant, third.id, pdf(1000, 3));
  expect((await revised(tenant, third.id)).json.revision).toBe(4);
});

test("a version whose content was rejected is no version to follow", async () => {
  const tenant = await newTenant();
  const first = await uploaded(tenant);
  const wrong = await inParts(tenant, { sha256: await sha256(pdf()) });
  await complete(tenant, wrong);
  await sweep(tenant);
  const { documentId } = await getFile(tenant, first);
  await rowsOf(
    tenant.cell.database,
    "update files set document_id = ?, revision = 2 where id = ? and state = 'rejected'",
    documentId,
    wrong,
  );
  expect((await revised(tenant, first)).json.revision).toBe(3);
});

test("several that follow a version whose follower was deleted: one wins", async () => {
  const tenant = await newTenant();
  const first = await uploaded(tenant);
  const second = (await revised(tenant, first)).json.id;
  await ask(tenant, "files.remove", { params: { fileId: second } });
  const answers = await Promise.all([revised(tenant, first), revised(tenant, first)]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
});
