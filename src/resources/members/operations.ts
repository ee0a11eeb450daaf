import { desc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, remove as deletion, emit, insertAll, mustExist } from "#db/changes.ts";
import { many, uniqueIndexOf } from "#db/queries.ts";
import { scoped } from "#db/scope.ts";
import { maskOf, noCapabilities } from "#gate/capabilities.ts";
import { excessOf, givenTo, mostLocations } from "#gate/giving.ts";
import { notTheLastOwner } from "#gate/leaving.ts";
import { customRole } from "#gate/rights.ts";
import { locations, memberLocations, members, roles } from "#gate/tables.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { Member, MemberId, MemberPatch } from "./schema.ts";
import { managed, presentMember, standingOf } from "./standing.ts";

const params = z.object({ memberId: MemberId });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/members",
  summary: "List members, newest first",
  can: "members:read",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(Member),
  problems: ["invalid"],
  async run({ tenant, cursors, principal }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const { removedAt, id } = members;
    const where = after === null ? sql`${removedAt} is null` : sql`${removedAt} is null and ${id} < ${after}`;
    const limit = query.limit + 1;
    // The same page once more, for the places of those who are on it.
    const onPage = sql`select ${id} from ${members} where ${scoped(members, principal.tenantId, principal)} and ${where} order by ${desc(id)} limit ${limit}`;
    const { rows, places } = await tenant.read({
      rows: many(members, { where, indexedBy: "members_present", limit }),
      places: many(memberLocations, {
        ...uniqueIndexOf(memberLocations),
        where: sql`${memberLocations.memberId} in (${onPage})`,
        limit: limit * mostLocations,
      }),
    });
    return await cursors.page(
      rows,
      query.limit,
      {},
      (row) => row.id,
      (row) => presentMember(row, places),
    );
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/members/{memberId}",
  summary: "Read a member, also one who was removed",
  can: "members:read",
  store: "cell",
  params,
  returns: Member,
  problems: ["not-found"],
  async run(context, { params }) {
    const standing = await standingOf(context, params.memberId);
    return standing ? presentMember(standing.row, standing.places) : refuse("not-found");
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/members/{memberId}",
  summary: "Change what a member may do, and where; it holds from their next request on",
  can: "members:write",
  recordRefusal: true,
  store: "cell",
  params,
  body: MemberPatch,
  returns: Member,
  problems: [
    "invalid",
    "not-found",
    "forbidden",
    "member-above-you",
    "rights-exceed-yours",
    "last-owner",
    "conflict",
    "precondition-failed",
  ],
  async run(context, { params, body }) {
    const { principal, now, newId } = context;
    const standing = await managed(context, params.memberId);
    if (standing instanceof Refusal) return standing;
    const { row, places, ownRoles } = standing;
    const { roleId } = body;
    if (roleId !== undefined && !ownRoles.some(({ id }) => id === roleId))
      return refuseField("/roleId", "is no role of this business");
    const next = {
      ...(body.role === undefined ? {} : { role: body.role, roleId: null }),
      ...(roleId === undefined ? {} : { role: customRole, roleId }),
      ...(body.grants === undefined ? {} : { grants: maskOf(body.grants) }),
      ...(body.denials === undefined ? {} : { denials: maskOf(body.denials) }),
      ...(body.allLocations === undefined ? {} : { allLocations: body.allLocations ? 1 : 0 }),
    };
    const changed = change(members, row, next, now);
    // An owner is one of the whole business, without less: the last one could be hollowed out otherwise.
    const isLess = changed.row.denials !== noCapabilities || changed.row.allLocations !== 1;
    if (changed.row.role === "owner" && isLess) return refuse("forbidden");
    const wanted = body.locationIds
      ? [...new Set(body.locationIds)]
      : places.map(({ locationId }) => locationId);
    const excess = excessOf(
      {
        given: givenTo(changed.row, ownRoles),
        locations: changed.row.allLocations === 1 ? null : wanted,
      },
      principal,
    );
    if (excess) return refuseField(excess, "is more than you may give", "rights-exceed-yours");
    const left = places.filter(({ locationId }) => !wanted.includes(locationId));
    const here = places.map(({ locationId }) => locationId);
    const added = wanted.filter((id) => !here.includes(id));
    const kept = [
      ...places.filter((place) => !left.includes(place)),
      ...added.map((locationId) => ({ memberId: row.id, locationId })),
    ];
    return commit(
      presentMember(changed.row, kept),
      ...(changed.row.role === "owner" ? [] : notTheLastOwner(standing)),
      ...(roleId === undefined
        ? []
        : [mustExist(roles, eq(roles.id, roleId), { problem: "invalid", pointer: "/roleId" })]),
      ...added.map((locationId) =>
        mustExist(locations, eq(locations.id, locationId), {
          problem: "invalid",
          pointer: `/locationIds/${(body.locationIds ?? []).indexOf(locationId)}`,
        }),
      ),
      changed,
      ...left.map((place) => deletion(memberLocations, place)),
      ...(added.length > 0
        ? [
            insertAll(
              memberLocations,
              added.map((locationId) => ({ id: newId("mlo"), memberId: row.id, locationId })),
              now,
            ),
          ]
        : []),
      emit("member.updated", { memberId: row.id }, { table: members, row }),
    );
  },
});
