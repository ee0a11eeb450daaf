import { beforeAll, expect, test } from "vitest";
import { linkMember } from "#identity/outside/link-member.ts";
import { linkOrganization, unlinkOrganization } from "#identity/outside/organizations.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newIssuer, type TestIssuer } from "#test/outside.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await newIssuer();
});

test("of tenants that are linked to one organization at once, one is", async () => {
  const tenants = [await newTenant(), await newTenant(), await newTenant("cafe"), await newTenant("cafe")];
  const organization = anOrganization();
  const outcomes = await Promise.all(tenants.map((tenant) => link(organization, tenant)));
  expect(outcomes.toSorted()).toEqual(["linked", "taken", "taken", "taken"]);
  const claims = await rowsOf(
    testEnv().DIRECTORY,
    "select owner_id from outside_organization_claims where organization = ?",
    organization,
  );
  expect(claims).toEqual([{ owner_id: tenants[outcomes.indexOf("linked")]?.tenantId }]);
});

test("a tenant has one organization of an issuer, and may have one of another", async () => {
  const tenant = await newTenant();
  const outcomes = await Promise.all([link(anOrganization(), tenant), link(anOrganization(), tenant)]);
  expect(outcomes.toSorted()).toEqual(["linked", "tenant-has-another"]);
  expect(await link(anOrganization(), tenant, await newIssuer())).toBe("linked");
});

test("linking once more is the same link, many times at once too", async () => {
  const tenant = await newTenant();
  const organization = anOrganization();
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => link(organization, tenant)));
  expect(new Set(outcomes)).toEqual(new Set(["linked"]));
  expect(await linksOf(tenant, organization)).toEqual([{ state: "linked" }]);
});

test("a tenant that is not there, or no longer, is linked to nothing", async () => {
  const closed = await newTenant();
  await rowsOf(
    testEnv().DIRECTORY,
    "update directory_tenants set state = 'closed' where id = ?",
    closed.tenantId,
  );
  expect(await link(anOrganization(), { slug: "nobody-has-this-slug" })).toBe("no-such-tenant");
  expect(await link(anOrganization(), closed)).toBe("no-such-tenant");
  expect(await link(anOrganization(), { slug: closed.tenantId })).toBe("no-such-tenant");
});

test("what is being unlinked is unlinked to its end before it is linked again", async () => {
  const [tenant, next] = [await newTenant(), await newTenant()];
  const organization = anOrganization();
  await link(organization, tenant);
  // As if the Worker had died between the stores.
  await rowsOf(
    tenant.cell.database,
    "update outside_organizations set state = 'ended' where tenant_id = ? and organization = ?",
    tenant.tenantId,
    organization,
  );
  expect([await link(organization, tenant), await link(organization, next)]).toEqual([
    "being-unlinked",
    "taken",
  ]);
  expect([await unlink(organization), await unlink(organization)]).toEqual(["unlinked", "not-linked"]);
  expect([await link(organization, next), await linksOf(tenant, organization)]).toEqual([
    "linked",
    [{ state: "ended" }],
  ]);
});

test("who was let in by the old tenant is not by the new one", async () => {
  const [old, next] = [await newTenant(), await newTenant()];
  const [organization, subject] = [anOrganization(), "user_who_moves"];
  await link(organization, old);
  expect(await member({ organization, subject }, old.memberIds.owner)).toBe("linked");
  const status = async ({ slug }: TestTenant) => {
    const as = await issuer.token({ organization, subject, role: "org:boss" });
    return (await call("orders.list", { tenant: slug, as, env: issuer.env() })).status;
  };
  expect([await status(old), await status(next)]).toEqual([200, 404]);
  await unlink(organization);
  await link(organization, next);
  expect([await status(old), await status(next)]).toEqual([401, 401]);
});

test("a member is linked once, within the organization's tenant alone", async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const [organization, subject] = [anOrganization(), `user_${newId("x").slice(2)}`];
  const person = { organization, subject };
  expect(await member(person, tenant.memberIds.owner)).toBe("not-linked");
  await link(organization, tenant);
  expect(await member(person, other.memberIds.owner)).toBe("no-such-member");
  expect(await member(person, newId("mbr"))).toBe("no-such-member");
  const { owner, admin } = tenant.memberIds;
  const both = await Promise.all([member(person, owner), member(person, admin)]);
  expect(both.toSorted()).toEqual(["known-already", "linked"]);
  expect(await member(person, both[0] === "linked" ? owner : admin)).toBe("linked");
});

function anOrganization(): string {
  return `org_${newId("x").slice(2)}`;
}

function run() {
  return { job: "test.link", requestId: newId("run"), now: Date.now() };
}

function link(organization: string, { slug }: Pick<TestTenant, "slug">, of = issuer) {
  return linkOrganization(testEnv(), { issuer: of.entry.issuer, organization }, slug, run());
}

function unlink(organization: string) {
  return unlinkOrganization(testEnv(), { issuer: issuer.entry.issuer, organization }, run());
}

function member(person: { organization: string; subject: string }, memberId: string) {
  return linkMember(testEnv(), { issuer: issuer.entry.issuer, ...person }, memberId, run());
}

function linksOf({ cell, tenantId }: TestTenant, organization: string) {
  return rowsOf(
    cell.database,
    "select state from outside_organizations where tenant_id = ? and organization = ?",
    tenantId,
    organization,
  );
}
