import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newAddress, newEmail } from "#test/identity/kit.ts";
import { rowsOf } from "#test/world.ts";
import { arriveBy, gmail, newSubject, signInAt, tripTo } from "./kit.ts";

const { call } = clientOf();
beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

test("an issuer that does not tell when somebody proved who they are proves nothing of late", async () => {
  const claims = { sub: newSubject(), email: gmail(), email_verified: true };
  const changing = async (visited: Readonly<Record<string, unknown>>) => {
    const { json } = await signInAt("google", { claims: { ...claims, ...visited } });
    return await call("identities.begin", { as: json.accessToken, body: { source: "work" } });
  };
  const now = Math.floor(Date.now() / 1000);
  // A new account has nothing yet that an old proof could open.
  expect((await changing({ auth_time: null })).status).toBe(201);
  const unproved = { status: 401, json: { type: "/problems/step-up-required" } };
  expect(await changing({ auth_time: null })).toMatchObject(unproved);
  expect(await changing({ auth_time: now - 3600 })).toMatchObject(unproved);
  expect((await changing({ auth_time: now - 60 })).status).toBe(201);
  // Nobody proved anything later than now: else no token of theirs would be one.
  expect((await changing({ auth_time: now + 86_400 })).status).toBe(201);
});

test("each issuer is asked for the time in its way, and for a proof made anew", async () => {
  const asked = async (source: string, isFresh: boolean) => {
    const { json } = await call("sign-in.federated", { body: { source, isFresh }, headers: newAddress() });
    const query = new URL(json.authorizationUrl).searchParams;
    return [query.get("max_age"), query.get("prompt"), query.get("claims")];
  };
  const claims = '{"id_token":{"auth_time":{"essential":true}}}';
  for (const [source, ever, fresh] of [
    ["work", ["31536000", null, null], ["0", "login", null]],
    ["microsoft", ["31536000", null, null], ["0", "login", null]],
    ["google", [null, null, claims], [null, "select_account", claims]],
    ["apple", [null, null, null], [null, null, null]],
  ] as const)
    expect([await asked(source, false), await asked(source, true)], source).toEqual([ever, fresh]);
});

test("what came back from an issuer in vain is in the audit, as often as it is not locked", async () => {
  const failed = () =>
    rowsOf<{ data: string }>(
      testEnv().DIRECTORY,
      "select data from events where type = 'user.sign_in_failed' order by seq",
    );
  const before = (await failed()).length;
  const trip = await tripTo("google", { error: "access_denied" });
  for (let tries = 0; tries < 7; tries += 1) expect((await arriveBy(trip)).status).toBe(401);
  const asked = await signInAt("work", { claims: { sub: newSubject(), email: newEmail() } });
  const body = { challenge: asked.json.challenge, code: "00000-00000" };
  await call("sign-in.federatedEmail", { body, headers: newAddress() });
  const told = (await failed()).slice(before).map(({ data }) => JSON.parse(data));
  expect(told).toEqual([
    ...Array.from({ length: 5 }, () => ({ userId: null, by: "google", problem: "federated-sign-in-failed" })),
    { userId: null, by: "email-code" },
  ]);
});
