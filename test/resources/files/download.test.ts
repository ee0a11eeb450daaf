import { beforeAll, expect, test } from "vitest";
import { utf8 } from "#lib/utf8.ts";
import type { Answer, Call } from "#test/client.ts";
import { envWith, newTenant, proxied, type TestTenant } from "#test/world.ts";
import { ask, type Bytes, bucketOf, download, getFile, pdf, send, sha256, uploaded } from "./kit.ts";

const bytes = pdf(1000);
let tenant: TestTenant;
let fileId: string;
let tag: string;
let modified: string;

beforeAll(async () => {
  tenant = await newTenant();
  fileId = await uploaded(tenant, bytes);
  tag = `"${await sha256(bytes)}"`;
  const { uploadedAt } = await getFile(tenant, fileId);
  modified = new Date(uploadedAt).toUTCString();
});

/** First and last byte of each part. */
const ranges: readonly [range: string, first: number, last: number][] = [
  ["bytes=0-0", 0, 0],
  ["bytes=0-499", 0, 499],
  ["bytes=500-", 500, 999],
  ["bytes=999-5000", 999, 999],
  ["bytes=-1", 999, 999],
  ["bytes=-400", 600, 999],
  ["bytes=-5000", 0, 999],
];

for (const [range, first, last] of ranges) {
  test(`Range: ${range} answers exactly these bytes`, async () => {
    const answer = await download(tenant, fileId, { Range: range });
    expect(answer.status).toBe(206);
    expect(answer.headers.get("content-range")).toBe(`bytes ${first}-${last}/1000`);
    expect(answer.headers.get("content-length")).toBe(String(last - first + 1));
    expect(answer.bytes).toEqual(bytes.slice(first, last + 1));
    expect(answer.headers.get("etag")).toBe(tag);
  });
}

for (const range of ["bytes=1000-", "bytes=5000-6000", "bytes=-0"]) {
  test(`Range: ${range} cannot be satisfied`, async () => {
    const answer = await download(tenant, fileId, { Range: range });
    expect([answer.status, answer.json.type]).toEqual([416, "/problems/range-not-satisfiable"]);
    expect(answer.headers.get("content-range")).toBe("bytes */1000");
    expect(answer.headers.get("content-disposition")).toBe(null);
  });
}

for (const range of ["bytes=0-1,5-6", "lines=0-1", "bytes=5-2", "nonsense"]) {
  test(`Range: ${range} is passed over`, async () => {
    const answer = await download(tenant, fileId, { Range: range });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([200, null]);
    expect(answer.bytes).toEqual(bytes);
  });
}

const before = "Mon, 01 Jan 2024 00:00:00 GMT";
const conditions: readonly [name: string, fields: () => Record<string, string>, status: number][] = [
  ["If-None-Match with the tag", () => ({ "If-None-Match": tag }), 304],
  ["If-None-Match with the tag, weak", () => ({ "If-None-Match": `W/${tag}` }), 304],
  ["If-None-Match: *", () => ({ "If-None-Match": "*" }), 304],
  ["If-None-Match with others", () => ({ "If-None-Match": '"x", "y"' }), 200],
  ["If-Modified-Since then", () => ({ "If-Modified-Since": modified }), 304],
  ["If-Modified-Since before", () => ({ "If-Modified-Since": before }), 200],
  [
    "If-None-Match before If-Modified-Since",
    () => ({ "If-None-Match": '"x"', "If-Modified-Since": modified }),
    200,
  ],
  ["If-Match with the tag", () => ({ "If-Match": tag }), 200],
  ["If-Match with another", () => ({ "If-Match": '"x"' }), 412],
  ["If-Unmodified-Since before", () => ({ "If-Unmodified-Since": before }), 412],
  ["If-Unmodified-Since then", () => ({ "If-Unmodified-Since": modified }), 200],
  ["If-Range with the tag", () => ({ "If-Range": tag, Range: "bytes=0-1" }), 206],
  ["If-Range with another", () => ({ "If-Range": '"x"', Range: "bytes=0-1" }), 200],
  ["If-Range with the date", () => ({ "If-Range": modified, Range: "bytes=0-1" }), 206],
  ["If-Range with another, and no such range", () => ({ "If-Range": '"x"', Range: "bytes=5000-" }), 200],
];

for (const [name, fields, status] of conditions) {
  test(`${name} is answered ${status}`, async () => {
    const answer = await download(tenant, fileId, fields());
    expect(answer.status).toBe(status);
    if (status === 304) {
      expect(answer.bytes).toHaveLength(0);
      expect([answer.headers.get("etag"), answer.headers.get("last-modified")]).toEqual([tag, modified]);
    }
    if (status === 200) expect(answer.bytes).toEqual(bytes);
    if (status === 412) expect(answer.json.type).toBe("/problems/precondition-failed");
  });
}

test("what needs no bytes does not touch the bucket", async () => {
  const none = proxied(bucketOf(tenant), { get: () => Promise.reject(new Error("touched")) });
  const env = envWith({ FILES_US1: none });
  const requests: Record<string, string>[] = [
    { "If-None-Match": tag },
    { Range: "bytes=1000-" },
    { "If-Match": '"x"' },
  ];
  for (const headers of requests)
    expect((await ask(tenant, "files.download", { params: { fileId }, headers, env })).status).toBeLessThan(
      500,
    );
  const url = `http://localhost:8787/v1/tenants/${tenant.slug}/files/${fileId}/content`;
  const headers = { Authorization: `Bearer ${tenant.key}`, Range: "bytes=0-1" };
  const head = await send(new Request(url, { method: "HEAD", headers }), env);
  expect([head.status, head.bytes.length]).toEqual([200, 0]);
  expect([head.headers.get("content-length"), head.headers.get("etag")]).toEqual(["1000", tag]);
  expect(head.headers.get("accept-ranges")).toBe("bytes");
});

