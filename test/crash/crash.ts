import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { businesses } from "#cli/businesses.ts";
import { mintDemoKey, seedTenant } from "#cli/seed.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { bundle, type Deployment, deploy } from "#test/bench/deployment.ts";
import { breaches, logBreaches } from "./verify.ts";
import { type Shop, send, Writers } from "./writers.ts";

// Kills workerd with writes in flight, restarts it on the same files and retries what was not acknowledged: nothing
// that was acknowledged may be lost, nothing may be without its audit row and event, nothing may be there twice.

// Says of each idempotency record that it is on its way to D1, before it is: what a killed workerd has told stays told.
const told = "to D1: ";
const teller = `
import { env as bindings } from "cloudflare:workers";
const session = Object.getPrototypeOf(bindings.CELL_US1.withSession());
const { batch } = session;
session.batch = function (statements) {
  for (const { statement, params } of statements)
    if (statement.startsWith('insert into "idempotency"')) console.log("${told}" + params[3]);
  return batch.call(this, statements);
};
`;

const leastKills = 10;
const mostKills = 60;
const clients = 16;
const leastInFlight = 8;

const statePath = await mkdtemp(join(tmpdir(), "keyline-crash-"));
const script = await bundle();
/** The idempotency records that were handed to D1 since the last restart, by their tokens. */
const handedToD1 = new Set<string>();
let deployment = await start();
const { keks } = deployment;
const { shop: seeded, tenantId } = await seed(deployment);
let shop = seeded;
const writers = new Writers(() => shop);
const seen = { kills: 0, committed: 0, rolledBack: 0, midLog: 0, leaves: 0 };

while (
  seen.kills < leastKills ||
  (seen.kills < mostKills && (seen.committed === 0 || seen.rolledBack === 0 || seen.midLog === 0))
) {
  const running = writers.run(clients);
  await untilInFlight();
  process.kill(deployment.workerdPid, "SIGKILL");
  seen.kills += 1;
  await running;
  await deployment.stop().catch(() => undefined);
  deployment = await start(keks);
  shop = { ...shop, base: baseOf(deployment) };
  await classify();
  await retryAll();
}

const found = await breaches(await deployment.env(), tenantId, writers.wishes);
const { leaves, faults } = await logBreaches(deployment, tenantId, shop);
found.push(...faults);
await deployment.stop();
await rm(statePath, { recursive: true, force: true });
if (seen.committed === 0) found.push("no kill met a write that was committed and not acknowledged");
if (seen.rolledBack === 0) found.push("no kill met a write that was rolled back");
// Had no queue led to a leaf before a kill, the tree would only have been at work once all kills were over.
if (seen.midLog === 0) found.push("no kill met the audit's log on its way");
console.log(
  `${seen.kills} kills, ${writers.wishes.length} writes, ${seen.committed} committed without being acknowledged, ${seen.rolledBack} rolled back, ${leaves} leaves in the audit's log (${seen.leaves} of them before the last kill; ${seen.midLog} kills met it on its way), ${found.length} breaches`,
);
for (const breach of found.slice(0, 20)) console.error(breach);
process.exit(found.length === 0 ? 0 : 1);

async function untilInFlight(): Promise<void> {
  const before = writers.wishes.length;
  // The queue that wakes the audit's log waits a second for more: every third round lasts long enough for that.
  const isOver = seen.kills % 3 === 2 ? AbortSignal.timeout(2500) : AbortSignal.abort();
  // Some writes of each round are answered first, so that kills meet clients at every stage.
  while (!isOver.aborted || writers.wishes.length < before + clients * 4 || writers.inFlight < leastInFlight)
    await new Promise((resolve) => setTimeout(resolve, randomInt(5)));
}

function start(keks?: string): Promise<Deployment> {
  return deploy(script, {
    statePath,
    prelude: teller,
    log: (line) => {
      if (line.startsWith(told)) handedToD1.add(line.slice(told.length));
    },
    ...(keks ? { keks } : {}),
  });
}

// By what lies in the database before any retry. A retry's own answer says less: "new" may be of a request that never
// came as far as D1, and "replayed" of one that an earlier retry had done.
async function classify(): Promise<void> {
  const { CELL_US1: database } = await deployment.env();
  const { results } = await (database as D1Database)
    .prepare("select key_token as token from idempotency where tenant_id = ?")
    .bind(tenantId)
    .all<{ token: string }>();
  const tokens = new Set(results.map(({ token }) => token));
  // Every write of the tenant is a wish's, and each that was acknowledged must have its record.
  seen.committed += tokens.size - writers.wishes.filter(({ id }) => id !== null).length;
  seen.rolledBack += [...handedToD1].filter((token) => !tokens.has(token)).length;
  handedToD1.clear();
  const log = await (database as D1Database)
    .prepare("select value, logged from counters where tenant_id = ? and name = 'audit'")
    .bind(tenantId)
    .first<{ value: number; logged: number }>();
  seen.leaves = log?.logged ?? 0;
  if (log && 0 < log.logged && log.logged < log.value) seen.midLog += 1;
}

async function retryAll(): Promise<void> {
  const open = writers.unacknowledged.splice(0);
  await Promise.all(
    open.map(async (wish) => {
      for (let tries = 0; tries < 20 && wish.id === null; tries += 1) {
        await send(shop, wish);
        if (wish.id === null) await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }),
  );
}

async function seed(target: Deployment): Promise<{ shop: Shop; tenantId: string }> {
  const env = await target.env();
  const now = Date.now();
  await ensureDirectoryKeys(env, now);
  const tenant = await seedTenant(env, businesses[1], now);
  if (!tenant) throw new Error("The new state held a tenant already.");
  const { key } = await mintDemoKey(env, tenant.cell, tenant.tenantId, tenant.memberIds.owner, now);
  const [customerId = ""] = tenant.customerIds;
  return {
    shop: { base: baseOf(target), key, customerId, locationId: tenant.locationIds[0] },
    tenantId: tenant.tenantId,
  };
}

function baseOf({ url }: Deployment): string {
  return `${url.origin}/v1/tenants/${businesses[1].slug}`;
}
