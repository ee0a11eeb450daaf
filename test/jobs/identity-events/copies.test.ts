import { beforeAll, beforeEach, expect, test } from "vitest";
import { destroy } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { maskOf } from "#gate/capabilities.ts";
import { tell } from "#identity/identity-events.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { changeMember, newKey } from "#test/gate/kit.ts";
import {
  enrolled,
  goodPassword,
  join,
  newEmail,
  newUser,
  proofOptions,
  signIn,
  tokenMailedTo,
  withPasskey,
} from "#test/identity/kit.ts";
import { memberToken, newTenant, rowsOf, type TestTenant } from "#test/world.ts";

import { auditOf, copy, drained, headers, inTwoTenants, signInFromAfar, toldIn } from "./kit.ts";

const { call } = clientOf();
const { DIRECTORY } = testEnv();

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));
beforeEach(drained);

test("what happens to a user is told once in each of their tenants, however many tell it at once, and in no other", async () => {
  const { user, us, eu, members } = await inTwoTenants();
  const foreign = await newTenant();
  await signInFromAfar(user);
  await Promise.all([1, 2, 3].map(() => copy()));
  await copy();
  for (const [index, tenant] of [us, eu].entries()) {
    const memberId = members[index];
    const [event, ...more] = await toldIn(tenant);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: "user.signed_in",
      data: { memberId, sessionId: expect.stringMatching(/^ses_/), methods: "pwd" },
      actor: { kind: "member", id: memberId },
      assigneeId: memberId,
      locationId: null,
    });
    // Ids, a time, names of methods and counts: nothing else.
    const counts = ["passkeys", "recoveryCodesLeft", "sms", "totp"];
    const fields = ["at", "memberId", "methods", "sessionId", ...counts].toSorted();
    expect(Object.keys(event?.data ?? {}).toSorted()).toEqual(fields);
    expect(await auditOf(tenant, memberId)).toEqual([
      expect.objectContaining({
        action: "user.signed_in",
        entity: "member",
        ip: headers["CF-Connecting-IP"],
        userAgent: headers["User-Agent"],
        requestId: event?.requestId,
        actor: { kind: "member", id: memberId },
      }),
    ]);
  }
  expect(await toldIn(foreign)).toEqual([]);
  const waiting = "select count(*) as count from events where dispatched_at is null";
  expect(await rowsOf(DIRECTORY, waiting)).toEqual([{ count: 0 }]);
});

test("each step is told by its name, the failed ones too, and what was tried at nobody's address is told to nobody", async () => {
  const { user, us } = await inTwoTenants();
  const body = { email: user.email, password: "not this one at all" };
  for (let tries = 0; tries < 5; tries += 1) await call("sign-in.password", { body, headers });
  const token = await tokenMailedTo(user.email);
  await call("sign-in-locks.clear", { body: { token } });
  const again = await signIn(user.email);
  await call("sessions.end", { as: user.accessToken, params: { sessionId: again.json.sessionId } });
  const password = "seven loud trumpets sink";
  await call("me.changePassword", {
    as: user.accessToken,
    body: { currentPassword: goodPassword, password },
  });
  await call("sessions.signOut", { as: user.accessToken });
  await call("password-resets.ask", { body: { email: user.email } });
  await call("password-resets.complete", {
    body: { token: await tokenMailedTo(user.email), password: goodPassword },
  });
  await signIn(newEmail(), "not this one at all");
  await copy();
  expect((await toldIn(us)).map(({ type }) => type)).toEqual([
    ...Array.from({ length: 5 }, () => "user.sign_in_failed"),
    "user.locked_out",
    "user.lock_cleared",
    "user.signed_in",
    "user.session_ended",
    "user.password_changed",
    "user.signed_out",
    "user.password_reset_asked",
    "user.password_reset",
  ]);
  const nobodys = await rowsOf<{ data: string }>(
    DIRECTORY,
    "select data from events where type = 'user.sign_in_failed' order by seq desc limit 1",
  );
  expect(nobodys.map(({ data }) => JSON.parse(data))).toEqual([{ userId: null }]);
});

test("a failed sign-in, which no user made, is told with where it came from", async () => {
  const { user, us, members } = await inTwoTenants();
  await call("sign-in.password", { body: { email: user.email, password: "not this one at all" }, headers });
  await copy();
  expect(await auditOf(us, members[0])).toEqual([
    expect.objectContaining({ action: "user.sign_in_failed", ip: headers["CF-Connecting-IP"] }),
  ]);
});

test("a refresh token that comes again ends its session, and is told as that", async () => {
  const { user, us } = await inTwoTenants();
  const refresh = (refreshToken: string) => call("tokens.refresh", { body: { refreshToken } });
  const next = await refresh(user.refreshToken);
  await refresh(next.json.refreshToken);
  expect((await refresh(user.refreshToken)).status).toBe(401);
  await copy();
  expect(await toldIn(us)).toMatchObject([
    {
      type: "user.refresh_reused",
      data: { sessionId: user.sessionId, sessions: 1, because: "refresh-reused" },
    },
  ]);
});

