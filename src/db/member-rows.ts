import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import type { Query } from "./queries.ts";
import { statementOf } from "./statement.ts";

const Count = z.object({ count: z.int() });

/** At how many locations a member is, whoever asks: who sees some of them is to know that there are others. */
export function placeCount(memberId: string): Query<number> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select count(*) as "count" from "member_locations" where "member_locations"."tenant_id" = ${tenantId} and "member_locations"."member_id" = ${memberId}`,
      ),
    decode: async (_context, [row]) => Count.parse(row).count,
  };
}

/** The same of an invitation. */
export function invitedPlaceCount(invitationId: string): Query<number> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select count(*) as "count" from "invitation_locations" where "invitation_locations"."tenant_id" = ${tenantId} and "invitation_locations"."invitation_id" = ${invitationId}`,
      ),
    decode: async (_context, [row]) => Count.parse(row).count,
  };
}

/** Whether somebody may act as this member, told without any key: what is sealed of them stays so. */
export function isActiveMember(memberId: string): Query<boolean> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select count(*) as "count" from "members" where "members"."tenant_id" = ${tenantId} and "members"."id" = ${memberId} and "members"."state" = 'active' and "members"."removed_at" is null`,
      ),
    decode: async (_context, [row]) => Count.parse(row).count === 1,
  };
}

const Id = z.object({ id: z.string() });

/** The member that a user was here and is no more, told without any key; null where there is none. */
export function removedMemberOf(userId: string): Query<string | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "members"."id" from "members" where "members"."tenant_id" = ${tenantId} and "members"."user_id" = ${userId} and "members"."removed_at" is not null limit 1`,
      ),
    decode: async (_context, [row]) => (row ? Id.parse(row).id : null),
  };
}

const Standing = z.object({ isActive: z.int().transform((flag) => flag === 1) });

/** Whether a user is a member here who may act, told without any key; null: they never were one. */
export function standingOfUser(userId: string): Query<boolean | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select ("members"."state" = 'active' and "members"."removed_at" is null) as "isActive" from "members" where "members"."tenant_id" = ${tenantId} and "members"."user_id" = ${userId} limit 1`,
      ),
    decode: async (_context, [row]) => (row ? Standing.parse(row).isActive : null),
  };
}

const Inviter = z.object({ inviterId: z.string() });

/** Who answers for an invitation, told without any key; null where there is none of it. */
export function inviterOf(invitationId: string): Query<string | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "invitations"."inviter_id" as "inviterId" from "invitations" where "invitations"."tenant_id" = ${tenantId} and "invitations"."id" = ${invitationId}`,
      ),
    decode: async (_context, [row]) => (row ? Inviter.parse(row).inviterId : null),
  };
}

/** How many invitations a tenant had sent since (ms since 1970), those included that were taken back or accepted. */
export function invitationsSent(tenantId: string, since: number): SQL {
  return sql`(select count(*) from "intents" indexed by "intents_of_invitations" where "intents"."tenant_id" = ${tenantId} and "intents"."operation" in ('invitations.create', 'invitations.resend') and "intents"."created_at" > ${timestamp(since)})`;
}
