import { argon2Sync, randomBytes } from "node:crypto";
import { phcString } from "#crypto/phc-string.ts";
import { insert, update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { passwordIn, userById } from "#identity/accounts/account-queries.ts";
import { passwords } from "#identity/tables.ts";
import { encodeBase32 } from "#lib/base32.ts";
import { normalisePassword } from "#lib/password-text.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

/** A new password of a demo's user; its text exists only here. It is as strong as an owner's has to be. */
export async function withNewPassword(
  env: Env,
  userId: string,
  now: number,
): Promise<{ ownerEmail: string; ownerPassword: string }> {
  const directory = await openDirectory(env);
  const { user, found } = await directory.read({
    user: one(users, userId),
    found: passwordIn(userById(userId)),
  });
  if (!user) throw new Error(`The directory has no user ${userId}.`);
  const ownerPassword = `Try-${encodeBase32(new Uint8Array(randomBytes(10)))}`;
  const chosen = { hash: hashOf(ownerPassword), mustRecheck: 0, isStrong: 1 };
  const [before] = found;
  const change = before
    ? update(passwords, before, chosen, now)
    : insert(passwords, { id: newId("pwd"), userId, ...chosen }, now);
  const run = { job: "cli.seed", requestId: newId("run"), now };
  const { kind } = await commitAsSystem(directory, run, [change]);
  if (kind !== "committed") throw new Error(`A password was not committed, but ${kind}.`);
  return { ownerEmail: user.email, ownerPassword };
}

// Node's own, as the library's WebAssembly is loaded by the Worker's bundler alone. The same parameters and form.
function hashOf(password: string): string {
  const salt = new Uint8Array(randomBytes(16));
  const terms = { memoryKiB: 19_456, passes: 2, lanes: 1 };
  const tag = argon2Sync("argon2id", {
    message: normalisePassword(password),
    nonce: salt,
    parallelism: terms.lanes,
    tagLength: 32,
    memory: terms.memoryKiB,
    passes: terms.passes,
  });
  return phcString({ ...terms, salt, tag: new Uint8Array(tag) });
}
