import { type SQL, sql } from "drizzle-orm";

/** What `$kid` reads where the subject has a tombstone instead of a key. */
export const destroyedKid = "";

/** The subject's wrapped key beside its row: `$kid` and `$wrapped`, or the mark of a key that was destroyed. */
export function subjectKeyColumns(tenantId: string, subject: SQL): SQL {
  return sql`${subjectKid(tenantId, subject)} as "$kid", "subject_keys"."wrapped" as "$wrapped"`;
}

/** The id of the key that the join below finds, or the mark; null where there is neither a key nor a tombstone. */
export function subjectKid(tenantId: string, subject: SQL): SQL {
  // Looked for only where there is no key, as coalesce stops at the first value.
  const destroyed = sql`(select '' from "subject_tombstones" where "subject_tombstones"."tenant_id" = ${tenantId} and "subject_tombstones"."subject_id" = ${subject})`;
  return sql`coalesce("subject_keys"."id", ${destroyed})`;
}

export function subjectKeyJoin(tenantId: string, subject: SQL): SQL {
  return sql` left join "subject_keys" on "subject_keys"."tenant_id" = ${tenantId} and "subject_keys"."subject_id" = ${subject}`;
}
