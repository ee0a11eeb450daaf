import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { verifyAudit } from "#cli/audit.ts";
import { businesses } from "#cli/businesses.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { bundle, type Deployment, deploy } from "#test/bench/deployment.ts";
import { openShop, type Shop } from "#test/resources/files/shop.ts";

// What operators verify, of a deployment as it would be uploaded: the log from its bucket, the rows from their database.

const hourly = /setAlarm\(systemNow\(\) \+ hourMs\)/;
let deployment: Deployment;
let shop: Shop;

before(async () => {
  const script = await bundle();
  assert.match(script, hourly);
  // Heads are published within a moment here, as nobody waits for the hour.
  deployment = await deploy(script.replace(hourly, "setAlarm(systemNow() + 1)"));
  shop = await openShop(deployment);
  const env = await deployment.env();
  for (const [bucket, owner] of [
    [env.AUDIT_LOG_PLATFORM, platformTenant],
    [env.AUDIT_LOG_US1 as R2Bucket, shop.tenantId],
  ] as const)
    while ((await bucket.list({ prefix: `${owner}/checkpoints/` })).objects.length === 0) {
      await deployment.runCron();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
});

after(() => deployment?.stop());

test("untouched, the platform's audit and a tenant's fit the logs in their buckets", async () => {
  const env = await deployment.env();
  for (const [name, id] of [
    [platformTenant, platformTenant],
    [businesses[1].slug, shop.tenantId],
    [shop.tenantId, shop.tenantId],
  ] as const) {
    const { said, isDone } = await verifyAudit(env, name);
    assert.ok(isDone, said);
    assert.match(said, /^ {7}\d+ leaves under \d signed heads/m);
    assert.ok(said.includes(`localhost:8787/audit/${id}, `), said);
  }
  assert.deepEqual(await verifyAudit(env, "nobody"), { said: "There is no tenant nobody.", isDone: false });
});

test("a row of the directory's audit that is edited is named, and no tenant's", async () => {
  const env = await deployment.env();
  await env.DIRECTORY.exec("drop trigger audit_log_refuses_update");
  await env.DIRECTORY.prepare("update audit_log set actor_id = 'mallory' where seq = 2").run();
  const { said, isDone } = await verifyAudit(env, platformTenant);
  assert.deepEqual([isDone, said.split("\n")[0]], [false, "FAULT  Row 2 was edited."]);
  assert.ok((await verifyAudit(env, shop.tenantId)).isDone);
});
