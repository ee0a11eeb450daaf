import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { newWithoutPassword } from "#test/identity/federation/kit.ts";
import { goodPassword, newAddress, newEmail, newUser, tokenMailedTo } from "#test/identity/kit.ts";

const { call } = clientOf();
const none = { status: 409, json: { type: "/problems/no-password" } };

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

async function choosesOne(email: string): Promise<void> {
  await call("password-resets.ask", { body: { email }, headers: newAddress() });
  const body = { token: await tokenMailedTo(email), password: goodPassword };
  const { status } = await call("password-resets.complete", { body, headers: newAddress() });
  expect(status).toBe(204);
}

test("an account says whether it has a password", async () => {
  const [without, having] = [await newWithoutPassword(), await newUser()];
  expect((await call("me.get", { as: without.accessToken })).json.hasPassword).toBe(false);
  expect((await call("me.get", { as: having.accessToken })).json.hasPassword).toBe(true);
});

test("whoever has no password is told so where one is asked for, and stays signed in", async () => {
  const { accessToken: as } = await newWithoutPassword();
  const headers = newAddress();
  const change = { currentPassword: goodPassword, password: "seven loud trumpets sink" };
  expect(await call("me.changePassword", { as, body: change, headers })).toMatchObject(none);
  for (const body of [{ password: goodPassword }, {}, { code: "123456" }])
    expect(await call("step-up.prove", { as, body, headers })).toMatchObject(none);
  expect((await call("me.get", { as })).status).toBe(200);
});

test("another address is taken once there is a password, by the same link", async () => {
  const { accessToken: as, email } = await newWithoutPassword();
  const other = newEmail();
  await call("email-changes.ask", { as, body: { email: other }, headers: newAddress() });
  const body = { token: await tokenMailedTo(other), password: goodPassword };
  const complete = () => call("email-changes.complete", { body, headers: newAddress() });
  expect(await complete()).toMatchObject(none);
  await choosesOne(email);
  expect(await complete()).toMatchObject({ status: 200, json: { email: other, hasPassword: true } });
});
