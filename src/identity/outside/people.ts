import { and, eq, type SQL, sql } from "drizzle-orm";
import { exactToken } from "#crypto/blind-index.ts";
import { type Change, insert, mustExist, mustNotExist } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import { outsideIdentities, outsideMemberIndex, outsideOrganizationClaims } from "#db/directory-tables.ts";
import type { Query } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { type OutsidePerson, type Pointer, pointerQuery } from "#gate/outside-members.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

/** A person in an organization, with every id that the cell's rows will have. */
export type ClaimedPointer = Pointer & {
  readonly identityId: string;
  readonly indexId: string;
  readonly memberId: string;
};

const mostTries = 5;
const lost = { problem: "conflict" };

/**
 * The directory's pointers to this person, made where they are not yet: ids are claimed there first, so that a flow
 * that died goes on with the same. null where the organization is linked to no tenant, or the person is gone for good.
 */
export async function claimPerson(
  env: Env,
  person: OutsidePerson,
  run: SystemRun,
  memberId: string | null = null,
): Promise<ClaimedPointer | null> {
  const directory = await openDirectory(env);
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const { pointer } = await directory.read({ pointer: pointerQuery(person) });
    if (pointer === null || pointer.hasEnded) return null;
    // What was claimed is read before it is used: whoever ended the person meanwhile finds it, or is seen here.
    if (isClaimed(pointer)) return pointer;
    await commitAsSystem(directory, run, await claimsFor(directory, person, pointer, memberId, run.now));
  }
  throw new Error("A person's pointers kept changing while they were claimed.");
}

function isClaimed(pointer: Pointer): pointer is ClaimedPointer {
  return pointer.identityId !== null && pointer.indexId !== null && pointer.memberId !== null;
}

async function claimsFor(
  directory: TenantSession,
  { issuer, subject }: OutsidePerson,
  { organizationId, tenantId, identityId }: Pointer,
  memberId: string | null,
  now: number,
): Promise<Change[]> {
  const { memberThere } =
    identityId === null
      ? { memberThere: null }
      : await directory.read({ memberThere: memberQuery(identityId, tenantId) });
  const token = await exactToken(directory.keys.ring.indexKey(), "subject", subject);
  const identity = { id: identityId ?? newId("usr"), issuer, subject, state: "active" as const };
  const index = {
    id: newId("omb"),
    organizationId,
    identityId: identity.id,
    memberId: memberId ?? memberThere ?? newId("mbr"),
  };
  const isPerson = and(eq(outsideIdentities.issuer, issuer), eq(outsideIdentities.subjectToken, token));
  const isInOrganization = and(
    eq(outsideMemberIndex.organizationId, organizationId),
    eq(outsideMemberIndex.identityId, identity.id),
  );
  return [
    mustExist(outsideOrganizationClaims, linked(eq(outsideOrganizationClaims.id, organizationId)), lost),
    mustNotExist(outsideMemberIndex, sql`${isInOrganization}`, lost),
    ...(identityId === null
      ? [mustNotExist(outsideIdentities, sql`${isPerson}`, lost), insert(outsideIdentities, identity, now)]
      : []),
    insert(outsideMemberIndex, index, now),
  ];
}

/** The state stands in the text, so that the index of what is linked serves. */
export function linked(where: SQL): SQL {
  return sql`${outsideOrganizationClaims.state} = 'linked' and ${where}`;
}

// By an earlier organization of the same tenant: a person is one member of it, by whatever way they come.
function memberQuery(identityId: string, ownerId: string): Query<string | null> {
  const [index, claims] = [outsideMemberIndex, outsideOrganizationClaims];
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${index.memberId} as "member_id" from ${index} indexed by "outside_member_index_by_identity" join ${claims} on ${claims.tenantId} = ${tenantId} and ${claims.id} = ${index.organizationId} and ${claims.ownerId} = ${ownerId} where ${index.tenantId} = ${tenantId} and ${index.identityId} = ${identityId} order by ${index.id} limit 1`,
      ),
    decode: async (_context, rows) => (rows[0] ? String(rows[0].member_id) : null),
  };
}
