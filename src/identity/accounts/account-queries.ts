import { type SQL, sql } from "drizzle-orm";
import {
  directoryTenants,
  memberships,
  platformTenant,
  sessions,
  supportAgents,
  users,
} from "#db/directory-tables.ts";
import { many, uniqueIndexOf } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import type { Membership, Place } from "#gate/members-of-user.ts";
import { isElevated } from "#gate/roles.ts";
import type { PasswordOwner } from "#identity/passwords/password-rules.ts";
import {
  emailChanges,
  type LinkPurpose,
  oneTimeLinks,
  passwords,
  signInChallenges,
} from "#identity/tables.ts";

// Sets of none or one user's id, so that all of an account is read in one round trip whatever it is found by.

export function userById(id: string): SQL {
  return sql`(${id})`;
}

export function userByEmail(token: string): SQL {
  return sql`(select ${users.id} from ${users} where ${users.tenantId} = ${platformTenant} and ${users.emailToken} = ${token})`;
}

export function userByLink(id: string): SQL {
  return sql`(select ${oneTimeLinks.userId} from ${oneTimeLinks} where ${oneTimeLinks.tenantId} = ${platformTenant} and ${oneTimeLinks.id} = ${id})`;
}

export function userByEmailChange(id: string): SQL {
  return sql`(select ${emailChanges.userId} from ${emailChanges} where ${emailChanges.tenantId} = ${platformTenant} and ${emailChanges.id} = ${id})`;
}

export function userByChallenge(id: string): SQL {
  return sql`(select ${signInChallenges.userId} from ${signInChallenges} where ${signInChallenges.tenantId} = ${platformTenant} and ${signInChallenges.id} = ${id})`;
}

export function userBySession(id: string): SQL {
  return sql`(select ${sessions.userId} from ${sessions} where ${sessions.tenantId} = ${platformTenant} and ${sessions.id} = ${id})`;
}

/** What is ended one by one; an epoch of the user ends those beyond. */
const mostSessions = 100;
/** As many are looked at in one round trip. */
export const mostTenants = 100;

export const userIn = (set: SQL) => many(users, { where: sql`${users.id} in ${set}`, limit: 1 });

export const passwordIn = (set: SQL) =>
  many(passwords, { ...uniqueIndexOf(passwords), where: sql`${passwords.userId} in ${set}`, limit: 1 });

export const activeSessionsIn = (set: SQL) =>
  many(sessions, {
    where: sql`${sessions.userId} in ${set} and ${sessions.state} = 'active'`,
    indexedBy: "sessions_by_user",
    limit: mostSessions,
  });

/** What they are of support, if they are. */
export const agentIn = (set: SQL) =>
  many(supportAgents, {
    indexedBy: "support_agents_by_user",
    where: sql`${supportAgents.userId} in ${set} and ${supportAgents.state} = 'active'`,
    limit: 1,
  });

/** Links of this purpose that could still be used; whoever asks for more than that is held by a lockout. */
export const openLinksIn = (set: SQL, purpose: LinkPurpose) =>
  many(oneTimeLinks, {
    where: sql`${oneTimeLinks.userId} in ${set} and ${oneTimeLinks.purpose} = ${purpose} and ${oneTimeLinks.state} = 'unused'`,
    indexedBy: "one_time_links_by_user",
    limit: 100,
  });

/** The latest, ended or not. */
export const sessionsIn = (set: SQL, limit: number) =>
  many(sessions, { where: sql`${sessions.userId} in ${set}`, indexedBy: "sessions_by_user", limit });

/** Of a tenant of the directory: it is active, and they are indexed as members. */
export function isOneOfTheirs(set: SQL): SQL {
  return sql`${directoryTenants.state} = 'active' and ${directoryTenants.id} in (select ${memberships.memberTenantId} from ${memberships} where ${memberships.tenantId} = ${platformTenant} and ${memberships.userId} in ${set})`;
}

/** Where they are members, as the directory's index has it; the cells say who they are there. */
export const tenantsIn = (set: SQL) =>
  many(directoryTenants, {
    where: isOneOfTheirs(set),
    limit: mostTenants,
  });

export function placesOf(tenants: readonly Row<typeof directoryTenants>[]): Place[] {
  return tenants.map(({ id, cell }) => ({ tenantId: id, cell }));
}

/** Whom a password is held to. */
export function ownerOf(
  { email, name }: { readonly email: string; readonly name: string },
  members: readonly Membership[] | null,
  agents: readonly unknown[],
): PasswordOwner {
  // Where a cell is away nobody knows what they may do there: it is taken for the most.
  if (members === null) return { email, name, tenants: [], isPrivileged: true };
  return {
    email,
    name,
    tenants: members.flatMap((member) => [member.name, member.slug]),
    isPrivileged: agents.length > 0 || members.some(({ role }) => isElevated(role)),
  };
}
