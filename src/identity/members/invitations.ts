import { eq } from "drizzle-orm";
import { z } from "zod";
import type { Named } from "#crypto/mac-token.ts";
import { insert, mustNotExist } from "#db/changes.ts";
import { directoryTenants, memberships, supportAgents, users } from "#db/directory-tables.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import type { Place } from "#gate/members-of-user.ts";
import { type Guest, type MeContext, meReadOperation, meWriteOperation } from "#http/account-operation.ts";
import { Timestamp, told, toldId } from "#http/fields.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { TokenText } from "#identity/sessions/schema.ts";
import { isAgent } from "#identity/support/agents.ts";
import { typeId } from "#lib/typeid.ts";

const body = z
  .strictObject({
    tenantId: typeId("ten"),
    token: TokenText.meta({ description: "Both as the link in the mail has them." }),
  })
  .meta({ id: "InvitationToken" });

const business = {
  tenantId: toldId("ten"),
  slug: told(64, "harbour-cafe"),
  name: told(120, "Harbour Café"),
};
export const Invited = z
  .object({
    ...business,
    role: told(40, "manager"),
    roleName: told(60, "Weekend help").nullable().meta({ description: "Of a role of the business's own." }),
    expiresAt: Timestamp,
  })
  .meta({ id: "InvitedTo" });
export const Joined = z.object({ ...business, memberId: toldId("mbr") }).meta({ id: "JoinedTenant" });

const problems = [
  "invalid",
  "invitation-not-valid",
  "invitation-for-another",
  "agent-is-no-member",
  "already-a-member",
] as const;

export const look = meReadOperation({
  mount: "me",
  method: "post",
  path: "/invitations/look",
  summary: "Be told what you are invited to, by the link that was mailed",
  store: "directory",
  body,
  returns: Invited,
  problems: problems.slice(0, 4),
  async run(context, { body }) {
    const come = await arrival(context, body);
    if (come instanceof Refusal) return come;
    return await context.accounts.invitations.look(come.guest, come.place, come.named);
  },
});

export const accept = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/invitations",
  summary: "Accept an invitation, as the account whose address it was sent to",
  store: "directory",
  body,
  returns: Joined,
  status: 201,
  problems: [...problems, "conflict"],
  async run(context, { body }) {
    const come = await arrival(context, body);
    if (come instanceof Refusal) return come;
    const joined = await context.accounts.invitations.accept(come.guest, come.place, come.named);
    if (joined instanceof Refusal) return joined;
    if (come.isIndexed) return commit(joined);
    const { user, newId, now } = context;
    const isTheirs = theirPointer(user.userId, joined.tenantId);
    const pointer = { id: newId("mem"), userId: user.userId, memberTenantId: joined.tenantId };
    return commit(
      joined,
      mustNotExist(memberships, isTheirs, null),
      mustNotExist(supportAgents, isAgent(user.userId), { problem: "agent-is-no-member" }),
      insert(memberships, pointer, now),
    );
  },
});

interface Arrival {
  readonly guest: Guest;
  readonly place: Place;
  readonly named: Named;
  /** The directory points from them to that business already. */
  readonly isIndexed: boolean;
}

async function arrival(
  { directory, accounts, user }: MeContext,
  { tenantId, token }: z.output<typeof body>,
): Promise<Arrival | Refusal> {
  const named = await accounts.readToken("invitation", token);
  if (!named) return refuse("invitation-not-valid");
  const { me, tenant, pointers, agents } = await directory.read({
    me: one(users, user.userId),
    agents: many(supportAgents, { where: isAgent(user.userId), limit: 1 }),
    tenant: one(directoryTenants, tenantId),
    pointers: many(memberships, {
      ...uniqueIndexOf(memberships),
      where: theirPointer(user.userId, tenantId),
      limit: 1,
    }),
  });
  if (!me) return refuse("unauthorized");
  if (agents.length > 0) return refuse("agent-is-no-member");
  if (tenant?.state !== "active") return refuse("invitation-not-valid");
  const { name, email, emailVerifiedAt } = me;
  const guest = { userId: user.userId, name, email, isVerified: emailVerifiedAt !== null };
  return { guest, place: { tenantId, cell: tenant.cell }, named, isIndexed: pointers.length > 0 };
}

function theirPointer(userId: string, tenantId: string) {
  return all(eq(memberships.userId, userId), eq(memberships.memberTenantId, tenantId));
}
