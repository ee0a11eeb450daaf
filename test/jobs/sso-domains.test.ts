import { beforeEach, expect, test } from "vitest";
import { ssoDomainClaimsOf } from "#gate/sso-claims.ts";
import { checkSsoDomains } from "#jobs/check-sso-domains.ts";
import { sweepDomainClaims } from "#jobs/sweep-domain-claims.ts";
import { dayMs, hourMs, timestamp } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import { newId } from "#platform/ids.ts";
import { isSettle, killing } from "#test/deaths.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import {
  call,
  claimsOf,
  listed,
  newConnection,
  newVerifiedDomain,
  setTxt,
  type TestDomain,
} from "#test/resources/sso/kit.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { DIRECTORY } = testEnv();
const start = Date.now();

beforeEach(async () => {
  // Those of the tests before would be due as well.
  await rowsOf(testEnv().CELL_US1 as D1Database, "delete from sso_domains");
  await rowsOf(DIRECTORY, "delete from sso_domain_claims");
});

async function check(days: number, env: TestEnv = testEnv()): Promise<void> {
  const cell = cellOf(env, "us1");
  if (!cell) throw new Error("There is no cell us1.");
  await checkSsoDomains(env, cell, start + days * dayMs);
}

async function read(tenant: TestTenant, { id }: TestDomain) {
  return (await call("sso-domains.get", { ...as(tenant), params: { domainId: id } })).json;
}

async function stateOfClaim({ domain }: TestDomain) {
  return (await claimsOf(DIRECTORY, domain)).map(({ state }) => state);
}

test("a domain that stands as it was is asked for once a day, and leaves no trace but when", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  const before = await read(tenant, domain);
  await check(0.9);
  expect(await read(tenant, domain)).toEqual(before);
  await check(1.1);
  expect(await read(tenant, domain)).toEqual({ ...before, checkedAt: timestamp(start + 1.1 * dayMs) });
  const told = "select 1 from audit_log where tenant_id = ? and operation = 'sso-domains.check'";
  expect(await rowsOf(tenant.cell.database, told, tenant.tenantId)).toEqual([]);
});

test("a record that is gone for seven days, and no less, ends the domain", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  const params = { domainId: domain.id };
  await call("sso-domains.update", { ...as(tenant), params, body: { isEnforced: true } });
  await setTxt(domain.recordName, "v=spf1 -all");
  await check(1.1);
  const missingSince = timestamp(start + 1.1 * dayMs);
  expect(await read(tenant, domain)).toMatchObject({ state: "verified", isEnforced: true, missingSince });
  for (const days of [2.2, 5, 8.09]) await check(days);
  expect(await read(tenant, domain)).toMatchObject({ state: "verified", isEnforced: true, missingSince });
  expect(await stateOfClaim(domain)).toEqual(["live"]);
  await check(9.1);
  // Nobody can sign in by it, so nobody must.
  expect(await read(tenant, domain)).toMatchObject({ state: "lapsed", isEnforced: false });
  expect(await stateOfClaim(domain)).toEqual(["ended"]);
  const told = await rowsOf(
    tenant.cell.database,
    "select data from events where tenant_id = ? and type = 'sso_domain.lapsed'",
    tenant.tenantId,
  );
  expect(told).toEqual([{ data: JSON.stringify({ domainId: domain.id }) }]);
  // Whoever has the domain by now may have it here.
  const other = await newTenant();
  const theirs = await listed(other, (await newConnection(other)).id, domain.domain);
  await setTxt(theirs.recordName, theirs.recordValue);
  const verified = await call("sso-domains.verify", { ...as(other), params: { domainId: theirs.id } });
  expect(verified.json.state).toBe("verified");
});

test("a record that comes back in time was never gone", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  await setTxt(domain.recordName);
  await check(1.1);
  expect((await read(tenant, domain)).missingSince).not.toBeNull();
  await setTxt(domain.recordName, domain.recordValue);
  await check(7.5);
  expect((await read(tenant, domain)).missingSince).toBeNull();
  await setTxt(domain.recordName);
  for (const days of [8.6, 14]) await check(days);
  expect((await read(tenant, domain)).state).toBe("verified");
});

test("a lapsed domain is verified again as it was at first", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  await setTxt(domain.recordName);
  for (const days of [1.1, 9]) await check(days);
  expect((await read(tenant, domain)).state).toBe("lapsed");
  await setTxt(domain.recordName, domain.recordValue);
  const params = { domainId: domain.id };
  const { json } = await call("sso-domains.verify", { ...as(tenant), params });
  expect(json).toMatchObject({ state: "verified", isEnforced: false, missingSince: null });
  expect(await stateOfClaim(domain)).toEqual(["live"]);
});

test("a resolver that does not answer lapses nothing, however long it is away", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  await setTxt(domain.recordName);
  await check(1.1);
  const env = envWith({ DOH_URL: "https://receiver.example/status/503" });
  for (const days of [3, 9, 40]) await check(days, env);
  expect((await read(tenant, domain)).state).toBe("verified");
  expect(await stateOfClaim(domain)).toEqual(["live"]);
});

