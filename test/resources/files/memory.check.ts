import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bundle, type Deployment, deploy } from "#test/bench/deployment.ts";
import { Isolate } from "#test/bench/isolate.ts";
import { memoryOf } from "#test/bench/process.ts";
import { announce, ask, noise, openShop, type Shop, Upload } from "./shop.ts";

// Four files of 200 MB on their way in, and then out, at the same time, with one more on its way in beside them. Bodies
// are stopped on their way, so that what is measured is measured while hundreds of megabytes are; a Worker that buffered
// them would hold them.

const MB = 1_000_000;
const sizes = [70 * MB, 70 * MB, 60 * MB];
const whole = 200 * MB;
/** What one request may bring. */
const largest = 95 * MB;
const clients = [0, 1, 2, 3];
/** Of the isolate's 128 MB, with garbage, and what may be held on to: each stream reads into 256 KB. */
const mostMegabytes = 32;
const mostKeptMegabytes = 8;
// Of the 128 that an isolate has: what every operation declares, and the keys, from the start.
const mostQuietMegabytes = 24;

let statePath: string;
let deployment: Deployment;
let isolate: Isolate;
let shop: Shop;
let quiet: number;

before(async () => {
  statePath = await mkdtemp(join(tmpdir(), "keyline-memory-"));
  deployment = await deploy(await bundle(), { statePath, inspected: true });
  isolate = await Isolate.named("keyline", await deployment.inspector());
  shop = await openShop(deployment);
  await new Upload(shop, `/files/${await announce(shop)}/content`, MB).finish();
  quiet = await isolate.kept();
});

after(async () => {
  isolate.close();
  await deployment.stop();
  await rm(statePath, { recursive: true, force: true });
});

test("the measure sees what a Worker holds", async () => {
  assert.ok(quiet > 1 && quiet < mostQuietMegabytes, `the quiet Worker takes ${quiet} MB`);
});

test("four uploads of 200 MB at once, in parts, take no more memory than small ones", async () => {
  const processBefore = (await memoryOf(deployment.workerdPid)).rss;
  const files = await Promise.all(clients.map(begin));
  for (const [index, size] of sizes.entries()) {
    const path = (file: string) => `/files/${file}/parts/${index + 1}`;
    const uploads = files.map((file) => new Upload(shop, path(file), size, noise(`${index}`)));
    await watched(() => Promise.all(uploads.map((upload) => upload.sendAllBut(MB))));
    await nothingKept(`${(uploads.length * (size - MB)) / MB} MB`);
    for (const upload of uploads) assert.equal((await upload.finish()).status, 200);
  }
  const grown = (await memoryOf(deployment.workerdPid)).peakRss - processBefore;
  // Half of what passed through; the bucket's simulator is in there, with the garbage that it makes.
  assert.ok(grown < (clients.length * whole) / MB / 2, `the process has grown by ${grown} MB`);
  // One is enough to be read; what is deleted is not checked.
  const [kept = "", ...others] = files;
  for (const file of others) await ask(shop, "DELETE", `/files/${file}`);
  await ask(shop, "POST", `/files/${kept}/complete`);
});

test("checking 200 MB takes no more memory than checking little", async () => {
  await watched(() => deployment.runCron());
  await nothingKept("200 MB");
  const { data } = await ask(shop, "GET", "/files?limit=1");
  const [file] = data as { state: string; size: number; sha256: string }[];
  assert.deepEqual([file?.state, file?.size, file?.sha256], ["ready", whole, sha256OfWhole()]);
});

test("four downloads of 200 MB and an upload of 95 MB at once take no more memory than small ones", async () => {
  const { data } = await ask(shop, "GET", "/files?limit=1");
  const [file] = data as { id: string }[];
  const url = `${shop.base}/files/${file?.id}/content`;
  const upload = new Upload(shop, `/files/${await announce(shop)}/content`, largest);
  const downloads = await Promise.all(clients.map(() => download(url)));
  // Nobody reads on: all that is not held back would pile up now.
  for (const response of downloads) await once(response, "readable");
  await watched(() => upload.sendAllBut(largest / 2));
  await nothingKept("800 MB out and half of 95 MB in");
  const [hashes] = await watched(() =>
    Promise.all([Promise.all(downloads.map(sha256Of)), upload.sendAllBut(MB)]),
  );
  assert.deepEqual(
    hashes,
    clients.map(() => sha256OfWhole()),
  );
  await nothingKept("95 MB in");
  const { status, text } = await watched(() => upload.finish());
  assert.equal(status, 200, text);
  const { state, size } = JSON.parse(text);
  assert.deepEqual([state, size], ["ready", largest]);
});

async function begin(): Promise<string> {
  const file = await announce(shop);
  await ask(shop, "POST", `/files/${file}/parts`, { size: whole, partSize: sizes[0] });
  return file;
}

/** Looks again and again while it runs, garbage and all. */
async function watched<T>(run: () => Promise<T>): Promise<T> {
  let most = 0;
  const running = run();
  let isRunning = true;
  const ended = running.then(
    () => {
      isRunning = false;
    },
    () => {
      isRunning = false;
    },
  );
  while (isRunning) {
    most = Math.max(most, await isolate.memory());
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  assert.ok(most < mostMegabytes, `the Worker took ${most} MB`);
  return await running;
}

async function nothingKept(underWay: string): Promise<void> {
  const kept = (await isolate.kept()) - quiet;
  assert.ok(kept < mostKeptMegabytes, `with ${underWay} under way the Worker holds ${kept} MB more`);
}

function download(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { Authorization: `Bearer ${shop.key}` } }, resolve).on("error", reject);
  });
}

async function sha256Of(response: IncomingMessage): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of response) hash.update(piece);
  return hash.digest("hex");
}

function sha256OfWhole(): string {
  const hash = createHash("sha256");
  for (const [index, size] of sizes.entries()) {
    const source = noise(`${index}`);
    for (let left = size; left > 0; ) {
      const piece = source.next().value.subarray(0, left);
      hash.update(piece);
      left -= piece.length;
    }
  }
  return hash.digest("hex");
}
