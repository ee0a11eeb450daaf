import { afterEach, expect, test, vi } from "vitest";
import { ssoDomainClaimsOf } from "#gate/sso-claims.ts";
import { sweepIntents } from "#jobs/sweep-intents.ts";
import { minuteMs } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { registry } from "#resources/index.ts";
import { isIntend, isSettle, killing } from "#test/deaths.ts";
import { type TestEnv, testEnv } from "#test/env.ts";
import { failingAt } from "#test/failing-commits.ts";
import { as, envWith, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";
import {
  call,
  claimsOf,
  listed,
  newConnection,
  newDomain,
  newName,
  newProvenDomain,
  newVerifiedDomain,
  setTxt,
} from "./kit.ts";

const { DIRECTORY } = testEnv();

afterEach(() => void vi.restoreAllMocks());

function verify(tenant: TestTenant, domainId: string, env: TestEnv = testEnv()) {
  return call("sso-domains.verify", { ...as(tenant), params: { domainId }, env });
}

function stateOf({ cell }: TestTenant, id: string) {
  return rowsOf<{ state: string }>(cell.database, "select state from sso_domains where id = ?", id);
}

test("a domain is listed with what DNS must say, and is the tenant's once it says so", async () => {
  const tenant = await newTenant();
  const domain = newName();
  const made = await newDomain(tenant, domain.toUpperCase());
  expect(made).toMatchObject({
    domain,
    state: "pending",
    isEnforced: false,
    recordName: `_keyline.${domain}`,
  });
  expect(made.recordValue).toMatch(/^keyline-domain-proof=[0-9a-hjkmnp-tv-z]{32}$/);
  const early = await verify(tenant, made.id);
  expect([early.status, early.json.type]).toEqual([409, "/problems/domain-not-proven"]);
  await setTxt(made.recordName, "v=spf1 -all", `${made.recordValue.slice(0, -1)}`, `x${made.recordValue}`);
  expect((await verify(tenant, made.id)).json.type).toBe("/problems/domain-not-proven");
  expect(await claimsOf(DIRECTORY, domain)).toEqual([]);
  await setTxt(made.recordName, "v=spf1 -all", made.recordValue);
  const verified = await verify(tenant, made.id);
  expect([verified.status, verified.json.state]).toEqual([200, "verified"]);
  expect(verified.json.verifiedAt).toBe(verified.json.checkedAt);
  const { id, connectionId } = made;
  const claim = { id, owner_id: tenant.tenantId, connection_id: connectionId, state: "live" };
  expect(await claimsOf(DIRECTORY, domain)).toEqual([claim]);
  // Asked again, it does no more than it did.
  expect((await verify(tenant, made.id)).json.verifiedAt).toBe(verified.json.verifiedAt);
  expect(await claimsOf(DIRECTORY, domain)).toEqual([claim]);
  const told = await rowsOf(
    tenant.cell.database,
    "select data from events where tenant_id = ? and type = 'sso_domain.verified'",
    tenant.tenantId,
  );
  expect(told).toEqual([{ data: JSON.stringify({ domainId: id }) }]);
});

test("of two tenants that verify one domain at once, both with their proof in DNS, exactly one speaks for it", async () => {
  const [one, other] = [await newTenant("signs"), await newTenant("cafe")];
  for (let round = 0; round < 4; round += 1) {
    const domain = newName();
    const [mine, theirs] = [await newDomain(one, domain), await newDomain(other, domain)];
    await setTxt(mine.recordName, mine.recordValue, theirs.recordValue);
    const env = envWith({ DIRECTORY: bothReading() });
    const answers = await Promise.all([verify(one, mine.id, env), verify(other, theirs.id, env)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.json.type).toBe("/problems/domain-taken");
    const claims = await claimsOf(DIRECTORY, domain);
    expect(claims.map(({ state }) => state)).toEqual(["live"]);
    const states = [...(await stateOf(one, mine.id)), ...(await stateOf(other, theirs.id))];
    expect(states.map(({ state }) => state).toSorted()).toEqual(["pending", "verified"]);
    const [winner, loser] = claims[0]?.id === mine.id ? [one, other] : [other, one];
    const lost = winner === one ? theirs.id : mine.id;
    expect((await verify(loser, lost)).json.type).toBe("/problems/domain-taken");
    // It is free once the first has taken it away.
    const params = { domainId: winner === one ? mine.id : theirs.id };
    expect((await call("sso-domains.remove", { ...as(winner), params })).status).toBe(204);
    expect((await verify(loser, lost)).json.state).toBe("verified");
    await makeRoom(one, other);
  }
});

test("one domain that is verified several times at once is claimed once", async () => {
  const tenant = await newTenant();
  const { id, domain } = await newProvenDomain(tenant);
  const env = envWith({ DIRECTORY: bothReading() });
  const answers = await Promise.all([verify(tenant, id, env), verify(tenant, id, env)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect((await claimsOf(DIRECTORY, domain)).map(({ state }) => state)).toEqual(["live"]);
});

for (const [when, at] of [
  ["before the claim", { after: isIntend }],
  ["between claim and cell row", { before: isSettle }],
  ["after both", { after: isSettle }],
] as const) {
  for (const how of ["the sweeper", "asking again"]) {
    test(`killed ${when}, a verification is brought to its end by ${how}`, async () => {
      const tenant = await newTenant();
      const { id, domain } = await newProvenDomain(tenant);
      const died = await verify(tenant, id, killing(at));
      expect(died.status).toBe(500);
      if (how === "the sweeper")
        await sweepIntents(testEnv(), tenant.cell, registry, Date.now() + 5 * minuteMs);
      else expect((await verify(tenant, id)).status).toBe(200);
      expect(await stateOf(tenant, id)).toEqual([{ state: "verified" }]);
      expect((await claimsOf(DIRECTORY, domain)).map(({ state }) => state)).toEqual(["live"]);
      await sweepIntents(testEnv(), tenant.cell, registry, Date.now() + 10 * minuteMs);
      expect(await stateOf(tenant, id)).toEqual([{ state: "verified" }]);
    });
  }
}

test("a failure at any statement of the claim leaves none, and what was asked for is good as before", async () => {
  const tenant = await newTenant();
  const { id, domain } = await newProvenDomain(tenant);
  const seen = { commits: 0, most: 0 };
  for (let at = 0; at <= seen.most; at += 1) {
    const env = envWith({ DIRECTORY: failingAt(DIRECTORY, at, seen) });
    const failed = await verify(tenant, id, env);
    expect([failed.status, failed.json.type]).toEqual([502, "/problems/upstream-failed"]);
    expect(failed.headers.get("retry-after")).toBe("120");
    expect([await claimsOf(DIRECTORY, domain), await stateOf(tenant, id)]).toEqual([
      [],
      [{ state: "pending" }],
    ]);
  }
  expect(seen.commits).toBe(seen.most + 1);
  expect((await verify(tenant, id)).json.state).toBe("verified");
});

test("a domain removed while it was being verified leaves no claim", async () => {
  const tenant = await newTenant();
  const { id, domain } = await newProvenDomain(tenant);
  await verify(tenant, id, killing({ before: isSettle }));
  expect((await claimsOf(DIRECTORY, domain)).map(({ state }) => state)).toEqual(["live"]);
  const remove = await call("sso-domains.remove", { ...as(tenant), params: { domainId: id } });
  expect(remove.status).toBe(204);
  expect((await claimsOf(DIRECTORY, domain)).map(({ state }) => state)).toEqual(["ended"]);
  await sweepIntents(testEnv(), tenant.cell, registry, Date.now() + 5 * minuteMs);
  expect((await claimsOf(DIRECTORY, domain)).map(({ state }) => state)).toEqual(["ended"]);
  const intents = await rowsOf(
    tenant.cell.database,
    "select state from intents where tenant_id = ? order by id",
    tenant.tenantId,
  );
  expect(intents).toEqual([{ state: "abandoned" }, { state: "settled" }]);
});

test("a removal that dies after its cell is told to the directory by the sweeper", async () => {
  const tenant = await newTenant();
  const { id, domain } = await newVerifiedDomain(tenant);
  const params = { domainId: id };
  const died = await call("sso-domains.remove", { ...as(tenant), params, env: killing({ after: isIntend }) });
  expect(died.status).toBe(500);
  expect(await stateOf(tenant, id)).toEqual([]);
  expect((await claimsOf(DIRECTORY, domain)).map(({ state }) => state)).toEqual(["live"]);
  await sweepIntents(testEnv(), tenant.cell, registry, Date.now() + 5 * minuteMs);
  expect((await claimsOf(DIRECTORY, domain)).map(({ state }) => state)).toEqual(["ended"]);
});

test("a resolver that is away is said so, and nothing came of it", async () => {
  const tenant = await newTenant();
  const { id, domain } = await newProvenDomain(tenant);
  for (const url of ["https://receiver.example/status/503", "https://receiver.example/hooks"]) {
    const away = await verify(tenant, id, envWith({ DOH_URL: url }));
    expect([away.status, away.json.type]).toEqual([503, "/problems/unavailable"]);
    expect(away.headers.get("retry-after")).toBe("30");
  }
  expect([await claimsOf(DIRECTORY, domain), await stateOf(tenant, id)]).toEqual([
    [],
    [{ state: "pending" }],
  ]);
  expect((await verify(tenant, id)).status).toBe(200);
});

test("single sign-on is enforced where the domain is verified alone, and another connection is followed", async () => {
  const tenant = await newTenant();
  const { id, domain, recordName, recordValue } = await newDomain(tenant);
  const change = (body: object, headers = {}) =>
    call("sso-domains.update", { ...as(tenant), params: { domainId: id }, body, headers });
  expect((await change({ isEnforced: true })).json.type).toBe("/problems/domain-not-proven");
  await setTxt(recordName, recordValue);
  const { json: verified } = await verify(tenant, id);
  expect((await change({ isEnforced: true }, { "If-Match": '"1"' })).status).toBe(412);
  const tag = `"${verified.version}"`;
  const enforced = await change({ isEnforced: true }, { "If-Match": tag });
  expect([enforced.status, enforced.json.isEnforced, enforced.headers.get("etag")]).toEqual([
    200,
    true,
    `"${verified.version + 1}"`,
  ]);
  const { id: connectionId } = await newConnection(tenant);
  expect((await change({ connectionId })).json).toMatchObject({ connectionId, isEnforced: true });
  expect((await claimsOf(DIRECTORY, domain))[0]?.connection_id).toBe(connectionId);
  const foreign = await newConnection(await newTenant());
  for (const absent of [foreign.id, newId("sso")]) {
    const refused = await change({ connectionId: absent });
    expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/connectionId"]);
  }
});

test("of two changes of one version one is refused", async () => {
  const tenant = await newTenant();
  const { id, version } = await newVerifiedDomain(tenant);
  const headers = { "If-Match": `"${version}"` };
  const answers = await Promise.all(
    Array.from({ length: 6 }, () =>
      call("sso-domains.update", {
        ...as(tenant),
        params: { domainId: id },
        body: { isEnforced: true },
        headers,
      }),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(5).fill(412)]);
});

test("of 25 domains listed at once there are twenty, and of one name one", async () => {
  const tenant = await newTenant();
  const { id: connectionId } = await newConnection(tenant);
  const create = (domain: string) =>
    call("sso-domains.create", { ...as(tenant), body: { domain, connectionId } });
  const name = newName();
  const same = await Promise.all([create(name), create(name), create(name)]);
  expect(same.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  for (const { status, json } of same) if (status === 409) expect(json.type).toBe("/problems/domain-taken");
  const many = await Promise.all(Array.from({ length: 24 }, () => create(newName())));
  const refused = many.filter(({ status }) => status !== 201);
  expect(refused.map(({ json }) => json.type)).toEqual(Array(5).fill("/problems/too-many-sso-domains"));
});

test("this deployment's own name, and what lies below it, is nobody's", async () => {
  const tenant = await newTenant();
  const { id: connectionId } = await newConnection(tenant);
  const env = envWith({ PUBLIC_ORIGIN: "https://api.keyline.example" });
  const create = (domain: string) =>
    call("sso-domains.create", { ...as(tenant), body: { domain, connectionId }, env });
  for (const domain of ["api.keyline.example", "x.api.keyline.example"]) {
    const { status, json } = await create(domain);
    expect([domain, status, json.errors?.[0].pointer]).toEqual([domain, 422, "/domain"]);
  }
});

test("a tenant's port can release and move no claim but its own", async () => {
  const [owner, other] = [await newTenant(), await newTenant()];
  const { id, domain, connectionId } = await newVerifiedDomain(owner);
  const run = { job: "test", requestId: newId("run"), now: Date.now() };
  const theirs = ssoDomainClaimsOf(testEnv(), other.tenantId, run);
  await theirs.release(id);
  await theirs.follow(id, newId("sso"));
  expect(await theirs.claim({ id: newId("sdo"), domain, connectionId })).toBe("taken");
  expect(await claimsOf(DIRECTORY, domain)).toEqual([
    { id, owner_id: owner.tenantId, connection_id: connectionId, state: "live" },
  ]);
});

test("a name that its tenant lists anew is claimed for the new row", async () => {
  const tenant = await newTenant();
  const { id, domain, connectionId } = await newVerifiedDomain(tenant);
  await call("sso-domains.remove", {
    ...as(tenant),
    params: { domainId: id },
    env: killing({ after: isIntend }),
  });
  const anew = await listed(tenant, connectionId, domain);
  await setTxt(anew.recordName, anew.recordValue);
  expect((await verify(tenant, anew.id)).status).toBe(200);
  const states = (await claimsOf(DIRECTORY, domain)).map((claim) => [claim.id, claim.state]);
  expect(states).toEqual([
    [id, "ended"],
    [anew.id, "live"],
  ]);
});

/** The directory, where two that look for a claim have both seen how it was before either goes on. */
function bothReading(): D1Database {
  let waiting: (() => void) | null = null;
  return tapped(DIRECTORY, async (texts, run) => {
    const result = await run();
    if (!texts.some((text) => /^select .*"sso_domain_claims"/s.test(text))) return result;
    if (waiting) waiting();
    else
      await new Promise<void>((resolve) => {
        waiting = resolve;
      });
    return result;
  });
}

async function makeRoom(...tenants: readonly TestTenant[]): Promise<void> {
  for (const { cell, tenantId } of tenants)
    for (const table of ["sso_domains", "sso_connections"])
      await rowsOf(cell.database, `delete from ${table} where tenant_id = ?`, tenantId);
}
