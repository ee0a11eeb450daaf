import { desc, sql } from "drizzle-orm";
import { z } from "zod";
import { remove as deletion, emit } from "#db/changes.ts";
import { many, uniqueIndexOf } from "#db/queries.ts";
import { scoped } from "#db/scope.ts";
import { mostLocations } from "#gate/giving.ts";
import { invitationLocations, invitations } from "#gate/invitation-tables.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { Invitation, InvitationId } from "./schema.ts";
import { managed, presentInvitation, standingOf } from "./standing.ts";

const params = z.object({ invitationId: InvitationId });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/invitations",
  summary: "List who is invited and has not come yet, newest first",
  can: "members:read",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(Invitation),
  problems: ["invalid"],
  async run({ tenant, cursors, principal, now }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const { id } = invitations;
    const where = after === null ? sql`1` : sql`${id} < ${after}`;
    const limit = query.limit + 1;
    // The same page once more, for the places of those who are on it.
    const onPage = sql`select ${id} from ${invitations} where ${scoped(invitations, principal.tenantId, principal)} and ${where} order by ${desc(id)} limit ${limit}`;
    const { rows, places } = await tenant.read({
      rows: many(invitations, { where, limit }),
      places: many(invitationLocations, {
        ...uniqueIndexOf(invitationLocations),
        where: sql`${invitationLocations.invitationId} in (${onPage})`,
        limit: limit * mostLocations,
      }),
    });
    return await cursors.page(
      rows,
      query.limit,
      {},
      (row) => row.id,
      (row) => presentInvitation(row, places, now),
    );
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/invitations/{invitationId}",
  summary: "Read an invitation",
  can: "members:read",
  store: "cell",
  params,
  returns: Invitation,
  problems: ["not-found"],
  async run(context, { params }) {
    const standing = await standingOf(context, params.invitationId);
    return standing ? presentInvitation(standing.row, standing.places, context.now) : refuse("not-found");
  },
});

export const revoke = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/invitations/{invitationId}",
  summary: "Take an invitation back; its link opens nothing from then on",
  can: "members:write",
  recordRefusal: true,
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "forbidden", "rights-exceed-yours", "conflict", "precondition-failed"],
  async run(context, { params }) {
    const standing = await managed(context, params.invitationId);
    if (standing instanceof Refusal) return standing;
    const { row, places } = standing;
    return commit(
      null,
      ...places.map((place) => deletion(invitationLocations, place)),
      deletion(invitations, row),
      emit("invitation.revoked", { invitationId: row.id }, { table: invitations, row }),
    );
  },
});
