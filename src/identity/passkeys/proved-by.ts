import { update } from "#db/changes.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { refuse } from "#http/outcome.ts";
import type { Factors } from "#identity/factors/factors.ts";
import { tell } from "#identity/identity-events.ts";
import { passkeys } from "#identity/tables.ts";
import { timestamp } from "#lib/time.ts";
import { amrOf, verifyProof } from "./ceremony.ts";
import type { Assertion } from "./schema.ts";

/** Nothing is counted: no guess is ever as long as a signature. */
export async function provedBy(
  context: DirectoryContext,
  userId: string,
  factors: Factors,
  response: Assertion,
) {
  const { now } = context;
  const passkey = factors.passkeys.find(({ credentialId }) => credentialId === response.id);
  // Whoever names no passkey of theirs leaves nothing behind: anybody could.
  if (!passkey) return refuse("sign-in-failed");
  const proved = await verifyProof(context, response, passkey);
  if (!proved)
    return refuse(
      "sign-in-failed",
      ...tell("user.sign_in_failed", userId, { by: "passkey", passkeyId: passkey.id }),
    );
  const patch = { ...proved, lastUsedAt: timestamp(now) };
  return { methods: amrOf(proved), change: update(passkeys, passkey, patch, now) };
}
