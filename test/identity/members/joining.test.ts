import { beforeAll, expect, test } from "vitest";
import { maskOf, noCapabilities } from "#gate/capabilities.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { changeMember } from "#test/gate/kit.ts";
import { join, newUser, type TestUser, tokenMailedTo } from "#test/identity/kit.ts";
import { mailedToken, newInvitation, type Terms } from "#test/invitation-examples.ts";
import { newMember, newRole } from "#test/member-examples.ts";
import { as, envWith, newTenant, overtaken, rowsOf, type TestTenant, tapped } from "#test/world.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

const problem = (name: string) => ({ json: { type: `/problems/${name}` } });
const notValid = { status: 422, ...problem("invitation-not-valid") };

function accept(as: string, { tenantId }: TestTenant, token: string, env = testEnv()) {
  return call("me.acceptInvitation", { as, body: { tenantId, token }, env });
}

function look(as: string, { tenantId }: TestTenant, token: string) {
  return call("me.lookAtInvitation", { as, body: { tenantId, token } });
}

/** Somebody with an account, and the link that was mailed to them. */
async function guest(tenant: TestTenant, terms: Terms = {}) {
  const user = await newUser();
  const id = await newInvitation(tenant, { email: user.email, ...terms });
  return { user, id, token: await mailedToken(tenant, id, user.email) };
}

const membersOf = (tenant: TestTenant, memberId: string) =>
  call("members.get", { ...as(tenant), params: { memberId } });

const pointersOf = async ({ tenantId }: TestTenant, user: TestUser) =>
  (
    await rowsOf(
      testEnv().DIRECTORY,
      "select id from memberships where member_tenant_id = ? and user_id = ?",
      tenantId,
      (
        await call("me.get", { as: user.accessToken })
      ).json.id,
    )
  ).length;

test("whoever accepts is a member as invited, from their next request on, and the invitation is gone", async () => {
  const tenant = await newTenant();
  const [here] = tenant.locationIds;
  const { user, id, token } = await guest(tenant, { role: "staff", grants: maskOf(["invoices:read"]) });
  const { slug, tenantId } = tenant;
  const looked = await look(user.accessToken, tenant, token);
  expect(looked.json).toMatchObject({ tenantId, slug, role: "staff", roleName: null });
  const accepted = await accept(user.accessToken, tenant, token);
  expect(accepted).toMatchObject({ status: 201, json: { tenantId, slug } });
  const { memberId } = accepted.json;
  expect((await membersOf(tenant, memberId)).json).toMatchObject({
    email: user.email,
    role: "staff",
    grants: ["invoices:read"],
    allLocations: false,
    locationIds: [here],
    state: "active",
    removedAt: null,
  });
  const minted = await call("tokens.refresh", {
    body: { refreshToken: user.refreshToken, tenant: tenant.slug },
  });
  const mine = await call("principal.get", { tenant: tenant.slug, as: minted.json.accessToken });
  expect([mine.status, mine.json.id]).toEqual([200, memberId]);
  const gone = await call("invitations.get", { ...as(tenant), params: { invitationId: id } });
  expect(gone.status).toBe(404);
  const { json } = await call("events.list", { ...as(tenant), query: { limit: "20" } });
  const joined = json.data.filter(({ type }: { type: string }) => type === "member.joined");
  expect(joined.map(({ data }: { data: object }) => data)).toEqual([{ memberId, invitationId: id }]);
  // Asked again, as after an answer that was lost.
  expect((await accept(user.accessToken, tenant, token)).json).toEqual(accepted.json);
  expect(await pointersOf(tenant, user)).toBe(1);
});

test("an invitation is for the account of its address, and for nobody else who has its link", async () => {
  const tenant = await newTenant();
  const { user, token } = await guest(tenant);
  const other = await newUser();
  for (const ask of [look, accept])
    expect(await ask(other.accessToken, tenant, token)).toMatchObject({
      status: 403,
      ...problem("invitation-for-another"),
    });
  await rowsOf(
    testEnv().DIRECTORY,
    "update users set email_verified_at = null where id = ?",
    (await call("me.get", { as: user.accessToken })).json.id,
  );
  expect(await accept(user.accessToken, tenant, token)).toMatchObject(problem("invitation-for-another"));
  expect(await pointersOf(tenant, user)).toBe(0);
});

