import { expect, test } from "vitest";
import { utf8 } from "#lib/utf8.ts";
import { envWith, newTenant, proxied, rowsOf, type TestTenant } from "#test/world.ts";
import {
  announced,
  ask,
  contentDigest,
  download,
  eventsOf,
  expectBytes,
  getFile,
  intentsOf,
  objectsOf,
  pdf,
  put,
  send,
  sha256,
  uploaded,
} from "./kit.ts";

test("a file is announced, uploaded and downloaded, byte for byte", async () => {
  const tenant = await newTenant();
  const bytes = pdf(300_000);
  const fileId = await announced(tenant);
  expect(await getFile(tenant, fileId)).toMatchObject({ state: "pending", size: null, sha256: null });
  const answer = await put(tenant, fileId, bytes);
  expect([answer.status, answer.json]).toEqual([
    200,
    expect.objectContaining({
      id: fileId,
      state: "ready",
      name: "proof.pdf",
      size: 300_000,
      sha256: await sha256(bytes),
      orderId: tenant.orderId,
      customerId: tenant.customerIds[0],
      revision: 1,
    }),
  ]);
  expect(await getFile(tenant, fileId)).toEqual(answer.json);
  const downloaded = await download(tenant, fileId);
  expect(downloaded.status).toBe(200);
  await expectBytes(downloaded, bytes);
  expect(await eventsOf(tenant, fileId)).toEqual(["file.created", "file.uploaded"]);
  expect(await intentsOf(tenant)).toEqual(["files.upload settled"]);
});

test("an object's key starts with the tenant and holds ids alone, and a file's name lies sealed", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant, { name: "Whitfield divorce.pdf" });
  await put(tenant, fileId, pdf());
  const [key = ""] = await objectsOf(tenant);
  expect(key).toMatch(new RegExp(`^${tenant.tenantId}/${fileId}/att_[0-9a-z]{26}$`));
  const tables = ["files", "audit_log", "events", "intents", "idempotency"];
  for (const table of tables) {
    const rows = await rowsOf(
      tenant.cell.database,
      `select * from ${table} where tenant_id = ?`,
      tenant.tenantId,
    );
    expect(JSON.stringify(rows), table).not.toMatch(/Whitfield divorce/);
  }
});

test("a file's audit and events stand at its order's place", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  await put(tenant, fileId, pdf());
  const place = { location_id: tenant.locationIds[0], assignee_id: tenant.memberIds.installer };
  const audit = await rowsOf(
    tenant.cell.database,
    "select operation, action, location_id, assignee_id from audit_log where tenant_id = ? and entity_id = ? order by seq",
    tenant.tenantId,
    fileId,
  );
  expect(audit).toEqual([
    { operation: "files.create", action: "created", ...place },
    { operation: "files.upload", action: "updated", ...place },
  ]);
  const events = await rowsOf(
    tenant.cell.database,
    "select location_id, assignee_id from events where tenant_id = ? and type like 'file.%'",
    tenant.tenantId,
  );
  expect(events).toEqual([place, place]);
});

test("what differs from the announced size or hash is refused before a byte is stored", async () => {
  const tenant = await newTenant();
  const bytes = pdf();
  const sized = await announced(tenant, { size: 999 });
  expect((await put(tenant, sized, bytes)).json.type).toBe("/problems/size-mismatch");
  const hashed = await announced(tenant, { sha256: await sha256(pdf(1000, 2)) });
  const headers = { "Content-Digest": await contentDigest(bytes) };
  expect((await put(tenant, hashed, bytes, { headers })).json.type).toBe("/problems/sha256-mismatch");
  expect([await objectsOf(tenant), await intentsOf(tenant)]).toEqual([[], []]);
});

const wrongs: readonly [what: string, given: (tenant: TestTenant) => Promise<string>, headers: object][] = [
  ["hash announced", async (tenant) => announced(tenant, { sha256: await sha256(pdf(1000, 2)) }), {}],
  ["Content-Digest", (tenant) => announced(tenant), { "Content-Digest": await contentDigest(pdf(1000, 2)) }],
];

for (const [what, given, headers] of wrongs) {
  test(`bytes of another ${what} are refused, nothing of them is left, and the right ones may follow`, async () => {
    const tenant = await newTenant();
    const fileId = await given(tenant);
    const answer = await put(tenant, fileId, pdf(1000, 3), { headers: { ...headers } });
    expect([answer.status, answer.json.type]).toEqual([422, "/problems/sha256-mismatch"]);
    expect(await objectsOf(tenant)).toEqual([]);
    expect(await intentsOf(tenant)).toEqual(["files.upload abandoned"]);
    expect(await getFile(tenant, fileId)).toMatchObject({ state: "pending" });
    expect((await put(tenant, fileId, pdf(1000, 2))).json.state).toBe("ready");
    expect(await objectsOf(tenant)).toHaveLength(1);
  });
}

