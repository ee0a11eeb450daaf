import { eq } from "drizzle-orm";
import type { Named } from "#crypto/mac-token.ts";
import { type Change, emit, insert, insertAll, remove, update } from "#db/changes.ts";
import { inviterOf } from "#db/member-rows.ts";
import { keylessSession, ringOf } from "#db/open-tenant.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import { wholeTenant } from "#db/scope.ts";
import { Store } from "#db/store.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import { EpochMoved, TenantSession } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import type { Row } from "#db/tenant-table.ts";
import { holds } from "#gate/capabilities.ts";
import { excessOf, type Giver, givenTo, isHeld, mostLocations, mostRoles } from "#gate/giving.ts";
import { hydrate } from "#gate/hydrate.ts";
import { invitationLocations, invitations } from "#gate/invitation-tables.ts";
import { membersOfUser, type Place } from "#gate/members-of-user.ts";
import type { Policy } from "#gate/policy.ts";
import { memberLocations, members, roles, tenants } from "#gate/tables.ts";
import type { Accepted, Guest, Invited } from "#http/account-operation.ts";
import { afterCommit } from "#http/after-commit.ts";
import { Refusal, refuse } from "#http/outcome.ts";
import type { RequestContext } from "#http/request-state.ts";
import { mostTries } from "#identity/oauth/take-turn.ts";
import { normaliseEmail } from "#lib/normalise.ts";
import { timestamp } from "#lib/time.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import { newId } from "#platform/ids.ts";

/** An invitation as it stands, held against what who answers for it may do by now: at one epoch of the tenant. */
interface Standing {
  readonly session: TenantSession;
  readonly cell: Cell;
  readonly tenant: Row<typeof tenants>;
  readonly invitation: Row<typeof invitations>;
  readonly places: readonly Row<typeof invitationLocations>[];
  readonly roleName: string | null;
  /** Who they are here already, or were. */
  readonly member: Row<typeof members> | null;
}

/** What somebody is invited to, before they say yes. */
export async function lookAtInvitation(
  c: RequestContext,
  guest: Guest,
  place: Place,
  named: Named,
): Promise<Invited | Refusal> {
  return await atOneEpoch(async () => {
    const standing = await standingOf(c, guest, place, named);
    if (standing instanceof Refusal) return standing;
    const { tenant, invitation, roleName } = standing;
    return {
      tenantId: tenant.id,
      slug: tenant.slug,
      name: tenant.name,
      role: invitation.role,
      roleName,
      expiresAt: invitation.expiresAt,
    };
  });
}

/**
 * Makes a user a member, as the invitation says; asked again, it answers the same. The cell is the truth and changed
 * here; the directory's pointer is the caller's to write then.
 */
export async function acceptInvitation(
  c: RequestContext,
  guest: Guest,
  place: Place,
  named: Named,
): Promise<Accepted | Refusal> {
  return await atOneEpoch(async () => {
    const standing = await standingOf(c, guest, place, named);
    if (standing instanceof Refusal) {
      // They may have said yes before, and the pointer or the answer was lost.
      const known = standing.problem === "invitation-not-valid" ? await activeMember(c, guest, place) : null;
      return known ?? standing;
    }
    const { session, cell, tenant, member } = standing;
    if (member && member.removedAt === null) return refuse("already-a-member");
    const now = systemNow();
    const { changes, memberId } = joining(standing, guest, now);
    const run = { job: "me.acceptInvitation", requestId: c.get("state").requestId, now };
    const outcome = await commitAsSystem(session, run, changes);
    if (outcome.kind !== "committed") throw new EpochMoved();
    c.executionCtx.waitUntil(afterCommit(c.env, cell, place.tenantId, changes));
    return { tenantId: tenant.id, memberId, slug: tenant.slug, name: tenant.name };
  });
}

