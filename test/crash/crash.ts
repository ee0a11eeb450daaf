import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { businesses } from "#cli/businesses.ts";
import { mintDemoKey, seedTenant } from "#cli/seed.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { bundle, type Deployment, deploy } from "#test/bench/deployment.ts";
import { breaches } from "./verify.ts";
import { type Shop, send, Writers } from "./writers.ts";

// Kills workerd with writes in flight, restarts it on the same files and retries what was not acknowledged: nothing
// that was acknowledged may be lost, nothing may be without its audit row and event, nothing may be there twice.

const leastKills = 10;
const mostKills = 60;
const clients = 16;
const leastInFlight = 8;

const statePath = await mkdtemp(join(tmpdir(), "keyline-crash-"));
const script = await bundle();
let deployment = await deploy(script, { statePath });
const { keks } = deployment;
const { shop: seeded, tenantId } = await seed(deployment);
let shop = seeded;
const writers = new Writers(() => shop);
const seen = { kills: 0, committed: 0, rolledBack: 0 };

while (
  seen.kills < leastKills ||
  (seen.kills < mostKills && (seen.committed === 0 || seen.rolledBack === 0))
) {
  const running = writers.run(clients);
  await untilInFlight();
  process.kill(deployment.workerdPid, "SIGKILL");
  seen.kills += 1;
  await running;
  await deployment.stop().catch(() => undefined);
  deployment = await deploy(script, { statePath, keks });
  shop = { ...shop, base: baseOf(deployment) };
  await retryAll();
}

const found = await breaches(await deployment.env(), tenantId, writers.wishes);
await deployment.stop();
await rm(statePath, { recursive: true, force: true });
if (seen.committed === 0) found.push("no kill met a write that was committed and not acknowledged");
if (seen.rolledBack === 0) found.push("no kill met a write that was rolled back");
console.log(
  `${seen.kills} kills, ${writers.wishes.length} writes, ${seen.committed} committed without being acknowledged, ${seen.rolledBack} rolled back, ${found.length} breaches`,
);
for (const breach of found.slice(0, 20)) console.error(breach);
process.exit(found.length === 0 ? 0 : 1);

async function untilInFlight(): Promise<void> {
  const before = writers.wishes.length;
  // Some writes of each round are answered first, so that kills meet clients at every stage.
  while (writers.wishes.length < before + clients * 4 || writers.inFlight < leastInFlight)
    await new Promise((resolve) => setTimeout(resolve, randomInt(5)));
}

async function retryAll(): Promise<void> {
  const open = writers.unacknowledged.splice(0);
  await Promise.all(
    open.map(async (wish) => {
      for (let tries = 0; tries < 20 && wish.id === null; tries += 1) {
        const answer = await send(shop, wish);
        // By the first try alone: what a later one finds may be an earlier try's doing. A replay can then be of nothing
        // but the write that was killed, and "new" says that it left nothing, which is all that a client can see of a
        // rollback: no trace tells one that was under way in D1 from one that was about to be.
        if (tries === 0 && answer === "replayed") seen.committed += 1;
        if (tries === 0 && answer === "new") seen.rolledBack += 1;
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