test("a hash that is right is accepted, announced or sent along or both", async () => {
  const tenant = await newTenant();
  const bytes = pdf();
  const headers = { "Content-Digest": await contentDigest(bytes) };
  for (const body of [{}, { sha256: await sha256(bytes), size: bytes.length }]) {
    for (const more of [{}, { headers }]) {
      const answer = await put(tenant, await announced(tenant, body), bytes, more);
      expect([answer.status, answer.json.sha256]).toEqual([200, await sha256(bytes)]);
    }
  }
});

test("bytes that are not of the declared type are refused, and nothing of them is left", async () => {
  const tenant = await newTenant();
  const svg = utf8('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  for (const [mediaType, bytes] of [
    ["image/png", pdf()],
    ["application/pdf", svg],
    ["image/jpeg", svg],
    ["text/plain", pdf()],
    ["image/png", utf8("MZ\x90")],
    ["application/pdf", utf8("%")],
  ] as const) {
    const fileId = await announced(tenant, { mediaType });
    const answer = await put(tenant, fileId, bytes);
    expect([mediaType, answer.status, answer.json.type]).toEqual([
      mediaType,
      422,
      "/problems/media-type-mismatch",
    ]);
    expect(await getFile(tenant, fileId)).toMatchObject({ state: "pending", sha256: null });
  }
  expect(await objectsOf(tenant)).toEqual([]);
});

test("a media type whose content cannot be checked is not declared; any bytes are an octet-stream", async () => {
  const tenant = await newTenant();
  const body = { name: "x", orderId: tenant.orderId };
  for (const mediaType of ["application/x-unheard-of", "text/javascript", "", "toString", "IMAGE/PNG"]) {
    const answer = await ask(tenant, "files.create", { body: { ...body, mediaType } });
    expect([answer.status, answer.json.errors[0].pointer]).toEqual([422, "/mediaType"]);
  }
  const fileId = await announced(tenant, { mediaType: "application/octet-stream" });
  expect((await put(tenant, fileId, utf8("MZ\x90"))).json.state).toBe("ready");
});

const tooMuch = 95_000_001;

test("a body without a length, or of an impossible one, is refused before it is looked at", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  const url = `http://localhost:8787/v1/tenants/${tenant.slug}/files/${fileId}/content`;
  const Authorization = `Bearer ${tenant.key}`;
  const stream = () => new Response(pdf()).body;
  const lengths: [length: string | null, status: number, problem: string][] = [
    [null, 411, "length-required"],
    ["", 400, "malformed-request"],
    ["-1", 400, "malformed-request"],
    ["1e3", 400, "malformed-request"],
    ["0", 400, "malformed-request"],
    [String(tooMuch), 413, "too-large"],
    ["999999999999999", 413, "too-large"],
  ];
  for (const [length, status, problem] of lengths) {
    const headers = new Headers({ Authorization });
    if (length !== null) headers.set("Content-Length", length);
    const answer = await send(new Request(url, { method: "PUT", headers, body: stream() }));
    expect([length, answer.status, answer.json.type]).toEqual([length, status, `/problems/${problem}`]);
  }
  for (const digest of ["", "sha-256=abc", "sha-256=:YQ==:"]) {
    const answer = await put(tenant, fileId, pdf(), { headers: { "Content-Digest": digest } });
    expect([answer.status, answer.json.errors[0].parameter]).toEqual([400, "Content-Digest"]);
  }
  expect([await objectsOf(tenant), await intentsOf(tenant)]).toEqual([[], []]);
});

test("a body that ends early, or goes on, is broken and nothing of it is left", async () => {
  const tenant = await newTenant();
  for (const length of ["999", "1001", "500000"]) {
    const fileId = await announced(tenant);
    const answer = await put(tenant, fileId, pdf(), { headers: { "Content-Length": length } });
    expect([length, answer.status, answer.json.type]).toEqual([length, 400, "/problems/upload-broken"]);
    expect(await getFile(tenant, fileId)).toMatchObject({ state: "pending" });
  }
  expect(await objectsOf(tenant)).toEqual([]);
  expect(await intentsOf(tenant)).toEqual(Array(3).fill("files.upload abandoned"));
});

