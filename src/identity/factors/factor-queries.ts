import { type SQL, sql } from "drizzle-orm";
import { many, uniqueIndexOf } from "#db/queries.ts";
import { passkeys, recoveryCodes, smsFactors, totpFactors } from "#identity/tables.ts";

/** As many as somebody may have. */
export const mostPasskeys = 20;

/** All factors of a set as in account-queries.ts, for one round trip with what else is read; `factorsOf` sorts them. */
export function factorQueries(set: SQL) {
  return {
    totps: many(totpFactors, {
      ...uniqueIndexOf(totpFactors),
      where: sql`${totpFactors.userId} in ${set}`,
      limit: 2,
    }),
    smses: many(smsFactors, {
      ...uniqueIndexOf(smsFactors),
      where: sql`${smsFactors.userId} in ${set}`,
      limit: 2,
    }),
    recovery: many(recoveryCodes, {
      ...uniqueIndexOf(recoveryCodes),
      where: sql`${recoveryCodes.userId} in ${set}`,
      limit: 1,
    }),
    passkeys: many(passkeys, {
      where: sql`${passkeys.userId} in ${set}`,
      indexedBy: "passkeys_by_user",
      limit: mostPasskeys,
    }),
  };
}
