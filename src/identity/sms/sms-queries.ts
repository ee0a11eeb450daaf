import { type SQL, sql } from "drizzle-orm";
import { many, uniqueIndexOf } from "#db/queries.ts";
import { type SmsPurpose, smsCodes } from "#identity/tables.ts";

/** The code on its way to a user of a set as in account-queries.ts, for one thing; none or one. */
export const codeIn = (set: SQL, purpose: SmsPurpose) =>
  many(smsCodes, {
    ...uniqueIndexOf(smsCodes),
    where: sql`${smsCodes.userId} in ${set} and ${smsCodes.purpose} = ${purpose}`,
    limit: 1,
  });
