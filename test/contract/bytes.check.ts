import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { photoContract } from "./bytes.ts";
import { clientTypes } from "./client-types.ts";

const home = mkdtempSync(join(tmpdir(), "keyline-bytes-"));
const path = "/v1/tenants/{tenant}/photos/{photo}";

after(() => rmSync(home, { recursive: true, force: true }));

test("streamed answers are told with ranges, conditions and their problems", () => {
  const { get } = photoContract("3.1").paths[path] ?? {};
  const statuses = Object.keys(get?.responses ?? {});
  for (const status of ["200", "206", "304", "412"]) assert.ok(statuses.includes(status), status);
  const named = get?.parameters.map((each) => ("$ref" in each ? each.$ref.split("/").at(-1) : each.name));
  assert.deepEqual(named, [
    "Tenant",
    "photo",
    "Range",
    "IfRange",
    "IfMatch",
    "IfNoneMatch",
    "IfModifiedSince",
    "IfUnmodifiedSince",
    "Bookmark",
  ]);
  const headersAt = (status: string) => {
    const response = get?.responses[status];
    return response && "headers" in response ? Object.keys(response.headers) : [];
  };
  assert.ok(headersAt("200").includes("Content-Disposition"));
  assert.ok(headersAt("206").includes("Content-Range"));
  assert.ok(!headersAt("304").includes("Content-Disposition"));
});

test("bodies of bytes are told as such, and are not refused as JSON would be", () => {
  const { put } = photoContract("3.1").paths[path] ?? {};
  assert.deepEqual(put?.requestBody?.content, { "application/octet-stream": {} });
  assert.match(put?.requestBody?.description ?? "", /at most 95,000,000/);
  assert.ok(put?.responses["413"] && !put.responses["415"]);
  const older = photoContract("3.0").paths[path]?.put?.requestBody?.content["application/octet-stream"];
  assert.deepEqual(older?.schema, { type: "string", format: "binary", maxLength: 95_000_000 });
});

test("the linters of the contract find nothing wrong with bytes", () => {
  const files = (["3.1", "3.0"] as const).map((version) => {
    const file = join(home, `${version}.json`);
    writeFileSync(file, JSON.stringify(photoContract(version)));
    return file;
  });
  const told = { encoding: "utf8", stdio: "pipe" } as const;
  const spectral = ["lint", "--ruleset", ".config/spectral.mjs", "--fail-severity", "hint", ...files];
  assert.match(execFileSync("spectral", spectral, told), /No results/);
  execFileSync("redocly", ["lint", "--config", ".config/redocly.yaml", ...files], told);
});

test("a client made from it sends bytes as they are and hands out answers to be streamed", async () => {
  for (const name of ["client.ts", "problem.ts"]) cpSync(join("src/client", name), join(home, name));
  writeFileSync(join(home, "operations.ts"), clientTypes(photoContract("3.1")));
  writeFileSync(join(home, "package.json"), '{ "type": "module" }');
  const taken: { headers: IncomingMessage["headers"]; bytes: Buffer }[] = [];
  const server = createServer(async (request, response) => {
    taken.push({ headers: request.headers, bytes: Buffer.concat(await request.toArray()) });
    const isPart = request.headers.range !== undefined;
    if (request.method === "PUT") response.end('{"size":3}');
    else response.writeHead(isPart ? 206 : 200, { "Content-Type": "image/png" }).end(isPart ? "a" : "abc");
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { createClient } = await import(join(home, "client.ts"));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : null;
  const { photos } = createClient({ baseUrl: `http://localhost:${port}`, tenant: "a", key: "b" });
  const params = { photo: "one" };
  const body = new Blob([Uint8Array.of(0, 255, 10)]);
  assert.deepEqual(await photos.upload({ params, body, contentDigest: "sha-256=:x=:" }), { size: 3 });
  assert.deepEqual([...(taken[0]?.bytes ?? [])], [0, 255, 10]);
  assert.equal(taken[0]?.headers["content-type"], "application/octet-stream");
  assert.equal(taken[0]?.headers["content-length"], "3");
  assert.equal(taken[0]?.headers["content-digest"], "sha-256=:x=:");
  const whole: Response = await photos.download({ params });
  assert.deepEqual([whole.status, await whole.text()], [200, "abc"]);
  const part: Response = await photos.download({ params, range: "bytes=0-0" });
  assert.deepEqual([part.status, await part.text()], [206, "a"]);
  server.close();
});