test("a body that stops half-way and breaks leaves nothing, and the next attempt succeeds", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  const { readable, writable } = new FixedLengthStream(600_000);
  const writer = writable.getWriter();
  const answering = send(
    new Request(`http://localhost:8787/v1/tenants/${tenant.slug}/files/${fileId}/content`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${tenant.key}`, "Content-Length": "600000" },
      body: readable,
    }),
  );
  await writer.write(pdf(300_000));
  await writer.abort(new Error("the connection was lost"));
  expect((await answering).json.type).toBe("/problems/upload-broken");
  expect(await objectsOf(tenant)).toEqual([]);
  expect((await put(tenant, fileId, pdf())).status).toBe(200);
});

test("a file's bytes never change: they are sent once", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  await put(tenant, fileId, pdf());
  const again = await put(tenant, fileId, pdf(1000, 2));
  expect([again.status, again.json.type]).toEqual([409, "/problems/file-not-pending"]);
  await expectBytes(await download(tenant, fileId), pdf());
  expect(await objectsOf(tenant)).toHaveLength(1);
});

test("of several uploads of one file at once one wins, and the others leave nothing", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  const answers = await Promise.all([1, 2, 3, 4].map((seed) => put(tenant, fileId, pdf(200_000, seed))));
  const won = answers.flatMap(({ status, json }) => (status === 200 ? [json.sha256] : []));
  expect(won).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(3);
  expect(await objectsOf(tenant)).toHaveLength(1);
  expect(await sha256(new Uint8Array((await download(tenant, fileId)).bytes))).toBe(won[0]);
});

test("a plan's largest file is the largest: announced, sent, or in parts", async () => {
  const [free, pro] = [await newTenant("signs", { plan: "free" }), await newTenant("cafe")];
  const body = { name: "x.pdf", mediaType: "application/pdf" };
  const create = (tenant: TestTenant, size: number) =>
    ask(tenant, "files.create", { body: { ...body, orderId: tenant.orderId, size } });
  expect((await create(free, 50_000_000)).status).toBe(201);
  for (const [tenant, size] of [
    [free, 50_000_001],
    [pro, 2_000_000_001],
  ] as const) {
    const answer = await create(tenant, size);
    expect([answer.status, answer.json.type, answer.json.errors]).toEqual([
      422,
      "/problems/file-exceeds-plan",
      [expect.objectContaining({ pointer: "/size" })],
    ]);
    const fileId = await announced(tenant);
    const begin = { params: { fileId }, body: { size, partSize: 90_000_000 } };
    expect((await ask(tenant, "files.begin", begin)).json.type).toBe("/problems/file-exceeds-plan");
  }
  const headers = { "Content-Length": "50000001" };
  const sent = await put(free, await announced(free), pdf(), { headers });
  expect([sent.json.type, sent.json.errors]).toEqual([
    "/problems/file-exceeds-plan",
    [expect.objectContaining({ parameter: "Content-Length" })],
  ]);
  expect(await intentsOf(free)).toEqual([]);
  expect((await create(pro, 5_000_000_001)).json.type).toBe("/problems/invalid");
  expect((await create(pro, 0)).json.type).toBe("/problems/invalid");
});

test("a tenant has at most 1,000 files whose bytes have not arrived", async () => {
  const tenant = await newTenant();
  const fileId = await uploaded(tenant);
  const { database } = tenant.cell;
  const copies = (from: number, to: number, uploadedAt: string) =>
    rowsOf(
      database,
      `with recursive n(n) as (select ${from} union all select n + 1 from n where n < ${to})
       insert into files select tenant_id, 'fil_' || n, customer_id, order_id, 'doc_' || n, 1, name, media_type,
         'rejected', null, null, null, null, null, null, ${uploadedAt}, null, '2999', 1, 'x', 'x'
       from files, n where id = ?`,
      fileId,
    );
  await copies(1, 999, "null");
  await copies(2000, 3000, "'x'");
  const again = { name: "x.pdf", mediaType: "application/pdf" };
  const create = () => ask(tenant, "files.create", { body: { ...again, orderId: tenant.orderId } });
  const revise = () =>
    ask(tenant, "files.revise", { params: { fileId }, body: { mediaType: "application/pdf" } });
  const last = await create();
  expect(last.status).toBe(201);
  for (const answer of [await create(), await revise()])
    expect([answer.status, answer.json.type]).toEqual([409, "/problems/files-unfinished"]);
  await put(tenant, last.json.id, pdf());
  expect((await revise()).status).toBe(201);
  expect((await create()).status).toBe(409);
});

test("uploading asks for the gate once, and for D1 twice around the bucket", async () => {
  const tenant = await newTenant();
  const fileId = await announced(tenant);
  const batches: number[] = [];
  const { database } = tenant.cell;
  const tapped = proxied(database, {
    withSession: (bookmark: string) => {
      const session = database.withSession(bookmark);
      return proxied(session, {
        batch(statements: D1PreparedStatement[]) {
          batches.push(statements.length);
          return session.batch(statements);
        },
      });
    },
  });
  const answer = await put(tenant, fileId, pdf(), { env: envWith({ CELL_US1: tapped }) });
  expect(answer.status).toBe(200);
  // Read and intend, read and settle.
  expect(batches).toHaveLength(4);
});
