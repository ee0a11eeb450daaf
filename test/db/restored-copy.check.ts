import assert from "node:assert/strict";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exportTombstones, replayFile } from "#cli/tombstones.ts";
import { destroySubject } from "#db/destroy-subject.ts";
import { tileWidth } from "#lib/tlog-tiles.ts";
import { cellsOf } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { bundle, type Deployment, deploy } from "#test/bench/deployment.ts";
import { tablesIn } from "#test/crypto/raw-rows.ts";
import { keyIdsIn, openable, subjectKeyOf } from "#test/crypto/second-implementation.ts";
import { ask, openShop, type Shop } from "#test/resources/files/shop.ts";

// A person is destroyed while a copy of everything, made before, lies somewhere: D1's files, the log in R2, the objects'
// state. Read by the second implementation, with the key-encryption keys at hand.

const canary = (what: string) => `Canary${what}${crypto.randomUUID().slice(0, 8)}`;
const ada = {
  name: canary("Name"),
  email: `${canary("mail")}@example.org`,
  phone: "+351912873465",
  note: canary("Note"),
};
const diet = { allergens: [canary("Allergen")], needs: canary("Need") };
const fileName = canary("File");
const secrets = [ada.name, ada.email, ada.phone, ada.note, ...diet.allergens, diet.needs, fileName];
const others = { name: canary("Somebody") };

const home = mkdtempSync(join(tmpdir(), "keyline-restored-"));
const [live, copy] = [join(home, "live"), join(home, "copy")];
const tombstones = join(home, "tombstones.ndjson");
let script: string;
let keks: string;
let shop: Shop;
let adasId: string;
let adasKid: string;

before(async () => {
  script = await bundle();
  await on(live, async (deployment) => {
    keks = deployment.keks;
    shop = await openShop(deployment);
    adasId = String((await ask(shop, "POST", "/customers", ada)).id);
    await ask(shop, "PATCH", `/customers/${adasId}/dietary`, diet);
    const file = { name: fileName, mediaType: "text/plain", customerId: adasId };
    await ask(shop, "POST", "/files", file);
    // A tile of the log is in the bucket when it is full.
    for (let row = 0; row < tileWidth; row += 1) await ask(shop, "POST", "/customers", others);
    await untilLogged(deployment);
  });
  cpSync(live, copy, { recursive: true });
});

after(() => rmSync(home, { recursive: true, force: true }));

test("before anything is destroyed, the copy opens: the search finds what it looks for", () => {
  const found = opened(copy);
  for (const secret of [...secrets, others.name])
    assert.ok(
      found.some((text) => text.includes(secret)),
      secret,
    );
  adasKid = subjectKeyOf(rowsOf(copy), adasId);
  assert.ok(isNamedIn(copy, "r2", adasKid), "the log in R2 holds her envelopes");
});

test("after her key is destroyed nothing opens her data, where it happened", async () => {
  await on(live, async (deployment) => {
    const env = await deployment.env();
    const [cell] = cellsOf(env);
    const tombstone = {
      tenantId: shop.tenantId,
      subjectId: adasId,
      destroyedAt: new Date().toISOString(),
    };
    assert.equal(await destroySubject(cell?.database as D1Database, tombstone, run()), "destroyed");
    assert.equal(await exportTombstones(env, tombstones), 1);
    assert.doesNotMatch(readFileSync(tombstones, "utf8"), /Canary|canary/);
  });
  assertGone(live);
});

test("the copy that is restored opens her data until the tombstones are replayed, and never after", async () => {
  assert.ok(opened(copy).some((text) => text.includes(ada.name)));
  await on(copy, async (deployment) => {
    const env = await deployment.env();
    assert.deepEqual(await replayFile(env, tombstones, run()), {
      said: "1 were destroyed again, 0 were destroyed already.",
      isDone: true,
    });
    assert.equal((await replayFile(env, tombstones, run())).said.slice(0, 24), "0 were destroyed again, ");
    const read = await ask(shop, "GET", `/customers/${adasId}`);
    assert.deepEqual([read.name, read.email], ["[erased]", null]);
  });
  assertGone(copy);
});

function assertGone(folder: string): void {
  const found = opened(folder).join("\n");
  for (const secret of secrets) assert.ok(!found.includes(secret), `${secret} opens`);
  assert.ok(found.includes(others.name), "everybody else's opens");
  // Her envelopes are still in the log, and the key that they name is nowhere.
  assert.ok(isNamedIn(folder, "r2", adasKid));
  assert.ok(!keyIdsIn(keks, rowsOf(folder)).includes(adasKid));
}

function opened(folder: string): string[] {
  return rowsOf(folder).flatMap((tables) => openable(keks, tables).map(({ text }) => text));
}

function rowsOf(folder: string) {
  return globSync("**/d1/**/*.sqlite", { cwd: folder }).map((path) => tablesIn(join(folder, path)));
}

/** Whether a raw file of this store names a key. */
function isNamedIn(folder: string, store: string, kid: string): boolean {
  const paths = globSync(`**/${store}/**/*`, { cwd: folder, withFileTypes: true });
  return paths.some(
    (entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(kid),
  );
}

async function on(folder: string, use: (deployment: Deployment) => Promise<void>): Promise<void> {
  const deployment = await deploy(script, { statePath: folder, ...(keks ? { keks } : {}) });
  // Another port each time.
  if (shop) shop = { ...shop, base: `${deployment.url.origin}${new URL(shop.base).pathname}` };
  try {
    await use(deployment);
  } finally {
    await deployment.stop();
  }
}

/** Until the log's bucket holds a head over all rows there are. */
async function untilLogged(deployment: Deployment): Promise<void> {
  const [cell] = cellsOf(await deployment.env());
  for (;;) {
    await deployment.runCron();
    const behind = await cell?.database
      .prepare("select 1 from counters where name = 'audit' and value > logged")
      .first();
    if (behind === null) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function run() {
  return { job: "test", requestId: newId("run"), now: Date.now() };
}
