import { verifyPassword } from "#crypto/argon2id.ts";
import type { users } from "#db/directory-tables.ts";
import type { Row } from "#db/tenant-table.ts";
import type { DirectoryContext } from "#http/account-operation.ts";
import { Refusal } from "#http/outcome.ts";
import type { passwords } from "#identity/tables.ts";
import { attempt, uncounted } from "./attempt.ts";
import { failed } from "./sign-in.ts";

/** Is this the password of who is signed in: counted like a sign-in, so that a stolen session is no place to guess it. */
export async function provePassword(
  context: DirectoryContext,
  me: Row<typeof users>,
  password: Row<typeof passwords>,
  given: { readonly text: string; readonly pointer: string },
): Promise<Refusal | null> {
  const { accounts, now, visitor } = context;
  const identifier = (await accounts.emailToken(me.email)) ?? "";
  const reservation = await accounts.reserveTry({
    purpose: "sign-in",
    identifier,
    address: visitor.address,
  });
  if (reservation.outcome === "unavailable") return uncounted;
  const errors = [{ pointer: given.pointer, detail: "is not your password" }];
  if (reservation.outcome === "refused") return new Refusal("invalid", { errors }, []);
  const { isMatch, lockedUntil } = await attempt(reservation, () =>
    verifyPassword(given.text, password.hash, now),
  );
  if (isMatch) return null;
  return new Refusal("invalid", { errors }, await failed(context, me.email, me.id, lockedUntil));
}
