import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, emit, insert, insertAll, mustExist, mustNotExist } from "#db/changes.ts";
import { invitationsSent } from "#db/member-rows.ts";
import { exactly, many } from "#db/queries.ts";
import { maskOf } from "#gate/capabilities.ts";
import { excessOf, givenTo, isHeld, mostRoles } from "#gate/giving.ts";
import { invitationLocations, invitations } from "#gate/invitation-tables.ts";
import { customRole } from "#gate/rights.ts";
import { locations, roles, tenants } from "#gate/tables.ts";
import { effectOperation, type TenantContext } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { dayMs, timestamp } from "#lib/time.ts";
import {
  Invitation,
  InvitationId,
  invitationLivesMs,
  mostADay,
  mostAtOnce,
  mostSends,
  NewInvitation,
} from "./schema.ts";
import { managed, presentInvitation, standingOf } from "./standing.ts";

// The cell has the invitation first; that its mail is written in the directory follows, as often as it takes.

const resumeAfterSeconds = 120;
const intent = z.object({ invitationId: z.string() });
const full = { problem: "too-many-invitations" };

export const create = effectOperation({
  mount: "tenant",
  method: "post",
  path: "/invitations",
  summary:
    "Invite somebody by mail to become a member; the link works for seven days, for that address alone",
  can: "members:write",
  recordRefusal: true,
  store: "cell",
  body: NewInvitation,
  returns: Invitation,
  status: 201,
  problems: [
    "invalid",
    "forbidden",
    "not-found",
    "rights-exceed-yours",
    "already-invited",
    "too-many-invitations",
    "conflict",
  ],
  intent,
  resumeAfterSeconds,
  async intend(context, { body }) {
    const { tenant, principal, now, newId } = context;
    if (isHeld(principal)) return refuse("forbidden");
    const { found, ownRoles } = await tenant.read({
      found: exactly(invitations, "emailToken", body.email, {
        indexedBy: "invitations_by_email",
        limit: 1,
      }),
      ownRoles: many(roles, { limit: mostRoles }),
    });
    if (found.length > 0) return refuse("already-invited");
    const { roleId = null } = body;
    if (roleId !== null && !ownRoles.some(({ id }) => id === roleId))
      return refuseField("/roleId", "is no role of this business");
    const created = insert(
      invitations,
      {
        id: newId("inv"),
        email: body.email,
        role: body.role ?? customRole,
        roleId,
        grants: maskOf(body.grants),
        denials: maskOf(body.denials),
        allLocations: body.allLocations ? 1 : 0,
        inviterId: principal.id,
        turn: 1,
        expiresAt: timestamp(now + invitationLivesMs),
      },
      now,
    );
    const locationIds = [...new Set(body.locationIds)];
    const held = { given: givenTo(created.row, ownRoles), locations: body.allLocations ? null : locationIds };
    const excess = excessOf(held, principal);
    if (excess) return refuseField(excess, "is more than you may give", "rights-exceed-yours");
    const isFull = sql`(select count(*) from ${invitations} where ${invitations.tenantId} = ${principal.tenantId}) >= ${mostAtOnce}`;
    return commit(
      { invitationId: created.row.id },
      mustNotExist(invitations, isFull, full),
      notTooMany(principal.tenantId, now),
      ...(roleId === null
        ? []
        : [mustExist(roles, eq(roles.id, roleId), { problem: "invalid", pointer: "/roleId" })]),
      ...locationIds.map((id) =>
        mustExist(locations, eq(locations.id, id), {
          problem: "invalid",
          pointer: `/locationIds/${body.locationIds.indexOf(id)}`,
        }),
      ),
      created,
      ...(locationIds.length === 0
        ? []
        : [
            insertAll(
              invitationLocations,
              locationIds.map((locationId) => ({
                id: newId("ilo"),
                invitationId: created.row.id,
                locationId,
              })),
              now,
            ),
          ]),
      emit("invitation.created", { invitationId: created.row.id }, { table: invitations, row: created.row }),
    );
  },
  perform: ({ invitations }, { invitationId }) => invitations.mail(invitationId),
  settle: answered,
});

export const resend = effectOperation({
  mount: "tenant",
  method: "post",
  path: "/invitations/{invitationId}/resend",
  summary: "Send an invitation again, for another seven days; the links of before open nothing any more",
  can: "members:write",
  recordRefusal: true,
  store: "cell",
  params: z.object({ invitationId: InvitationId }),
  returns: Invitation,
  problems: [
    "not-found",
    "forbidden",
    "rights-exceed-yours",
    "too-many-invitations",
    "conflict",
    "precondition-failed",
  ],
  intent,
  resumeAfterSeconds,
  async intend(context, { params }) {
    const { principal, now } = context;
    const standing = await managed(context, params.invitationId);
    if (standing instanceof Refusal) return standing;
    const { row } = standing;
    const excess = excessOf(standing, principal);
    if (excess) return refuse("rights-exceed-yours");
    if (row.turn >= mostSends) return refuse("too-many-invitations");
    // Whoever sends it answers for it from then on.
    const next = {
      turn: row.turn + 1,
      inviterId: principal.id,
      expiresAt: timestamp(now + invitationLivesMs),
    };
    return commit(
      { invitationId: row.id },
      notTooMany(principal.tenantId, now),
      change(invitations, row, next, now),
      emit("invitation.resent", { invitationId: row.id }, { table: invitations, row }),
    );
  },
  perform: ({ invitations }, { invitationId }) => invitations.mail(invitationId),
  settle: answered,
});

// Mail to strangers, for which the deployment's name stands.
function notTooMany(tenantId: string, now: number) {
  return mustNotExist(tenants, sql`${invitationsSent(tenantId, now - dayMs)} >= ${mostADay}`, full);
}

// Taken back, or accepted, between the two: there is nothing left to tell of.
async function answered(context: TenantContext, { invitationId }: z.output<typeof intent>) {
  const standing = await standingOf(context, invitationId);
  return standing
    ? commit(presentInvitation(standing.row, standing.places, context.now))
    : refuse("not-found");
}
