import type { SQL } from "drizzle-orm";
import type { Row } from "#db/tenant-table.ts";
import { identitiesOf } from "#identity/federation/queries.ts";
import type { federatedIdentities, passkeys, passwords } from "#identity/tables.ts";
import { parseSsoReference } from "#lib/sso-reference.ts";
import { passwordIn } from "./account-queries.ts";

/** What somebody could still sign in by. */
export interface WaysIn {
  readonly passwords: readonly Row<typeof passwords>[];
  readonly identities: readonly Row<typeof federatedIdentities>[];
  readonly passkeys: readonly Row<typeof passkeys>[];
}

/** All but the passkeys, which are read with the other factors. */
export function wayInQueries(set: SQL) {
  return { passwords: passwordIn(set), identities: identitiesOf(set) };
}

/** Whether there is one left: a business's own sign-in opens nothing of the account. */
export function canSignIn({ passwords, identities, passkeys }: WaysIn): boolean {
  const own = identities.filter(({ source }) => !parseSsoReference(source));
  return passwords.length + own.length + passkeys.length > 0;
}