test("a link opens nothing once it was taken back, sent again, or too late; nor does another's, or a forged one", async () => {
  const tenant = await newTenant();
  const elsewhere = await newTenant();
  const { user, id, token } = await guest(tenant);
  const resent = await call("invitations.resend", { ...as(tenant), params: { invitationId: id } });
  expect(resent.status).toBe(200);
  expect(await accept(user.accessToken, tenant, token)).toMatchObject(notValid);
  const newer = await tokenMailedTo(user.email);
  expect(newer).not.toBe(token);
  expect(await look(user.accessToken, elsewhere, newer)).toMatchObject(notValid);
  expect(await look(user.accessToken, tenant, `${newer.slice(0, -1)}!`)).toMatchObject({ status: 422 });
  expect(
    await look(user.accessToken, { ...tenant, tenantId: "ten_00000000000000000000000000" }, newer),
  ).toMatchObject(notValid);
  expect((await look(user.accessToken, tenant, newer)).status).toBe(200);
  const lives = (days: number) =>
    rowsOf(
      tenant.cell.database,
      "update invitations set expires_at = ? where tenant_id = ? and id = ?",
      timestamp(Date.now() + days * dayMs),
      tenant.tenantId,
      id,
    );
  await lives(-1);
  expect(await look(user.accessToken, tenant, newer)).toMatchObject(notValid);
  await lives(1);
  expect((await look(user.accessToken, tenant, newer)).status).toBe(200);
  await call("invitations.revoke", { ...as(tenant), params: { invitationId: id } });
  expect(await accept(user.accessToken, tenant, newer)).toMatchObject(notValid);
});

test("an invitation is void once whoever answers for it could not give all of it", async () => {
  const tenant = await newTenant();
  const [here, there] = tenant.locationIds;
  const { memberId } = await newMember(tenant, { role: "manager" }, [here, there]);
  const { user, token } = await guest(tenant, { role: "staff", inviterId: memberId, locationIds: [there] });
  const opens = async () => (await look(user.accessToken, tenant, token)).status;
  expect(await opens()).toBe(200);
  await changeMember(tenant, memberId, { denials: maskOf(["members:write"]) });
  expect(await opens()).toBe(422);
  await changeMember(tenant, memberId, { denials: maskOf(["orders:read"]) });
  expect(await opens()).toBe(422);
  await changeMember(tenant, memberId, { denials: noCapabilities, state: "suspended" });
  expect(await opens()).toBe(422);
  await changeMember(tenant, memberId, { state: "active" });
  expect(await opens()).toBe(200);
  const body = { locationIds: [here] };
  await call("members.update", { ...as(tenant), params: { memberId }, body });
  expect(await accept(user.accessToken, tenant, token)).toMatchObject(notValid);
});

test("an invitation is void once the key that answers for it was rotated away", async () => {
  const tenant = await newTenant();
  const body = { name: "Staffing", scopes: ["members:read", "members:write", "orders:read"] };
  const { json: key } = await call("api-keys.create", { ...as(tenant), body });
  const roleId = await newRole(tenant, ["orders:read"]);
  const { user, token } = await guest(tenant, { role: "custom", roleId, inviterId: key.id });
  expect((await look(user.accessToken, tenant, token)).status).toBe(200);
  const rotation = { params: { apiKeyId: key.id }, body: { overlapSeconds: 0 } };
  expect((await call("api-keys.rotate", { ...as(tenant), ...rotation })).status).toBe(201);
  expect(await accept(user.accessToken, tenant, token)).toMatchObject(notValid);
});

test("who answers for it is demoted in the very moment: nobody becomes a member", async () => {
  const tenant = await newTenant();
  const { memberId } = await newMember(tenant, { role: "manager" });
  const { user, token } = await guest(tenant, { role: "staff", inviterId: memberId });
  const raced = overtaken(tenant.cell.database, 'insert into "commits"', async () =>
    expect((await call("members.suspend", { ...as(tenant), params: { memberId } })).status).toBe(200),
  );
  expect(await accept(user.accessToken, tenant, token, envWith({ CELL_US1: raced.database }))).toMatchObject(
    notValid,
  );
  expect([raced.done(), await pointersOf(tenant, user)]).toEqual([true, 0]);
});

