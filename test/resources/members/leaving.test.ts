import { beforeAll, expect, test } from "vitest";
import { membershipsOf } from "#gate/memberships.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser } from "#test/identity/kit.ts";
import { newMember } from "#test/member-examples.ts";
import { envWith, newTenant, overtaken, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

const leave = (as: string, { tenantId }: TestTenant) => call("me.leave", { as, params: { tenantId } });
const pointersOf = (userId: string) =>
  rowsOf(testEnv().DIRECTORY, "select id from memberships where user_id = ?", userId);

test("whoever leaves a business is out of it at once, and of that one alone", async () => {
  const user = await newUser();
  const [left, kept] = [await newTenant(), await newTenant()];
  await join(user, left, "staff");
  await join(user, kept, "staff");
  const mint = ({ slug }: TestTenant) =>
    call("tokens.refresh", { body: { refreshToken: user.refreshToken, tenant: slug } });
  const { json } = await mint(left);
  const list = () => call("orders.list", { tenant: left.slug, as: json.accessToken });
  expect((await list()).status).toBe(200);
  expect((await leave(user.accessToken, left)).status).toBe(204);
  expect((await list()).status).toBe(401);
  expect((await leave(user.accessToken, left)).status).toBe(404);
  const businesses = (await call("me.tenants", { as: user.accessToken })).json.data;
  expect(businesses.map(({ slug }: { slug: string }) => slug)).toEqual([kept.slug]);
  const audit = await call("audit.list", { tenant: left.slug, as: left.key, query: { limit: "5" } });
  const rows = audit.json.data.filter(({ operation }: { operation: string }) => operation === "me.leave");
  expect(
    rows.map(({ entity, action, actor }: Record<string, { kind?: string }>) => [entity, action, actor?.kind]),
  ).toContainEqual(["member", "updated", "member"]);
});

test("where the directory was not told that somebody left, asking again tells it", async () => {
  const [user, tenant] = [await newUser(), await newTenant()];
  await join(user, tenant, "staff");
  const userId = (await call("me.get", { as: user.accessToken })).json.id;
  const away = tapped(testEnv().DIRECTORY, async (texts, run) => {
    if (texts.some((text) => text.startsWith('delete from "memberships"'))) throw new Error("away");
    return await run();
  });
  const params = { tenantId: tenant.tenantId };
  const lost = await call("me.leave", { as: user.accessToken, params, env: envWith({ DIRECTORY: away }) });
  expect([lost.status, (await pointersOf(userId)).length]).toEqual([500, 1]);
  expect((await leave(user.accessToken, tenant)).status).toBe(204);
  expect(await pointersOf(userId)).toEqual([]);
});

test("the last owner stays, and a stranger has nothing to leave", async () => {
  const user = await newUser();
  const tenant = await newTenant();
  await rowsOf(
    tenant.cell.database,
    "update members set state = 'suspended' where tenant_id = ? and role = 'owner'",
    tenant.tenantId,
  );
  await join(user, tenant, "owner");
  expect(await leave(user.accessToken, tenant)).toMatchObject({
    status: 409,
    json: { type: "/problems/last-owner" },
  });
  expect((await leave((await newUser()).accessToken, tenant)).status).toBe(404);
});

test("a pointer is taken away as often as it is asked, and given back to who is a member again", async () => {
  const tenant = await newTenant();
  const { memberId, userId } = await newMember(tenant, { role: "staff" });
  const run = () => ({ job: "test.leave", requestId: newId("run"), now: Date.now() });
  const end = (env = testEnv()) =>
    membershipsOf(env, tenant.cell, tenant.tenantId, run()).end(userId, memberId);
  // They are a member all the while, as one who came back before the directory was told.
  await Promise.all([end(), end(), end()]);
  expect(await pointersOf(userId)).toHaveLength(1);
  const late = overtaken(testEnv().DIRECTORY, 'insert into "memberships"', () => end());
  await end(envWith({ DIRECTORY: late.database }));
  expect([late.done(), (await pointersOf(userId)).length]).toEqual([true, 1]);
  await rowsOf(
    tenant.cell.database,
    "update members set state = 'suspended' where tenant_id = ? and id = ?",
    tenant.tenantId,
    memberId,
  );
  await Promise.all([end(), end(), end()]);
  expect(await pointersOf(userId)).toEqual([]);
});
