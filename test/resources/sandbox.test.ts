import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { sweepIntents } from "#jobs/sweep-intents.ts";
import { minuteMs } from "#lib/time.ts";
import { registry } from "#resources/index.ts";
import { clientOf } from "#test/client.ts";
import { isSettle, killing } from "#test/deaths.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser } from "#test/identity/kit.ts";
import { envWith, memberToken, newTenant, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
afterEach(() => void vi.useRealTimers());

const problem = (name: string) => ({ json: { type: `/problems/${name}` } });

interface Owner {
  /** The last that they were given. */
  refreshToken: string;
}

/** Their token for this tenant. */
async function tokenAt(user: Owner, tenant: string): Promise<string> {
  const { refreshToken } = user;
  const { status, json, text } = await call("tokens.refresh", { body: { refreshToken, tenant } });
  expect(status, text).toBe(200);
  user.refreshToken = json.refreshToken;
  return json.accessToken;
}

/** Somebody with an account who owns a business. */
async function ownerOf(tenant: TestTenant): Promise<Owner> {
  const user = await newUser("17 Purple otters hum beyond the harbour!");
  await join(user, tenant, "owner");
  return { refreshToken: user.refreshToken };
}

const open = (tenant: TestTenant, as: string, env = testEnv()) =>
  call("sandbox.open", { tenant: tenant.slug, as, env });

const named = (slug: string) =>
  rowsOf<{ id: string; state: string; cell: string }>(
    testEnv().DIRECTORY,
    "select id, state, cell from directory_tenants where slug = ?",
    slug,
  );

test("a business has a sandbox beside it: in its cell, of its plan, with keys of its own and nothing else of it", async () => {
  const tenant = await newTenant("signs", { plan: "pro" });
  const user = await ownerOf(tenant);
  const opened = await open(tenant, await tokenAt(user, tenant.slug));
  const slug = `${tenant.slug}-test`;
  expect(opened).toMatchObject({ status: 200, json: { slug } });
  const { tenantId } = opened.json;
  const as = await tokenAt(user, slug);
  const there = await call("tenants.get", { tenant: slug, as });
  expect(there.json).toMatchObject({ id: tenantId, slug, plan: "pro", cell: tenant.cell.id });
  for (const list of ["customers.list", "orders.list", "api-keys.list", "locations.list"])
    expect((await call(list, { tenant: slug, as })).json.data).toEqual([]);
  const body = { name: "Try", scopes: ["orders:read"] };
  const made = await call("api-keys.create", { tenant: slug, as, body });
  expect(made.json.key).toMatch(/^kl_test_us1_/);
  expect((await call("orders.list", { tenant: slug, as: made.json.key })).status).toBe(200);
  for (const key of [made.json.key, as])
    expect((await call("orders.list", { tenant: tenant.slug, as: key })).status).toBe(404);
  expect((await call("orders.list", { tenant: slug, as: tenant.key })).status).toBe(404);
  // Asked again it is the same; it has none itself.
  const again = await open(tenant, await tokenAt(user, tenant.slug));
  expect(again.json).toEqual(opened.json);
  expect(await call("sandbox.open", { tenant: slug, as })).toMatchObject({
    status: 409,
    ...problem("is-a-sandbox"),
  });
});

test("owners open it in person, and each is an owner there; nobody else opens it", async () => {
  const tenant = await newTenant();
  for (const as of [tenant.key, await memberToken(tenant, "admin")])
    expect(await open(tenant, as)).toMatchObject({ status: 403, ...problem("forbidden") });
  expect(await named(`${tenant.slug}-test`)).toEqual([]);
  const [first, second] = [await ownerOf(tenant), await ownerOf(tenant)];
  const opened = [];
  for (const user of [first, second])
    opened.push((await open(tenant, await tokenAt(user, tenant.slug))).json.tenantId);
  expect(new Set(opened).size).toBe(1);
  for (const user of [first, second]) {
    const as = await tokenAt(user, `${tenant.slug}-test`);
    const mine = await call("principal.get", { tenant: `${tenant.slug}-test`, as });
    expect(mine.json).toMatchObject({ kind: "member", role: "owner", allLocations: true });
  }
});

test("a tenant that has a sandbox's name and is somebody else's is neither entered nor changed", async () => {
  const tenant = await newTenant();
  const other = await newTenant("signs", { slug: `${tenant.slug}-test` });
  const user = await ownerOf(tenant);
  const opened = await open(tenant, await tokenAt(user, tenant.slug));
  expect(opened).toMatchObject({ status: 409, ...problem("sandbox-not-available") });
  const owners = "select id from members where tenant_id = ? and role = 'owner'";
  expect(await rowsOf(other.cell.database, owners, other.tenantId)).toEqual([{ id: other.memberIds.owner }]);
  const { refreshToken } = user;
  expect((await call("tokens.refresh", { body: { refreshToken, tenant: other.slug } })).status).not.toBe(200);
  const left = "select id from intents where tenant_id = ? and state = 'intended'";
  expect(await rowsOf(tenant.cell.database, left, tenant.tenantId)).toEqual([]);
});

test("whoever was sent away from a sandbox does not come back by opening it", async () => {
  const tenant = await newTenant();
  const [first, second] = [await ownerOf(tenant), await ownerOf(tenant)];
  const slug = `${tenant.slug}-test`;
  for (const user of [first, second]) await open(tenant, await tokenAt(user, tenant.slug));
  const [as, theirs] = [await tokenAt(first, slug), await tokenAt(second, slug)];
  const { id: memberId } = (await call("principal.get", { tenant: slug, as: theirs })).json;
  expect((await call("members.remove", { tenant: slug, as, params: { memberId } })).status).toBe(204);
  expect((await open(tenant, await tokenAt(second, tenant.slug))).status).toBe(200);
  expect((await call("orders.list", { tenant: slug, as: theirs })).status).toBe(401);
  const { refreshToken } = second;
  expect((await call("tokens.refresh", { body: { refreshToken, tenant: slug } })).status).not.toBe(200);
});

test("of many owners who open it at once one tenant comes, and each is its owner", async () => {
  const tenant = await newTenant();
  const users = await Promise.all(Array.from({ length: 4 }, () => ownerOf(tenant)));
  const tokens = await Promise.all(users.map((user) => tokenAt(user, tenant.slug)));
  const answers = await Promise.all([...tokens, ...tokens].map((as) => open(tenant, as)));
  expect(answers.map(({ status, text }) => [status, text]).filter(([status]) => status !== 200)).toEqual([]);
  expect(new Set(answers.map(({ json }) => json.tenantId)).size).toBe(1);
  const tenantId = answers[0]?.json.tenantId;
  const owners = "select id from members where tenant_id = ? and role = 'owner' and state = 'active'";
  expect(await rowsOf(tenant.cell.database, owners, tenantId)).toHaveLength(4);
  expect(await rowsOf(tenant.cell.database, "select id from tenants where id = ?", tenantId)).toHaveLength(1);
  const pointers = "select id from memberships where member_tenant_id = ?";
  expect(await rowsOf(testEnv().DIRECTORY, pointers, tenantId)).toHaveLength(4);
  expect(await named(`${tenant.slug}-test`)).toMatchObject([{ id: tenantId, state: "active" }]);
});

/** By hand: each step of it, by a statement of its batch; dying before and after the first three, and before its end. */
const steps: readonly (readonly [string, "DIRECTORY" | "CELL_US1", RegExp])[] = [
  ["the slug is claimed", "DIRECTORY", /^insert into "directory_tenants"/],
  ["it can be written to", "CELL_US1", /^insert or ignore into "tenant_state"/],
  ["it has its row and its owner", "CELL_US1", /^insert into "tenants"/],
  ["its owner is pointed to it", "DIRECTORY", /^insert into "memberships"/],
];

for (const [what, database, statement] of steps)
  for (const when of ["before", "after"] as const)
    test(`where the Worker dies ${when} ${what}, the sweeper opens it all the same, once`, async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const tenant = await newTenant();
      const user = await ownerOf(tenant);
      const as = await tokenAt(user, tenant.slug);
      let alive = true;
      const dying = tapped(testEnv()[database] as D1Database, async (texts, run) => {
        if (!alive || !texts.some((text) => statement.test(text))) return await run();
        alive = false;
        if (when === "after") await run();
        throw new Error("killed");
      });
      expect((await open(tenant, as, envWith({ [database]: dying }))).status).toBe(502);
      expect(alive).toBe(false);
      await swept(tenant);
      await expectOpen(tenant, user);
    });

test("where the Worker dies with the answer on its way, asking again answers the same", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const tenant = await newTenant();
  const user = await ownerOf(tenant);
  const as = await tokenAt(user, tenant.slug);
  expect((await open(tenant, as, killing({ before: isSettle }))).status).toBe(500);
  expect((await open(tenant, as)).status).toBe(200);
  await swept(tenant);
  await expectOpen(tenant, user);
});

async function swept(tenant: TestTenant): Promise<void> {
  vi.setSystemTime(Date.now() + 5 * minuteMs);
  await sweepIntents(testEnv(), tenant.cell, registry, Date.now());
  const left = "select id from intents where tenant_id = ? and state = 'intended'";
  expect(await rowsOf(tenant.cell.database, left, tenant.tenantId)).toEqual([]);
}

async function expectOpen(tenant: TestTenant, user: Owner): Promise<void> {
  const slug = `${tenant.slug}-test`;
  expect(await named(slug)).toMatchObject([{ state: "active", cell: tenant.cell.id }]);
  const mine = await call("principal.get", { tenant: slug, as: await tokenAt(user, slug) });
  expect(mine.json).toMatchObject({ role: "owner" });
}
