import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { bundle, type Deployment, deploy } from "#test/bench/deployment.ts";
import { announce, ask, baseOf, openShop, type Shop, Upload } from "./shop.ts";

// Kills workerd with uploads at every stage, then lets cron sweep: what is left is what is whole, row by row and object by
// object, and whatever was acknowledged is among it.

const mostKills = 25;
const atOnce = 8;
const MiB5 = 5 * 1024 * 1024;
const small = 100_000;

let statePath: string;
let script: string;
let deployment: Deployment;
let shop: Shop;
/** Files whose upload was answered with success. */
const acknowledged: string[] = [];

/** Requests that kills shall meet between their intent and its settlement, each on a file that is made ready for it. */
const stages: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
  async "files.begin"() {
    const file = await announce(shop);
    return () => begin(file, small);
  },
  async "files.upload"() {
    const file = await announce(shop);
    return () => uploaded(file);
  },
  async "files.uploadPart"() {
    const file = await begin(await announce(shop), small);
    return () => new Upload(shop, `/files/${file}/parts/1`, small).finish();
  },
  async "files.complete"() {
    const file = await begin(await announce(shop), small);
    await new Upload(shop, `/files/${file}/parts/1`, small).finish();
    return () => ask(shop, "POST", `/files/${file}/complete`);
  },
};

before(async () => {
  statePath = await mkdtemp(join(tmpdir(), "keyline-killed-"));
  script = await bundle();
  deployment = await deploy(script, { statePath });
  shop = await openShop(deployment);
});

after(async () => {
  await deployment.stop();
  await rm(statePath, { recursive: true, force: true });
});

for (const [operation, prepare] of Object.entries(stages)) {
  test(`workerd is killed with ${operation} intended and not settled`, { timeout: 120_000 }, async () => {
    const usualMs = await unharmed(prepare);
    let kills = 0;
    for (; kills < mostKills && (await unsettled(operation)) === 0; kills += 1) {
      const requests = await Promise.all(Array.from({ length: atOnce }, prepare));
      const running = Promise.allSettled(requests.map((request) => request()));
      await new Promise((resolve) => setTimeout(resolve, randomInt(Math.ceil(usualMs))));
      await kill();
      await running;
    }
    assert.ok(kills < mostKills, `${kills} kills met none`);
  });
}

test("workerd is killed with the bytes of files and parts half-way", async () => {
  const file = await begin(await announce(shop), 2 * MiB5);
  await new Upload(shop, `/files/${file}/parts/1`, MiB5).finish();
  const before = [await unsettled("files.upload"), await unsettled("files.uploadPart")];
  const uploads = [
    new Upload(shop, `/files/${await announce(shop)}/content`, 2_000_000),
    new Upload(shop, `/files/${file}/parts/2`, MiB5),
  ];
  for (const upload of uploads) await upload.sendAllBut(1000);
  await kill();
  for (const upload of uploads) await assert.rejects(upload.answer);
  const now = [await unsettled("files.upload"), await unsettled("files.uploadPart")];
  assert.deepEqual(
    now,
    before.map((count) => count + 1),
  );
});

for (const [how, end] of Object.entries({
  killed: kill,
  "hung up on": async (upload: Upload) => upload.hangUp(),
})) {
  test(`a file whose upload was ${how} takes its bytes anew`, async () => {
    const file = await announce(shop);
    const upload = new Upload(shop, `/files/${file}/content`, small);
    await upload.sendAllBut(10);
    await end(upload);
    await assert.rejects(upload.answer);
    await uploaded(file);
    assert.ok(acknowledged.includes(file));
  });
}

test("after the sweep nothing is left of what was killed, and nothing is lost of what was answered", async () => {
  await sweepAll();
  const ready = await rows("select id, object, size from files where tenant_id = ?");
  assert.deepEqual(await rows("select id, state from files where tenant_id = ? and state <> 'ready'"), []);
  assert.deepEqual(await rows("select id from intents where tenant_id = ? and state = 'intended'"), []);
  const partsOf =
    "select file_id from file_parts where tenant_id = ?1 and file_id not in (select id from files where tenant_id = ?1)";
  assert.deepEqual(await rows(partsOf), []);
  assert.deepEqual(
    (await objects()).map(({ key, size }) => `${key} ${size}`).sort(),
    ready.map(({ object, size }) => `${object} ${size}`).sort(),
  );
  const ids = new Set(ready.map(({ id }) => id));
  assert.ok(acknowledged.length > 0);
  for (const id of acknowledged) assert.ok(ids.has(id), `${id} was acknowledged and is lost`);
});

test("R2 holds no part of an upload that nobody will complete", async () => {
  await deployment.stop();
  const paths = globSync(`${statePath}/**/*.sqlite`);
  const parts = paths.flatMap((path) => {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const [table] = database
        .prepare("select 1 from sqlite_master where name = '_mf_multipart_parts'")
        .all();
      return table ? database.prepare("select object_key from _mf_multipart_parts").all() : [];
    } finally {
      database.close();
    }
  });
  assert.ok(parts.length > 0, "the files that were completed are made of parts");
  assert.deepEqual(
    parts.filter(({ object_key: key }) => key === null),
    [],
  );
  deployment = await deploy(script, { statePath, keks: deployment.keks });
});

/** How long such requests take when nobody kills anything. */
async function unharmed(prepare: () => Promise<() => Promise<unknown>>): Promise<number> {
  const requests = await Promise.all(Array.from({ length: atOnce }, prepare));
  const start = performance.now();
  await Promise.all(requests.map((request) => request()));
  return performance.now() - start;
}

async function begin(file: string, size: number): Promise<string> {
  await ask(shop, "POST", `/files/${file}/parts`, { size, partSize: MiB5 });
  return file;
}

async function uploaded(file: string): Promise<void> {
  const { status } = await new Upload(shop, `/files/${file}/content`, small).finish();
  if (status === 200) acknowledged.push(file);
}

/** And starts it again on what it has left. */
async function kill(): Promise<void> {
  process.kill(deployment.workerdPid, "SIGKILL");
  await deployment.stop().catch(() => undefined);
  deployment = await deploy(script, { statePath, keks: deployment.keks });
  shop = { ...shop, base: baseOf(deployment) };
}

async function unsettled(operation: string): Promise<number> {
  const open = await rows("select operation from intents where tenant_id = ? and state = 'intended'");
  return open.filter((intent) => intent.operation === operation).length;
}

async function objects(): Promise<R2Object[]> {
  const { FILES_US1: bucket } = await deployment.env();
  const { objects, truncated } = await (bucket as R2Bucket).list({ prefix: `${shop.tenantId}/` });
  assert.equal(truncated, false);
  return objects;
}

/** A day later: all that is unfinished is due. Completions that were taken up are checked by a run after that. */
async function sweepAll(): Promise<void> {
  for (let runs = 0, due = 1; runs < 50 && due > 0; runs += 1) {
    await rows("update files set sweep_at = '2020' where tenant_id = ? and sweep_at is not null");
    await rows("update intents set due_at = '2020' where tenant_id = ? and state = 'intended'");
    await deployment.runCron();
    const files = await rows("select id from files where tenant_id = ? and sweep_at is not null");
    const intents = await rows("select id from intents where tenant_id = ? and state = 'intended'");
    due = files.length + intents.length;
  }
}

async function rows(text: string): Promise<Record<string, unknown>[]> {
  const { CELL_US1: database } = await deployment.env();
  return (await (database as D1Database).prepare(text).bind(shop.tenantId).all()).results;
}
