import { beforeAll, expect, test } from "vitest";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser, signIn, type TestUser, tokenMailedTo } from "#test/identity/kit.ts";
import { envWith, newTenant, type Role, rowsOf, type TestTenant } from "#test/world.ts";

const { call } = clientOf();
/** Strong by every rule. */
const first = "Four quiet lanterns drift, 7!";
const second = "Seven loud trumpets sink, 4?";
/** As strong, and the stand-in knows it. */
const breached = "Zebra-Crossing-4-Tigers";
/** Nobody answers who knows of breaches. */
const away = envWith({ PWNED_PASSWORDS_URL: "https://away.example/range" });
let tenant: TestTenant;

beforeAll(async () => {
  await ensureDirectoryKeys(testEnv(), Date.now());
  tenant = await newTenant();
});

async function newMember(role: Role): Promise<TestUser> {
  const user = await newUser(first);
  await join(user, tenant, role);
  return user;
}

function change({ accessToken: as }: TestUser, password: string, env = away) {
  return call("me.changePassword", { as, body: { currentPassword: first, password }, env });
}

async function isFlagged({ sessionId }: TestUser): Promise<boolean> {
  const text =
    "select must_recheck as flag from passwords where user_id = (select user_id from sessions where id = ?)";
  const [row] = await rowsOf<{ flag: number }>(testEnv().DIRECTORY, text, sessionId);
  return row?.flag === 1;
}

for (const role of ["owner", "admin"] as const) {
  test(`where nobody can tell whether it was breached, an ${role}'s new password is refused, and the old one stays`, async () => {
    const user = await newMember(role);
    const changed = await change(user, second);
    expect([changed.status, changed.json.errors]).toEqual([
      422,
      [{ pointer: "/password", detail: expect.stringContaining("cannot be looked up") }],
    ]);
    await call("password-resets.ask", { body: { email: user.email } });
    const token = await tokenMailedTo(user.email);
    const complete = (env = testEnv()) =>
      call("password-resets.complete", { body: { token, password: second }, env });
    const reset = await complete(away);
    expect([reset.status, reset.json.errors]).toEqual([422, changed.json.errors]);
    expect((await signIn(user.email, second)).status).toBe(401);
    expect((await signIn(user.email, first)).status).toBe(201);
    // The link is as good as before, once somebody answers.
    expect((await complete()).status).toBe(204);
    expect((await signIn(user.email, second)).status).toBe(201);
    expect(await isFlagged(user)).toBe(false);
  });
}

test("a member's is taken, flagged, and looked up again when they sign in", async () => {
  const user = await newMember("staff");
  expect((await change(user, second)).status).toBe(204);
  expect(await isFlagged(user)).toBe(true);
  expect((await signIn(user.email, second, away)).status).toBe(201);
  expect(await isFlagged(user)).toBe(true);
  expect((await signIn(user.email, second)).status).toBe(201);
  expect(await isFlagged(user)).toBe(false);
});

test("one that turns out to have been breached lets its member in until somebody can tell, and no longer", async () => {
  const user = await newMember("staff");
  expect((await change(user, breached, testEnv())).json.errors[0].detail).toContain("published in a breach");
  expect((await change(user, breached)).status).toBe(204);
  expect((await signIn(user.email, breached, away)).status).toBe(201);
  const refused = await signIn(user.email, breached);
  expect([refused.status, refused.json.type]).toEqual([403, "/problems/password-change-required"]);
});