test("of many that accept at once, by two invitations, one member comes of it", async () => {
  const tenant = await newTenant();
  const { user, token } = await guest(tenant);
  const second = await newInvitation(tenant, { email: user.email, role: "staff" });
  const other = await mailedToken(tenant, second, user.email);
  const answers = await Promise.all(
    [token, other, token, other, token].map((each) => accept(user.accessToken, tenant, each)),
  );
  const joined = answers.filter(({ status }) => status === 201);
  expect(joined.length).toBeGreaterThan(0);
  expect(new Set(joined.map(({ json }) => json.memberId)).size).toBe(1);
  expect(answers.every(({ status }) => [201, 409, 503].includes(status))).toBe(true);
  const text =
    "select count(*) as members from members where tenant_id = ? and email is not null and state = 'active'";
  expect(await rowsOf(tenant.cell.database, text, tenant.tenantId)).toEqual([{ members: 1 }]);
  expect(await pointersOf(tenant, user)).toBe(1);
});

test("where the directory was not told, asking again tells it", async () => {
  const tenant = await newTenant();
  const { user, token } = await guest(tenant);
  const dead = tapped(testEnv().DIRECTORY, async (texts, run) => {
    if (texts.some((text) => text.startsWith('insert into "memberships"'))) throw new Error("killed");
    return await run();
  });
  const lost = await accept(user.accessToken, tenant, token, envWith({ DIRECTORY: dead }));
  expect([lost.status, await pointersOf(tenant, user)]).toEqual([500, 0]);
  const again = await accept(user.accessToken, tenant, token);
  expect([again.status, await pointersOf(tenant, user)]).toEqual([201, 1]);
  expect((await membersOf(tenant, again.json.memberId)).json.state).toBe("active");
});

test("whoever was removed comes back anew; whoever is suspended, or there, is not let in by it", async () => {
  const tenant = await newTenant();
  const user = await newUser();
  const memberId = await join(user, tenant, "admin");
  const tokenOf = async (terms: Terms) => {
    const id = await newInvitation(tenant, { email: user.email, ...terms });
    return await mailedToken(tenant, id, user.email);
  };
  const taken = { status: 409, ...problem("already-a-member") };
  const token = await tokenOf({ role: "custom", roleId: await newRole(tenant, ["orders:read"]) });
  expect(await accept(user.accessToken, tenant, token)).toMatchObject(taken);
  await changeMember(tenant, memberId, { state: "suspended" });
  expect(await accept(user.accessToken, tenant, token)).toMatchObject(taken);
  expect((await call("members.remove", { ...as(tenant), params: { memberId } })).status).toBe(204);
  expect(await pointersOf(tenant, user)).toBe(0);
  // What they were sent before brings nobody back who was sent away since.
  expect(await accept(user.accessToken, tenant, token)).toMatchObject(notValid);
  const anew = await tokenOf({ role: "custom", roleId: await newRole(tenant, ["orders:read"]) });
  const back = await accept(user.accessToken, tenant, anew);
  expect([back.status, back.json.memberId, await pointersOf(tenant, user)]).toEqual([201, memberId, 1]);
  expect((await membersOf(tenant, memberId)).json).toMatchObject({
    role: "custom",
    grants: [],
    allLocations: false,
    locationIds: [tenant.locationIds[0]],
    state: "active",
    removedAt: null,
  });
});

test("what a business's own role gives is shown by its name, and a business that is frozen lets nobody in", async () => {
  const tenant = await newTenant();
  const roleId = await newRole(tenant, ["orders:read"]);
  const { user, token } = await guest(tenant, { role: "custom", roleId });
  const looked = await look(user.accessToken, tenant, token);
  expect(looked.json).toMatchObject({ role: "custom", roleName: `Role ${roleId.slice(-8)}` });
  await rowsOf(
    tenant.cell.database,
    "update tenant_state set state = 'frozen' where tenant_id = ?",
    tenant.tenantId,
  );
  expect(await accept(user.accessToken, tenant, token)).toMatchObject(notValid);
});