test("who is suspended is told of, and of whom the key was destroyed without where they called from", async () => {
  const { user, us, members } = await inTwoTenants();
  await changeMember(us, members[0] ?? "", { state: "suspended" });
  await signInFromAfar(user);
  const userId = (await call("me.get", { as: user.accessToken })).json.id;
  const run = { job: "test.erase", requestId: newId("run"), now: Date.now() };
  await commitAsSystem(await openDirectory(testEnv()), run, [destroy(userId, run.now)]);
  await copy();
  expect(await auditOf(us, members[0])).toEqual([
    expect.objectContaining({ action: "user.signed_in", ip: null, userAgent: null }),
  ]);
});

test("what was tried at a member by who knows whom is no deed of theirs, and what was before they joined is not told", async () => {
  const user = await newUser();
  await signIn(user.email);
  const tenant = await newTenant();
  const memberId = await join(user, tenant, "staff");
  await signIn(user.email, "not this one at all");
  await signIn(user.email);
  await drained();
  expect((await toldIn(tenant)).map(({ type }) => type).toSorted()).toEqual([
    "user.sign_in_failed",
    "user.signed_in",
  ]);
  const actors = (await auditOf(tenant, memberId)).map(({ action, actor }) => [action, actor]);
  expect(Object.fromEntries(actors)).toEqual({
    "user.sign_in_failed": { kind: "stranger", id: memberId },
    "user.signed_in": { kind: "member", id: memberId },
  });
});

test("a member's factors are copied as the last event of them says", async () => {
  const { user, us, members } = await inTwoTenants();
  const userId = (await call("me.get", { as: user.accessToken })).json.id;
  const states = [
    ["mfa.enrolled", { totp: 1, passkeys: 0, sms: 0, recoveryCodesLeft: 10 }],
    ["mfa.recovery_used", { totp: 1, passkeys: 2, sms: 0, recoveryCodesLeft: 9 }],
    ["mfa.removed", { totp: 0, passkeys: 2, sms: 1, recoveryCodesLeft: 0 }],
  ] as const;
  for (const [type, state] of states) {
    const run = { job: "test.factors", requestId: newId("run"), now: Date.now() };
    await commitAsSystem(await openDirectory(testEnv()), run, tell(type, userId, state));
    await copy();
    const { recoveryCodesLeft, passkeys, ...rest } = state;
    const text = "select * from member_factors where tenant_id = ?";
    expect(await rowsOf(us.cell.database, text, us.tenantId)).toEqual([
      expect.objectContaining({
        ...rest,
        passkey_count: passkeys,
        recovery_codes_left: recoveryCodesLeft,
        member_id: members[0],
      }),
    ]);
  }
  expect((await toldIn(us)).map(({ type }) => type)).toEqual(states.map(([type]) => type));
});

test("who enrols, joins another tenant, and lets it go, is in each tenant's coverage as they are by then", async () => {
  const { user, us, members } = await inTwoTenants();
  const bearer = await withPasskey(await enrolled(user));
  await copy();
  const late = await newTenant();
  const memberId = await join(bearer, late, "staff");
  const factorsOf = async (tenant: TestTenant, id = "") => {
    const as = await memberToken(tenant, "owner");
    const { json } = await call("members.factorCoverage", {
      tenant: tenant.slug,
      as,
      query: { limit: "100" },
    });
    return json.data.find((each: { memberId: string }) => each.memberId === id);
  };
  const both = { totp: true, passkeys: 1, recoveryCodesLeft: 10 };
  expect(await factorsOf(us, members[0])).toMatchObject(both);
  expect(await factorsOf(late, memberId)).toMatchObject({ totp: false, passkeys: 0 });
  const response = await bearer.device.prove(await proofOptions());
  await call("sign-in.passkey", { body: { response }, headers });
  await copy();
  expect(await factorsOf(late, memberId)).toMatchObject(both);
  const params = { passkeyId: bearer.passkeyId };
  expect((await call("passkeys.remove", { as: bearer.accessToken, params })).status).toBe(204);
  await copy();
  for (const [tenant, id] of [
    [us, members[0]],
    [late, memberId],
  ] as const)
    expect(await factorsOf(tenant, id)).toMatchObject({ totp: true, passkeys: 0 });
});

test("who is held to places or to their own sees nobody else's sign-ins", async () => {
  const { user, us, members } = await inTwoTenants("installer");
  const other = await newUser();
  await drained();
  await join(other, us, "manager");
  await changeMember(us, members[0] ?? "", { grants: maskOf(["events:read"]) });
  await signIn(user.email);
  await signIn(other.email);
  await copy();
  const own = await memberToken(us, "installer", { member: members[0] ?? "" });
  const ofUsers = async (key: string) => (await toldIn({ ...us, key })).map(({ data }) => data.memberId);
  expect(await ofUsers(us.key)).toHaveLength(2);
  expect(await ofUsers(own)).toEqual([members[0]]);
  const limited = await newKey(us, ["events:read"], { locationIds: [us.locationIds[0]] });
  expect(await ofUsers(limited.text)).toEqual([]);
});
