import { type SQL, sql } from "drizzle-orm";
import { memberships, platformTenant, supportAgents } from "#db/directory-tables.ts";
import { many, uniqueIndexOf } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { userByEmail } from "#identity/accounts/account-queries.ts";
import { federatedIdentities } from "#identity/tables.ts";

/** As many as somebody may have. */
export const mostIdentities = 20;

/** Who somebody is at an issuer, and through whom it speaks. */
export interface Subject {
  readonly source: string;
  readonly issuer: string;
  readonly subjectToken: string;
}

/** As many as a business's own sign-in may have made users of: whoever runs it could make them up. */
const mostOfConnection = 10_000;

/** Has this source as many already. */
export function isFull(source: string): SQL {
  const table = federatedIdentities;
  return sql`exists (select 1 from ${table} where ${table.tenantId} = ${platformTenant} and ${table.source} = ${source} limit 1 offset ${mostOfConnection - 1})`;
}

/** The row of this subject. */
export function isSubject({ source, issuer, subjectToken }: Subject): SQL {
  const table = federatedIdentities;
  return sql`${table.source} = ${source} and ${table.issuer} = ${issuer} and ${table.subjectToken} = ${subjectToken}`;
}

/** The same of a row that was read. */
export function isSame(row: Row<typeof federatedIdentities>, subject: Subject): boolean {
  const { source, issuer, subjectToken } = row;
  return source === subject.source && issuer === subject.issuer && subjectToken === subject.subjectToken;
}

export const identityIn = (subject: Subject) =>
  many(federatedIdentities, { where: isSubject(subject), limit: 1 });

/** Whose account it is: theirs whom the subject is known to be, or else theirs whose address was proved to be this. */
export function userBySubject(subject: Subject, provedEmailToken: string | null): SQL {
  const table = federatedIdentities;
  const known = sql`(select ${table.userId} from ${table} where ${table.tenantId} = ${platformTenant} and ${isSubject(subject)})`;
  return provedEmailToken === null
    ? known
    : sql`(select coalesce(${known}, ${userByEmail(provedEmailToken)}))`;
}

export const identitiesOf = (set: SQL) =>
  many(federatedIdentities, {
    where: sql`${federatedIdentities.userId} in ${set}`,
    indexedBy: "federated_identities_by_user",
    limit: mostIdentities,
  });

/** Whether they are a support agent. */
export const agentIn = (set: SQL) =>
  many(supportAgents, {
    where: sql`${supportAgents.userId} in ${set} and ${supportAgents.state} = 'active'`,
    limit: 1,
  });

/** Whether they are indexed as a member of this tenant. */
export const membershipIn = (set: SQL, tenantId: string) =>
  many(memberships, {
    ...uniqueIndexOf(memberships),
    where: sql`${memberships.userId} in ${set} and ${memberships.memberTenantId} = ${tenantId}`,
    limit: 1,
  });
