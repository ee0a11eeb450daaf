import { eq, sql } from "drizzle-orm";
import { update } from "#db/changes.ts";
import { openDirectory } from "#db/directory.ts";
import {
  directoryTenants,
  outsideIdentities,
  outsideMemberIndex,
  outsideOrganizationClaims,
} from "#db/directory-tables.ts";
import { exactly, type Query } from "#db/queries.ts";
import { statementOf } from "#db/statement.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { OutsidePerson } from "#gate/outside-members.ts";
import type { Env } from "#platform/env.ts";

const mostTries = 5;
const placesPerPage = 50;

/** Where a person is, or was, in an organization of this deployment. */
export interface Place {
  readonly indexId: string;
  readonly identityId: string;
  readonly organizationId: string;
  readonly memberId: string;
  readonly tenantId: string;
  readonly cell: string;
}

/**
 * Ends a person for good, before anything else: no pointer to them is made from then on.
 * @returns their identity's id; null where they were never here
 */
export async function endIdentity(
  env: Env,
  { issuer, subject }: Pick<OutsidePerson, "issuer" | "subject">,
  run: SystemRun,
): Promise<string | null> {
  const directory = await openDirectory(env);
  const ofSubject = exactly(outsideIdentities, "subjectToken", subject, {
    where: eq(outsideIdentities.issuer, issuer),
    limit: 1,
  });
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const {
      found: [identity],
    } = await directory.read({ found: ofSubject });
    if (!identity || identity.state === "ended") return identity?.id ?? null;
    const ended = update(outsideIdentities, identity, { state: "ended" }, run.now);
    if ((await commitAsSystem(directory, run, [ended])).kind === "committed") return identity.id;
  }
  throw new Error("An identity kept changing while it was ended.");
}

/** All of a person's places, of organizations that are no longer linked too. */
export async function placesOf(env: Env, identityId: string): Promise<Place[]> {
  const directory = await openDirectory(env);
  const places: Place[] = [];
  for (;;) {
    const { page } = await directory.read({ page: placeQuery(identityId, places.at(-1)?.indexId ?? "") });
    places.push(...page);
    if (page.length < placesPerPage) return places;
  }
}

function placeQuery(identityId: string, after: string): Query<Place[]> {
  const [index, claims, tenants] = [outsideMemberIndex, outsideOrganizationClaims, directoryTenants];
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ${index.id} as "id", ${index.organizationId} as "organization_id", ${index.memberId} as "member_id", ${claims.ownerId} as "owner_id", ${tenants.cell} as "cell" from ${index} indexed by "outside_member_index_by_identity" join ${claims} on ${claims.tenantId} = ${tenantId} and ${claims.id} = ${index.organizationId} join ${tenants} on ${tenants.tenantId} = ${tenantId} and ${tenants.id} = ${claims.ownerId} where ${index.tenantId} = ${tenantId} and ${index.identityId} = ${identityId} and ${index.id} > ${after} order by ${index.id} limit ${placesPerPage}`,
      ),
    decode: async (_context, rows) =>
      rows.map((row) => ({
        indexId: String(row.id),
        identityId,
        organizationId: String(row.organization_id),
        memberId: String(row.member_id),
        tenantId: String(row.owner_id),
        cell: String(row.cell),
      })),
  };
}
