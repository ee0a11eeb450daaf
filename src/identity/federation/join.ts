import { eq, sql } from "drizzle-orm";
import { insert, mustExist, mustNotExist } from "#db/changes.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many, one } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import { isElevated, parseRole } from "#gate/roles.ts";
import { ssoConnections } from "#gate/sso-tables.ts";
import { members } from "#gate/tables.ts";
import { parseSsoReference } from "#lib/sso-reference.ts";
import { cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

const lost = { problem: "conflict" };

/**
 * Whoever comes by a business's own sign-in for the first time is made a member, as its connection says by now. Who is
 * one already stays as they are, suspended or not. As often as it is called, one member.
 */
export async function join(env: Env, reference: string, userId: string, now: number): Promise<void> {
  const place = parseSsoReference(reference);
  const cell = place && cellOf(env, place.cell);
  if (!cell) return;
  const session = await systemSession(env, cell.database, place.tenantId);
  const isThem = eq(members.userId, userId);
  const { connection, found } = await session.read({
    connection: one(ssoConnections, place.id),
    found: many(members, { where: isThem, limit: 1 }),
  });
  if (found.length > 0 || connection?.state !== "active" || connection.addsMembers !== 1) return;
  const role = parseRole(connection.defaultRole);
  if (role === null || isElevated(role)) return;
  const { id, state, addsMembers } = ssoConnections;
  const stillAdds = sql`${id} = ${place.id} and ${state} = 'active' and ${addsMembers} = 1`;
  await commitAsSystem(session, { job: "sso.join", requestId: newId("run"), now }, [
    mustExist(ssoConnections, stillAdds, lost),
    mustNotExist(members, isThem, lost),
    insert(
      members,
      {
        id: newId("mbr"),
        userId,
        role,
        grants: noCapabilities,
        denials: noCapabilities,
        state: "active",
        allLocations: connection.allLocations,
      },
      now,
    ),
  ]);
}
