import { beforeAll, expect, test } from "vitest";
import { argon2id, verifyPassword } from "#crypto/argon2id.ts";
import { phcString } from "#crypto/phc-string.ts";
import { update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { passwordIn, userById } from "#identity/accounts/account-queries.ts";
import { passwords } from "#identity/tables.ts";
import { ensureDirectoryKeys } from "#jobs/directory-keys.ts";
import { utf8 } from "#lib/utf8.ts";
import { newId } from "#platform/ids.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { enrolled, newUser, signIn, type TestUser } from "#test/identity/kit.ts";

const { call } = clientOf();
const ofToday = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;

beforeAll(async () => await ensureDirectoryKeys(testEnv(), Date.now()));

/** As some version of years ago may have stored it. */
async function cheapHash(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const params = { memorySize: 4096, passes: 3, parallelism: 1, salt, tagLength: 32 };
  const tag = new Uint8Array(await argon2id({ ...params, password: utf8(password) }, Date.now()));
  return phcString({ memoryKiB: 4096, passes: 3, lanes: 1, salt, tag });
}

async function storedOf(userId: string) {
  const directory = await openDirectory(testEnv());
  const { found } = await directory.read({ found: passwordIn(userById(userId)) });
  const [row] = found;
  if (!row) throw new Error("They have no password.");
  return { directory, row };
}

async function withCheapHash({ accessToken, password }: TestUser): Promise<string> {
  const userId: string = (await call("me.get", { as: accessToken })).json.id;
  const { directory, row } = await storedOf(userId);
  const now = Date.now();
  const run = { job: "test.cheap-hash", requestId: newId("run"), now };
  await commitAsSystem(directory, run, [update(passwords, row, { hash: await cheapHash(password) }, now)]);
  return userId;
}

test("a password that was hashed with older parameters is hashed anew when it is right, and only then", async () => {
  const user = await newUser();
  const userId = await withCheapHash(user);
  const { row: before } = await storedOf(userId);
  expect(before.hash).toContain("m=4096,t=3,p=1");
  expect((await signIn(user.email, "not this one at all")).status).toBe(401);
  expect((await storedOf(userId)).row).toEqual(before);

  expect((await signIn(user.email)).status).toBe(201);
  const { row: after } = await storedOf(userId);
  expect(after.hash).toMatch(ofToday);
  expect(await verifyPassword(user.password, after.hash, Date.now())).toEqual({
    isMatch: true,
    needsRehash: false,
  });
  expect((await signIn(user.email)).status).toBe(201);
  expect((await signIn(user.email, "not this one at all")).status).toBe(401);
  expect((await storedOf(userId)).row, "once is enough").toEqual(after);
});

test("it is so where a second factor is still to be proved", async () => {
  const user = await enrolled(await newUser());
  const userId = await withCheapHash(user);
  expect((await signIn(user.email)).json.type).toBe("/problems/second-factor-required");
  expect((await storedOf(userId)).row.hash).toMatch(ofToday);
});