async function standingOf(
  c: RequestContext,
  guest: Guest,
  place: Place,
  { id, turn }: Named,
): Promise<Standing | Refusal> {
  const cell = cellOf(c.env, place.cell);
  if (!cell) return refuse("invitation-not-valid");
  const { inviterId } = await keylessSession(cell.database, place.tenantId).read({
    inviterId: inviterOf(id),
  });
  const policy = inviterId === null ? null : await hydrate(cell.database, inviterId, place.tenantId);
  if (policy?.state !== "active") return refuse("invitation-not-valid");
  // A key that retired, or grew too old, is judged so by its gate alone.
  if (policy.endsAt !== null && policy.endsAt <= systemNow()) return refuse("invitation-not-valid");
  const session = await sessionAt(c, cell, policy);
  const { invitation, places, ownRoles, found, owner } = await session.read({
    invitation: one(invitations, id),
    places: many(invitationLocations, {
      ...uniqueIndexOf(invitationLocations),
      where: eq(invitationLocations.invitationId, id),
      limit: mostLocations,
    }),
    ownRoles: many(roles, { limit: mostRoles }),
    found: many(members, { where: eq(members.userId, guest.userId), limit: 1 }),
    owner: one(tenants, place.tenantId),
  });
  if (!owner || invitation?.inviterId !== inviterId) return refuse("invitation-not-valid");
  if (invitation.turn !== turn || invitation.expiresAt <= timestamp(systemNow()))
    return refuse("invitation-not-valid");
  if (!guest.isVerified || normaliseEmail(guest.email) !== normaliseEmail(invitation.email))
    return refuse("invitation-for-another");
  if (!canStillGive(policy, invitation, places, ownRoles)) return refuse("invitation-not-valid");
  const roleName = ownRoles.find((role) => role.id === invitation.roleId)?.name ?? null;
  const member = found[0] ?? null;
  // Of two that were sent at once the other one brings nobody back who came by the first and was removed since.
  if (member?.removedAt && member.removedAt >= invitation.updatedAt) return refuse("invitation-not-valid");
  return { session, cell, tenant: owner, invitation, places, roleName, member };
}

/** As the tenant stands where these rights were read: whatever of them moves meanwhile ends the work. */
async function sessionAt(c: RequestContext, cell: Cell, policy: Policy): Promise<TenantSession> {
  const { tenantId, tenantKeys } = policy;
  const ring = await ringOf(c.env, tenantId, tenantKeys);
  return new TenantSession(new TenantDriver(new Store(cell.database, "first-primary"), tenantId), {
    reach: wholeTenant,
    epoch: policy.epoch,
    keys: { tenantId, ring, subjects: new Map() },
  });
}

// Whoever was demoted, suspended or removed since gives nothing any more.
function canStillGive(
  policy: Policy,
  invitation: Row<typeof invitations>,
  places: Standing["places"],
  ownRoles: readonly Row<typeof roles>[],
): boolean {
  const giver: Giver = { ...policy, allowedOrigins: policy.clientOrigins };
  const { locations } = policy;
  const locationIds = places.map(({ locationId }) => locationId);
  const held = {
    given: givenTo(invitation, ownRoles),
    locations: invitation.allLocations === 1 ? null : locationIds,
  };
  if (!holds(policy.capabilities, "members:write") || isHeld(giver)) return false;
  if (invitation.allLocations !== 1 && locationIds.length === 0) return false;
  return (
    excessOf(held, giver) === null &&
    (locations === null || locationIds.every((id) => locations.includes(id)))
  );
}

function joining(
  { invitation, places, member }: Standing,
  guest: Guest,
  now: number,
): { changes: Change[]; memberId: string } {
  const { role, roleId, grants, denials, allLocations } = invitation;
  const terms = { role, roleId, grants, denials, allLocations, state: "active" as const, removedAt: null };
  const who = { name: guest.name, email: guest.email };
  const joined = member
    ? update(members, member, { ...terms, ...who }, now)
    : insert(members, { id: newId("mbr"), userId: guest.userId, ...terms, ...who }, now);
  const memberId = joined.row.id;
  const changes = [
    joined,
    ...(places.length === 0
      ? []
      : [
          insertAll(
            memberLocations,
            places.map(({ locationId }) => ({ id: newId("mlo"), memberId, locationId })),
            now,
          ),
        ]),
    ...places.map((place) => remove(invitationLocations, place)),
    remove(invitations, invitation),
    emit("member.joined", { memberId, invitationId: invitation.id }, { table: members, row: joined.row }),
  ];
  return { changes, memberId };
}

async function activeMember(c: RequestContext, { userId }: Guest, place: Place): Promise<Accepted | null> {
  const [found] = await membersOfUser(c.env, [place], userId);
  if (!found) return null;
  const { tenantId, memberId, slug, name } = found;
  return { tenantId, memberId, slug, name };
}

async function atOneEpoch<A>(work: () => Promise<A>): Promise<A> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof EpochMoved) || tries === mostTries) throw error;
    }
  }
}