const svg = utf8('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
const html = utf8("<!doctype html><script>alert(1)</script>");
const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0]);
const text = utf8("<script>alert(1)</script>");

/** How each is handed out when a page asks for it inline. */
const handed: readonly [declared: string, content: Bytes, contentType: string, disposition: string][] = [
  ["image/svg+xml", svg, "image/svg+xml", "attachment"],
  ["text/html", html, "application/octet-stream", "attachment"],
  ["application/xml", svg, "application/octet-stream", "attachment"],
  ["application/octet-stream", html, "application/octet-stream", "attachment"],
  ["application/json", utf8("{}"), "application/json", "attachment"],
  ["text/csv", text, "text/csv; charset=utf-8", "attachment"],
  ["text/plain", text, "text/plain; charset=utf-8", "inline"],
  ["image/png", png, "image/png", "inline"],
  ["application/pdf", bytes, "application/pdf", "inline"],
];

for (const [declared, content, contentType, disposition] of handed) {
  test(`${declared} asked for inline is handed out as ${contentType}, ${disposition}`, async () => {
    const id = await uploaded(tenant, content, { mediaType: declared, name: "x" });
    const inline = await download(tenant, id, {}, { disposition: "inline" });
    expect(inline.headers.get("content-type")).toBe(contentType);
    expect(inline.headers.get("content-disposition")).toBe(`${disposition}; filename="x"`);
    expectSafe(inline);
    const attached = await download(tenant, id);
    expect(attached.headers.get("content-disposition")).toBe('attachment; filename="x"');
    expectSafe(attached);
  });
}

/** The door's own headers are all there, and the policy sandboxes besides. */
function expectSafe({ headers }: Answer): void {
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  const policy = headers.get("content-security-policy") ?? "";
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "sandbox"])
    expect(policy).toContain(part);
  expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  expect(headers.get("cache-control")).toBe("no-store, no-transform");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("strict-transport-security")).toContain("max-age");
}

const names: readonly [name: string, disposition: string][] = [
  [
    'Café "Hafen" 1/2'.replace("/", "-"),
    `filename="Caf_ _Hafen_ 1-2"; filename*=UTF-8''Caf%C3%A9%20%22Hafen%22%201-2`,
  ],
  ["a;b=c.pdf", 'filename="a;b=c.pdf"'],
  ["图纸.pdf", "filename=\"__.pdf\"; filename*=UTF-8''%E5%9B%BE%E7%BA%B8.pdf"],
];

for (const [name, expected] of names) {
  test(`a file named ${name} is handed out by its name`, async () => {
    const id = await uploaded(tenant, bytes, { name });
    expect((await download(tenant, id)).headers.get("content-disposition")).toBe(`attachment; ${expected}`);
  });
}

test("a name that breaks out of a header, a folder or its reading direction is not taken", async () => {
  const body = { mediaType: "application/pdf", orderId: tenant.orderId };
  const bad = [
    "a\r\nSet-Cookie: x=1",
    "a\nb",
    "../x",
    "a/b",
    "a\\b",
    "..",
    ".",
    "",
    " ",
    "x".repeat(256),
    "\0",
    "a\u202efdp.exe",
  ];
  for (const name of bad) {
    const answer = await ask(tenant, "files.create", { body: { ...body, name } });
    expect([name, answer.status, answer.json.errors[0].pointer]).toEqual([name, 422, "/name"]);
  }
});

test("only a file that is whole and not deleted is handed out, and no other disposition is known", async () => {
  const answers: [Call, number][] = [
    [{ query: { disposition: "inline" } }, 200],
    [{ query: { disposition: "embed" } }, 422],
    [{ query: { disposition: "inline", name: "x" } }, 422],
  ];
  for (const [call, status] of answers)
    expect((await ask(tenant, "files.download", { params: { fileId }, ...call })).status).toBe(status);
});

test("a stream is answered with the bookmark and the rate, as any answer is", async () => {
  const { headers } = await download(tenant, fileId);
  for (const name of [
    "x-keyline-bookmark",
    "x-request-id",
    "ratelimit",
    "ratelimit-policy",
    "x-keyline-cell",
  ])
    expect(headers.get(name), name).toBeTruthy();
});

test("a page of an allowed origin reads the headers that a download is made of", async () => {
  const origin = "https://app.example.com";
  const own = await newTenant();
  const { database } = own.cell;
  await database.batch([
    database
      .prepare("update tenants set allowed_origins = ? where tenant_id = ?")
      .bind(`["${origin}"]`, own.tenantId),
    database.prepare("update tenant_state set epoch = epoch + 1 where tenant_id = ?").bind(own.tenantId),
  ]);
  const id = await uploaded(own);
  const answer = await download(own, id, { Origin: origin });
  const exposed = answer.headers.get("access-control-expose-headers") ?? "";
  for (const name of ["ETag", "Accept-Ranges", "Content-Range", "Content-Disposition"])
    expect(exposed).toContain(name);
});
