import { beforeAll, expect, test } from "vitest";
import { businesses } from "#cli/businesses.ts";
import { mintDemoKey, type Seeded, seedTenant } from "#cli/seed.ts";
import { isTechnicalTable, tenantlessTables } from "#db/technical-tables.ts";
import { tenantTables } from "#db/tenant-table.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { registry } from "#resources/index.ts";
import { newOperatorNotice } from "#test/alert-examples.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { exampleOf } from "#test/examples.ts";
import { roleTable } from "#test/gate/role-table.ts";
import { newSubject, signInAt } from "#test/identity/federation/kit.ts";
import { challengeOf, newEmail, newEnrolled, withPasskey } from "#test/identity/kit.ts";
import { newVerifiedDomain } from "#test/resources/sso/kit.ts";
import { newAgent, newGrant, visit } from "#test/support-kit.ts";
import { envWith, newTenant, rowsOf, tapped } from "#test/world.ts";
import { tablesOf } from "#test/written.ts";

const { call } = clientOf();
const seeds: Seeded[] = [];

beforeAll(async () => {
  expect(Object.keys(registry).length).toBeGreaterThan(0);
  await ensureDirectoryKeys(testEnv(), Date.now());
  for (const business of businesses) {
    const seeded = await seedTenant(testEnv(), business, Date.now());
    if (seeded) seeds.push(seeded);
  }
});

/** What comes by people who sign up and in, and by a mail that bounced. */
const ofPeople = [
  "sign-ups.create",
  "sign-in.password",
  "password-resets.ask",
  "mail.postmark",
  "email-changes.ask",
  "sign-in.federatedComplete",
  "sms.begin",
];

/** What a tenant has by a decision of its own: the tests of each make them, at two tenants. */
const decided = [
  "oauth_clients",
  "oauth_consents",
  "security_policies",
  "sso_connections",
  "sso_domains",
  "support_grants",
  "support_sessions",
  "visiting_agents",
];

test("the two seeds are of different trades, in different cells, one of them in the EU", () => {
  expect(seeds.map(({ cell }) => [cell.id, cell.jurisdiction])).toEqual([
    ["eu1", "eu"],
    ["us1", null],
  ]);
  expect(new Set(businesses.map(({ trade }) => trade)).size).toBe(2);
});

test("both seeds hold at least one row of every table of a cell", async () => {
  for (const { cell, tenantId } of seeds) {
    const present = await tablesOf(cell.id, cell.database);
    const entityTables = [...tenantTables().keys()].filter((name) => present.includes(name));
    expect(entityTables.length).toBeGreaterThan(8);
    const empty: string[] = [];
    for (const name of entityTables) {
      const rows = await rowsOf(
        cell.database,
        `select id from "${name}" where tenant_id = ? limit 1`,
        tenantId,
      );
      if (rows.length === 0 && !decided.includes(name)) empty.push(name);
    }
    expect(empty, "give contentOf in src/cli/seed.ts a row of it: isolation is tried on the seeds").toEqual(
      [],
    );
  }
});

test("both seeds are in the directory with their people, and it has a row of every table", async () => {
  const { DIRECTORY } = testEnv();
  const tenant = await newTenant();
  await newVerifiedDomain(tenant);
  for (const name of ofPeople) await call(name, await exampleOf(name).make(tenant));
  await signInAt("work", { claims: { sub: newSubject(), email: newEmail() } });
  await challengeOf(await withPasskey(await newEnrolled()));
  await newOperatorNotice();
  await visit(await newAgent(), tenant, await newGrant(tenant));
  const present = await tablesOf("directory", DIRECTORY);
  const entityTables = [...tenantTables().keys()].filter((name) => present.includes(name));
  expect(entityTables.length).toBeGreaterThan(4);
  for (const name of entityTables) {
    const rows = await rowsOf(DIRECTORY, `select id from "${name}" where tenant_id = 'platform'`);
    expect(
      rows.length,
      `let src/cli/seed.ts or jobs/directory-keys.ts make a row of ${name}`,
    ).toBeGreaterThan(0);
  }
  for (const { tenantId, memberIds, cell } of seeds) {
    const [tenant] = await rowsOf(
      DIRECTORY,
      "select cell, state from directory_tenants where id = ?",
      tenantId,
    );
    expect(tenant).toEqual({ cell: cell.id, state: "active" });
    const people = await rowsOf(
      DIRECTORY,
      "select users.id from memberships join users on users.tenant_id = memberships.tenant_id and users.id = memberships.user_id where memberships.member_tenant_id = ?",
      tenantId,
    );
    expect(people).toHaveLength(Object.keys(memberIds).length);
  }
});

