import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { ResultRows } from "#db/store.ts";
import { storedMask } from "./capabilities.ts";
import { rightsOf, scopeOf, underSupport } from "./rights.ts";
import { parseSupportRole } from "./support-roles.ts";

// What a session of support may do, as its cell says at one instant. It may do nothing once it was ended, or its grant, or
// once who gave that is no owner any more, or whoever bounds it no active member.

export const supportRow = (tenantId: string, id: string): SQL =>
  sql`select "support_sessions"."agent_id", "support_sessions"."agent_role", "support_sessions"."grant_id", "support_sessions"."member_id", "support_sessions"."expires_at", "support_grants"."capabilities" as "named", "support_grants"."shows_personal_data", "support_grants"."expires_at" as "grant_expires_at", "members"."role", "members"."grants", "members"."denials", "members"."all_locations", "roles"."capabilities", "roles"."scope" from "support_sessions" join "support_grants" on "support_grants"."tenant_id" = ${tenantId} and "support_grants"."id" = "support_sessions"."grant_id" and "support_grants"."ended_at" is null join "members" on "members"."tenant_id" = ${tenantId} and "members"."id" = "support_sessions"."member_id" and "members"."state" = 'active' and "members"."removed_at" is null left join "roles" on "roles"."tenant_id" = ${tenantId} and "roles"."id" = "members"."role_id" where "support_sessions"."tenant_id" = ${tenantId} and "support_sessions"."id" = ${id} and "support_sessions"."ended_at" is null and "support_grants"."owner_id" in (select "members"."id" from "members" where "members"."tenant_id" = ${tenantId} and "members"."role" = 'owner' and "members"."state" = 'active')`;

export const placesOfSupport = (tenantId: string, id: string): SQL =>
  sql`select "location_id" from "member_locations" where "member_locations"."tenant_id" = ${tenantId} and "member_locations"."member_id" in (select "support_sessions"."member_id" from "support_sessions" where "support_sessions"."tenant_id" = ${tenantId} and "support_sessions"."id" = ${id})`;

/** Whose session it is. */
export function agentOf(tenantId: string, id: string): SQL {
  return sql`(select "support_sessions"."agent_id" from "support_sessions" where "support_sessions"."tenant_id" = ${tenantId} and "support_sessions"."id" = ${id})`;
}

const Session = z.object({
  agent_id: z.string(),
  agent_role: z.string(),
  grant_id: z.string(),
  member_id: z.string(),
  expires_at: z.string(),
  named: z.string(),
  shows_personal_data: z.int(),
  grant_expires_at: z.string(),
  role: z.string(),
  grants: z.string(),
  denials: z.string(),
  all_locations: z.int(),
  capabilities: z.string().nullable(),
  scope: z.enum(["tenant", "assigned"]).nullable(),
});
const Places = z.array(z.object({ location_id: z.string() }));

/** null where it is over. From which network they come is not asked: who is locked out by their own list needs help. */
export function supportRights([found, places]: readonly ResultRows[]) {
  if (!found?.[0]) return null;
  const session = Session.parse(found[0]);
  const { role, scope, capabilities, member_id: memberId } = session;
  const ownRole =
    capabilities === null || scope === null ? null : { capabilities: storedMask(capabilities), scope };
  const given = { role, ownRole, grants: storedMask(session.grants), denials: storedMask(session.denials) };
  const agentRole = parseSupportRole(session.agent_role);
  return {
    capabilities: underSupport(rightsOf(given), storedMask(session.named), agentRole),
    locations: session.all_locations === 1 ? null : Places.parse(places).map((place) => place.location_id),
    assigneeId: scopeOf(given) === "assigned" ? memberId : null,
    expiresAt: Math.min(Date.parse(session.expires_at), Date.parse(session.grant_expires_at)),
    support: {
      agentId: session.agent_id,
      grantId: session.grant_id,
      memberId,
      showsPersonalData: session.shows_personal_data === 1,
    },
    ipAllowList: [],
    tenantIpAllowList: [],
    clientOrigins: [],
    endsAt: null,
    retiresAt: null,
    secretHash: null,
    grantTypes: null,
    outsideMembers: [],
    endedSessions: [],
    tokensFromMs: null,
    asksForFactor: false,
  };
}
