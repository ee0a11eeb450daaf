import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { cellsOf } from "#platform/cells.ts";
import { bundle, type Deployment, deploy } from "#test/bench/deployment.ts";
import { ask, openShop, type Shop } from "#test/resources/files/shop.ts";

// The commands against a deployment as it would be uploaded: what a tenant can do with a key and no more.

let deployment: Deployment;
let shop: Shop;
let folder: string;

before(async () => {
  deployment = await deploy(await bundle());
  shop = await openShop(deployment);
  folder = await mkdtemp(join(tmpdir(), "keyline-copy-"));
  for (let number = 0; number < 100; number += 1) await write(`Somebody ${number}`);
  await deployment.runCron();
  await logged();
});

after(async () => {
  await deployment?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("a tenant's log is verified through the API, page after page, and copied into a folder that verifies by itself", async () => {
  const online = await keyline("verify-audit", shop.base);
  assert.deepEqual([online.code, /leaves under 1 signed heads/.test(online.said)], [0, true], online.said);
  const copied = await keyline("export-audit", shop.base, join(folder, "first"));
  assert.deepEqual(
    [copied.code, copied.said.match(/^(\d{3,}) leaves, \1 rows/) !== null],
    [0, true],
    copied.said,
  );
  const offline = await keyline("verify-audit", join(folder, "first"));
  assert.deepEqual([offline.code, offline.said], [0, online.said]);
  // A copy is kept: nothing writes over it.
  assert.match((await keyline("export-audit", shop.base, join(folder, "first"))).said, /EEXIST/);
  const files = await readdir(join(folder, "first"), { recursive: true });
  assert.doesNotMatch(await contents(files), /Somebody/);
});

test("what came since continues the copy that was kept, and a row that is not what it was is named", async () => {
  await write("Somebody else");
  await deployment.runCron();
  await logged();
  const since = await keyline("verify-audit", shop.base, join(folder, "first"));
  assert.deepEqual([since.code, /leaves under 2 signed heads/.test(since.said)], [0, true], since.said);
  const { database } = await cell();
  await database.exec("drop trigger audit_log_refuses_update");
  await database.prepare("update audit_log set actor_id = 'mbr_mallory' where seq = 7").run();
  const tampered = await keyline("verify-audit", shop.base);
  assert.deepEqual([tampered.code, tampered.said.split("\n")[0]], [1, "FAULT  Row 7 was edited."]);
  await database.exec("drop trigger audit_log_refuses_delete");
  await database.prepare("delete from audit_log where seq = 6").run();
  assert.match((await keyline("verify-audit", shop.base)).said, /^FAULT {2}Row 6 was deleted\./);
});

test("a copy whose keys somebody exchanged is not believed", async () => {
  const first = join(folder, "first");
  const forged = JSON.parse(await readFile(join(first, "audit-keys.json"), "utf8"));
  forged.keys[0].publicKey = Buffer.alloc(32, 1).toString("base64");
  await writeFile(join(first, "audit-keys.json"), JSON.stringify(forged));
  const { code, said } = await keyline("verify-audit", first);
  assert.deepEqual([code, /not signed by a known key/.test(said)], [1, true], said);
});

test("who may not read the audit, or gives no key, is told so", async () => {
  assert.match((await keyline("verify-audit", `${shop.base}-else`)).said, /answered 404 not-found/);
  const { code, said } = await keyline("export-audit", deployment.url.origin, folder);
  assert.deepEqual([code, /Give the tenant's URL/.test(said)], [1, true], said);
  const env = { ...process.env, KEYLINE_API_KEY: "" };
  const keyless = await run(["verify-audit", shop.base], env);
  assert.deepEqual([keyless.code, /Set KEYLINE_API_KEY/.test(keyless.said)], [1, true], keyless.said);
});

async function write(name: string): Promise<void> {
  await ask(shop, "POST", "/customers", { name });
}

/** Until the log holds all rows there are. */
async function logged(): Promise<void> {
  const { database } = await cell();
  for (;;) {
    const behind = await database
      .prepare("select 1 from counters where name = 'audit' and value > logged")
      .first();
    if (behind === null) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function cell() {
  const [first] = cellsOf(await deployment.env());
  if (!first) throw new Error("There is no cell.");
  return first;
}

async function contents(files: readonly string[]): Promise<string> {
  const texts = await Promise.all(
    files.map((name) => readFile(join(folder, "first", name), "utf8").catch(() => "")),
  );
  return texts.join("\n");
}

function keyline(...args: string[]) {
  return run(args, { ...process.env, KEYLINE_API_KEY: shop.key });
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: number; said: string }> {
  const ran = promisify(execFile)(process.execPath, ["src/cli/keyline.ts", ...args], { env });
  const {
    stdout,
    stderr,
    code = 0,
  } = await ran.then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { code, said: `${stdout}${stderr}`.trimEnd() };
}