test("every table is declared: by tenantTable(), or as technical with its reason", async () => {
  const { DIRECTORY, CELL_US1 } = testEnv();
  const names = [
    ...(await tablesOf("directory", DIRECTORY)),
    ...(await tablesOf("us1", CELL_US1 as D1Database)),
  ];
  const undeclared = names.filter(
    (name) => !tenantTables().has(name) && !isTechnicalTable(name) && !tenantlessTables.includes(name),
  );
  expect(undeclared, "declare it by tenantTable() or in src/db/technical-tables.ts").toEqual([]);
  for (const name of tenantTables().keys()) expect(names, `${name} needs a migration`).toContain(name);
});

test("both seeds have an active member of each role, who are limited as their role is", async () => {
  for (const { cell, tenantId, memberIds, locationIds } of seeds) {
    const members = await rowsOf<{ id: string; role: string; places: string | null }>(
      cell.database,
      `select members.id, members.role, case members.all_locations when 1 then 'all' else (select group_concat(location_id) from member_locations where member_locations.tenant_id = members.tenant_id and member_id = members.id) end as places from members where tenant_id = ? and state = 'active'`,
      tenantId,
    );
    expect(members.map(({ role }) => role).toSorted(), "one of each role of test/gate/role-table.ts").toEqual(
      Object.keys(roleTable).toSorted(),
    );
    for (const { id, role, places } of members) {
      expect(memberIds).toMatchObject({ [role]: id });
      const isLimited = ["manager", "staff", "installer"].includes(role);
      expect([role, places]).toEqual([role, isLimited ? locationIds[0] : "all"]);
    }
  }
});

test("a second seeding finds the tenants and adds nothing", async () => {
  for (const business of businesses) expect(await seedTenant(testEnv(), business, Date.now())).toBeNull();
});

test("the demo's key may do everything, and works", async () => {
  for (const [index, { cell, tenantId, memberIds }] of seeds.entries()) {
    const { key } = await mintDemoKey(testEnv(), cell, tenantId, memberIds.owner, Date.now());
    const slug = businesses[index]?.slug ?? "";
    const answer = await call("tenants.get", { tenant: slug, as: key });
    expect(answer.json).toMatchObject({ id: tenantId, slug, cell: cell.id, jurisdiction: cell.jurisdiction });
  }
});

test("a seeding that died between its two stores is finished by the next, with the people of the first", async () => {
  const business = { ...businesses[1], slug: "died-between" };
  const env = testEnv();
  let commits = 0;
  const directory = tapped(env.DIRECTORY, async (texts, run) => {
    if (texts.some((text) => text.includes('insert into "memberships"')) && ++commits === 1)
      throw new Error("The Worker is gone.");
    return await run();
  });
  await expect(seedTenant(envWith({ DIRECTORY: directory }), business, Date.now())).rejects.toThrow("gone");
  const seeded = await seedTenant(env, business, Date.now());
  if (!seeded) throw new Error("It was taken for whole.");
  const members = await rowsOf<{ id: string; user_id: string }>(
    seeded.cell.database,
    "select id, user_id from members where tenant_id = ?",
    seeded.tenantId,
  );
  const people = await rowsOf<{ user_id: string }>(
    env.DIRECTORY,
    "select user_id from memberships where member_tenant_id = ?",
    seeded.tenantId,
  );
  expect(members.map(({ id }) => id).toSorted()).toEqual(Object.values(seeded.memberIds).toSorted());
  expect(people.map(({ user_id }) => user_id).toSorted()).toEqual(
    members.map(({ user_id }) => user_id).toSorted(),
  );
});
