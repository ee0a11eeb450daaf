import { beforeAll, beforeEach, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newTenant, rowsOf, type TestTenant } from "#test/world.ts";
import { copy, drained, inTwoTenants, signInFromAfar } from "./kit.ts";

const { call } = clientOf();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(drained);

const shown = async (tenant: TestTenant, memberId: string | undefined) => {
  const params = { memberId: memberId ?? "" };
  const { json } = await call("members.get", { tenant: tenant.slug, as: tenant.key, params });
  return { name: json.name, email: json.email };
};

test("each of a user's tenants shows them by name and address once they sign in, and by no other's", async () => {
  const { user, us, eu, members } = await inTwoTenants();
  expect(await shown(us, members[0])).toEqual({ name: null, email: null });
  await signInFromAfar(user);
  await copy();
  const { json: me } = await call("me.get", { as: user.accessToken });
  for (const [index, tenant] of [us, eu].entries())
    expect(await shown(tenant, members[index])).toEqual({ name: me.name, email: user.email });
  const sealed = await rowsOf<{ name: string; email: string }>(
    us.cell.database,
    "select name, email from members where tenant_id = ? and id = ?",
    us.tenantId,
    members[0] ?? "",
  );
  expect(sealed).toEqual([
    { name: expect.stringMatching(/^v1\.sky_/), email: expect.stringMatching(/^v1\.sky_/) },
  ]);
  const strangers = await newTenant();
  const named = await rowsOf(
    strangers.cell.database,
    "select id from members where tenant_id = ? and name is not null",
    strangers.tenantId,
  );
  expect(named).toEqual([]);
});

test("who is shown as they are already moves nobody's rights anew", async () => {
  const { user, us } = await inTwoTenants();
  await signInFromAfar(user);
  await copy();
  const epoch = async () =>
    await rowsOf(us.cell.database, "select epoch from tenant_state where tenant_id = ?", us.tenantId);
  const before = await epoch();
  await signInFromAfar(user);
  await copy();
  expect(await epoch()).toEqual(before);
});

test("an account that does not open keeps nobody else's name from being shown", async () => {
  const [broken, whole] = [await inTwoTenants(), await inTwoTenants()];
  for (const { user } of [broken, whole]) await signInFromAfar(user);
  const { json: me } = await call("me.get", { as: broken.user.accessToken });
  const [kept] = await rowsOf<{ name: string }>(
    testEnv().DIRECTORY,
    "select name from users where id = ?",
    me.id,
  );
  const setName = (name: string | undefined) =>
    rowsOf(testEnv().DIRECTORY, "update users set name = ? where id = ?", name, me.id);
  await setName(kept?.name.replace(/.{4}$/, "AAAA"));
  await copy();
  await setName(kept?.name);
  expect(await shown(whole.us, whole.members[0])).toMatchObject({ email: whole.user.email });
  expect(await shown(broken.us, broken.members[0])).toEqual({ name: null, email: null });
});