test("a run asks for 25, those first that were not asked for longest", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  await rowsOf(
    tenant.cell.database,
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < 29) insert into sso_domains (tenant_id, id, connection_id, domain, proof, state, is_enforced, verified_at, checked_at, version, created_at, updated_at) select tenant_id, id || i, connection_id, i || '.' || domain, proof, state, 0, verified_at, '2020-01-' || printf('%02d', i), version, created_at, updated_at from sso_domains cross join n where id = ?",
    domain.id,
  );
  await check(1.1);
  const waiting = await rowsOf<{ checked_at: string }>(
    tenant.cell.database,
    "select checked_at from sso_domains where tenant_id = ? and checked_at < ? order by checked_at",
    tenant.tenantId,
    timestamp(start + dayMs),
  );
  expect(waiting.map(({ checked_at: at }) => at.slice(0, 10))).toEqual([
    ...["2020-01-26", "2020-01-27", "2020-01-28", "2020-01-29"],
    timestamp(start).slice(0, 10),
  ]);
});

test("a lapse that dies before it is told to the directory is told by the sweep", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  await setTxt(domain.recordName);
  await check(1.1);
  const away = tapped(DIRECTORY, (texts, run) =>
    texts.some((text) => text.startsWith("update")) ? Promise.reject(new Error("killed")) : run(),
  );
  await check(9, envWith({ DIRECTORY: away }));
  expect([(await read(tenant, domain)).state, await stateOfClaim(domain)]).toEqual(["lapsed", ["live"]]);
  await sweepDomainClaims(testEnv(), start + 9.1 * dayMs);
  expect(await stateOfClaim(domain)).toEqual(["ended"]);
});

test("a domain that is verified again in the midst of its lapse keeps its claim", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  await setTxt(domain.recordName);
  await check(1.1);
  const run = { job: "test", requestId: newId("run"), now: start };
  const claims = ssoDomainClaimsOf(testEnv(), tenant.tenantId, run);
  const cell = tapped(testEnv().CELL_US1 as D1Database, async (texts, commit) => {
    // As a verification does that has found the record meanwhile.
    if (texts.some((text) => text.startsWith('insert into "commits"'))) await claims.claim(domain);
    return await commit();
  });
  await check(9, envWith({ CELL_US1: cell }));
  expect([(await read(tenant, domain)).state, await stateOfClaim(domain)]).toEqual(["lapsed", ["live"]]);
});

test("a claim without a row ends, and one of a verification under way is left alone for an hour", async () => {
  const tenant = await newTenant();
  const [gone, under] = [await newVerifiedDomain(tenant), await newVerifiedDomain(tenant)];
  await rowsOf(tenant.cell.database, "delete from sso_domains where id = ?", gone.id);
  await rowsOf(tenant.cell.database, "update sso_domains set state = 'pending' where id = ?", under.id);
  await setAge(under, 0.99 * hourMs);
  await sweepDomainClaims(testEnv(), start + 1.1 * dayMs);
  expect([await stateOfClaim(gone), await stateOfClaim(under)]).toEqual([["ended"], ["live"]]);
  await sweepDomainClaims(testEnv(), start + 2.2 * dayMs);
  expect(await stateOfClaim(under)).toEqual(["ended"]);
});

test("a pointer at another connection than the row's is set right", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  const { id: connectionId } = await newConnection(tenant);
  const env = killing({ before: isSettle });
  const params = { domainId: domain.id };
  await call("sso-domains.update", { ...as(tenant), params, body: { connectionId }, env });
  const pointsAt = async () => (await claimsOf(DIRECTORY, domain.domain))[0]?.connection_id;
  expect(await pointsAt()).toBe(connectionId);
  await rowsOf(DIRECTORY, "update sso_domain_claims set connection_id = 'sso_x' where id = ?", domain.id);
  await sweepDomainClaims(testEnv(), start + 0.9 * dayMs);
  expect(await pointsAt()).toBe("sso_x");
  await sweepDomainClaims(testEnv(), start + 1.1 * dayMs);
  expect(await pointsAt()).toBe(connectionId);
});

test("claims of a cell that is away stand, and hold up no other's", async () => {
  const [here, there] = [await newTenant("signs"), await newTenant("cafe")];
  const [away, gone] = [await newVerifiedDomain(here), await newVerifiedDomain(there)];
  for (const { cell, tenantId } of [here, there])
    await rowsOf(cell.database, "delete from sso_domains where tenant_id = ?", tenantId);
  const down = tapped(testEnv().CELL_US1 as D1Database, () => Promise.reject(new Error("D1 is down")));
  await sweepDomainClaims(envWith({ CELL_US1: down }), start + 1.1 * dayMs);
  expect([await stateOfClaim(away), await stateOfClaim(gone)]).toEqual([["live"], ["ended"]]);
  await sweepDomainClaims(testEnv(), start + 2.2 * dayMs);
  expect(await stateOfClaim(away)).toEqual(["ended"]);
});

test("a claim that ended is forgotten after thirty days", async () => {
  const tenant = await newTenant();
  const domain = await newVerifiedDomain(tenant);
  await call("sso-domains.remove", { ...as(tenant), params: { domainId: domain.id } });
  await sweepDomainClaims(testEnv(), start + 29.9 * dayMs);
  expect(await stateOfClaim(domain)).toEqual(["ended"]);
  await sweepDomainClaims(testEnv(), start + 30.1 * dayMs);
  expect(await stateOfClaim(domain)).toEqual([]);
});

/** How old a claim is at the first sweep of a test, a day and a bit after its start. */
async function setAge({ id }: TestDomain, ms: number): Promise<void> {
  const at = timestamp(start + 1.1 * dayMs - ms);
  await rowsOf(DIRECTORY, "update sso_domain_claims set updated_at = ? where id = ?", at, id);
}
