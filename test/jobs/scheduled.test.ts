import { beforeAll, expect, test, vi } from "vitest";
import { runScheduled } from "#jobs/scheduled.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { counted } from "#test/counted.ts";
import { testEnv } from "#test/env.ts";
import { draw, operations } from "#test/http/drawings.ts";
import { createCustomer } from "#test/http/kit.ts";
import { announced, rowsLeft } from "#test/resources/files/kit.ts";
import { newVerifiedDomain, setTxt } from "#test/resources/sso/kit.ts";
import { envWith, newTenant, proxied, rowsOf, type TestTenant, tapped } from "#test/world.ts";

// That each job is among what cron does, in every cell; how each does its work is for its own tests. The call log's
// jobs have theirs in call-retention.test.ts.

const { env, counts } = counted();
/** When everything that a tenant began today is due: the longest is kept 31 days. */
const later = Date.now() + 32 * dayMs;
const dueEndpoint = "whe_due";

let tenants: readonly TestTenant[];

beforeAll(async () => {
  tenants = [await newTenant("signs"), await newTenant("cafe")];
  for (const tenant of tenants) await leaveWork(tenant);
  const before = await stateOfDirectory();
  expect([before.keys, before.commits > 0]).toEqual([1, true]);
  for (const tenant of tenants)
    expect(await workLeft(tenant)).toEqual({
      records: 1,
      drawn: 0,
      files: 1,
      attempts: 1,
      domains: 1,
      claims: 2,
    });
  await runScheduled(env, operations, later);
});

test("cron makes the successor of a signing key that nears its age, and the directory's old rows end", async () => {
  expect(await stateOfDirectory()).toEqual({ keys: 2, commits: 0 });
});

test("cron has the platform's own audit logged", async () => {
  const [counter] = await rowsOf(
    testEnv().DIRECTORY,
    "select value, logged from counters where tenant_id = 'platform' and name = 'audit'",
  );
  expect(counter?.value).toBeGreaterThan(2);
  expect(counter?.logged).toBe(counter?.value);
});

test("cron wakes each tenant whose events wait", () => {
  expect(bodiesOf(counts.sent)).toEqual(
    expect.arrayContaining(tenants.map(({ tenantId }) => ({ v: 1, tenantId }))),
  );
});

test("cron wakes each endpoint that has deliveries due", () => {
  const due = tenants.map(({ tenantId }) => ({ v: 1, tenantId, endpointId: dueEndpoint }));
  expect(bodiesOf(counts.woken)).toEqual(expect.arrayContaining(due));
});

test("cron resumes effects, purges files and ends what is kept for a time, in each cell", async () => {
  for (const tenant of tenants)
    expect(await workLeft(tenant)).toEqual({
      records: 0,
      drawn: 1,
      files: 0,
      attempts: 0,
      domains: 0,
      claims: 0,
    });
});

test("a job that fails, and a cell that is away, keep no other from its work", async () => {
  const printed = vi.spyOn(console, "error").mockReturnValue();
  const away = (database: D1Database) => tapped(database, () => Promise.reject(new Error("D1 is down")));
  const down = counted({
    DIRECTORY: away(testEnv().DIRECTORY),
    CELL_US1: away(testEnv().CELL_US1 as D1Database),
  });
  await runScheduled(down.env, operations, later);
  expect(bodiesOf(down.counts.woken)).toMatchObject([{ tenantId: tenants[1]?.tenantId }]);
  const failed = printed.mock.calls.map(([line]) => JSON.parse(String(line)).job);
  printed.mockRestore();
  expect(failed).toEqual([
    "directory-keys",
    "old peppers",
    "directory-wraps",
    "directory-key-rotation",
    "directory-schema",
    "mails",
    "alerts of the platform",
    "notices to the operator",
    "ended sessions",
    "identity events",
    "accounts",
    "visits of support",
    "closed accounts",
    "domains us1",
    "domain claims",
    "directory-retention",
    ...[
      ...[
        "schema",
        "audit",
        "sinks",
        "events",
        "alerts",
        "intents",
        "webhooks",
        "secrets",
        "api keys",
        "rows",
        "retention",
        "wraps",
      ],
      "keys",
    ].map((job) => `${job} us1`),
    "sinks of the platform",
    "files us1",
  ]);
});

/** One thing for each job of a cell to find. */
async function leaveWork(tenant: TestTenant): Promise<void> {
  const { cell, tenantId } = tenant;
  expect((await createCustomer(tenant, { key: "kept" })).status).toBe(201);
  await announced(tenant);
  const killed = proxied(cell.files, { put: () => Promise.reject(new Error("killed")) });
  expect((await draw(tenant, {}, envWith({ [`FILES_${cell.id.toUpperCase()}`]: killed }))).status).toBe(502);
  await rowsOf(
    cell.database,
    "insert into webhook_queues (tenant_id, endpoint_id, next_due_at) values (?, ?, ?)",
    tenantId,
    dueEndpoint,
    timestamp(Date.now()),
  );
  await rowsOf(
    cell.database,
    "insert into webhook_attempts (tenant_id, id, delivery_id, outcome, duration_ms, created_at) values (?, 'whA_old', 'whd_old', 'answered', 1, ?)",
    tenantId,
    timestamp(Date.now()),
  );
  await leaveDomain(tenant);
}

/** A verified domain of which DNS knows nothing for long, and a claim without any row. */
async function leaveDomain(tenant: TestTenant): Promise<void> {
  const { id, recordName } = await newVerifiedDomain(tenant);
  await setTxt(recordName);
  await rowsOf(tenant.cell.database, "update sso_domains set missing_since = created_at where id = ?", id);
  await rowsOf(
    testEnv().DIRECTORY,
    "insert into sso_domain_claims (tenant_id, id, domain, owner_id, connection_id, state, checked_at, version, created_at, updated_at) select tenant_id, id || 'x', 'x.' || domain, owner_id, connection_id, state, checked_at, version, created_at, updated_at from sso_domain_claims where id = ?",
    id,
  );
}

async function workLeft(tenant: TestTenant) {
  const { cell, tenantId } = tenant;
  const records = await rowsOf(
    cell.database,
    "select 1 from idempotency where tenant_id = ? and operation = 'customers.create'",
    tenantId,
  );
  const attempts = await rowsOf(
    cell.database,
    "select 1 from webhook_attempts where tenant_id = ?",
    tenantId,
  );
  const domains = await rowsOf(
    cell.database,
    "select 1 from sso_domains where tenant_id = ? and state = 'verified'",
    tenantId,
  );
  const claims = await rowsOf(
    testEnv().DIRECTORY,
    "select 1 from sso_domain_claims where owner_id = ? and state = 'live'",
    tenantId,
  );
  const { objects } = await cell.files.list({ prefix: `${tenantId}/drawings/` });
  const { files } = await rowsLeft(tenant);
  return {
    ...{ records: records.length, drawn: objects.length, files, attempts: attempts.length },
    ...{ domains: domains.length, claims: claims.length },
  };
}

async function stateOfDirectory() {
  const { DIRECTORY } = testEnv();
  const keys = await rowsOf(DIRECTORY, "select 1 from signing_keys");
  // Those of cron's own run are as young as its time.
  const commits = await rowsOf(DIRECTORY, "select 1 from commits where created_at < ?", timestamp(later));
  return { keys: keys.length, commits: commits.length };
}

function bodiesOf(batches: readonly unknown[]): unknown[] {
  return batches.flatMap((batch) => (Array.isArray(batch) ? batch.map(({ body }) => body) : []));
}
