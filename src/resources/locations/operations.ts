import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, remove as deletion, emit, insert, mustNotExist } from "#db/changes.ts";
import { many, one } from "#db/queries.ts";
import { invitationLocations } from "#gate/invitation-tables.ts";
import { apiKeyLocations, apiKeys, locations, memberLocations } from "#gate/tables.ts";
import { line, stored, TimeZone, told, toldId } from "#http/fields.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { timestamp } from "#lib/time.ts";
import { typeId } from "#lib/typeid.ts";
import { orders } from "#resources/orders/table.ts";

const LocationId = typeId("loc");
/** Of keys whose time is up, with one location. */
const mostPassed = 100;
const params = z.object({ locationId: LocationId });
const Location = z
  .object({
    id: toldId("loc"),
    name: told(120, "Harbour"),
    timezone: told(64, "Europe/Amsterdam"),
    ...stored,
  })
  .meta({ id: "Location" });
const fields = z.strictObject({ name: line(120).meta({ examples: ["Harbour"] }), timezone: TimeZone });
const NewLocation = fields.meta({ id: "NewLocation" });
const LocationPatch = fields.partial().meta({ id: "LocationPatch" });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/locations",
  summary: "List locations, newest first",
  can: "locations:read",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(Location),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const where = after === null ? undefined : sql`${locations.id} < ${after}`;
    const { rows } = await tenant.read({ rows: many(locations, { where, limit: query.limit + 1 }) });
    return await cursors.page(
      rows,
      query.limit,
      {},
      (row) => row.id,
      (row) => row,
    );
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/locations/{locationId}",
  summary: "Read a location",
  can: "locations:read",
  store: "cell",
  params,
  returns: Location,
  problems: ["not-found"],
  async run({ tenant }, { params }) {
    return (await tenant.get(locations, params.locationId)) ?? refuse("not-found");
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/locations",
  summary: "Add a location",
  can: "locations:write",
  store: "cell",
  body: NewLocation,
  returns: Location,
  status: 201,
  problems: ["invalid", "forbidden"],
  async run({ principal, now, newId }, { body }) {
    // A new place would lie outside the reach of who is limited to some.
    if (principal.locations !== null) return refuse("forbidden");
    const created = insert(locations, { id: newId("loc"), ...body }, now);
    return commit(
      created.row,
      created,
      emit("location.created", { locationId: created.row.id }, { table: locations, row: created.row }),
    );
  },
});

export const update = writeOperation({
  mount: "tenant",
  method: "patch",
  path: "/locations/{locationId}",
  summary: "Change a location",
  can: "locations:write",
  store: "cell",
  params,
  body: LocationPatch,
  returns: Location,
  problems: ["invalid", "not-found", "conflict", "precondition-failed"],
  async run({ tenant, now }, { params, body }) {
    const row = await tenant.get(locations, params.locationId);
    if (!row) return refuse("not-found");
    const changed = change(locations, row, body, now);
    return commit(
      changed.row,
      changed,
      emit("location.updated", { locationId: row.id }, { table: locations, row }),
    );
  },
});

export const remove = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/locations/{locationId}",
  summary: "Remove a location that nothing refers to",
  can: "locations:write",
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "location-in-use", "conflict", "precondition-failed"],
  async run({ tenant, principal, now }, { params }) {
    const isHere = eq(apiKeyLocations.locationId, params.locationId);
    const { row, left } = await tenant.read({
      row: one(locations, params.locationId),
      // Of keys that open nothing by now: what a key is held to goes when it is revoked, and stays where its time is up.
      left: many(apiKeyLocations, {
        indexedBy: "api_key_locations_by_location",
        where: sql`${isHere} and exists (select 1 from ${apiKeys} where ${apiKeys.tenantId} = ${principal.tenantId} and ${apiKeys.id} = ${apiKeyLocations.apiKeyId} and ${apiKeys.expiresAt} <= ${timestamp(now)})`,
        limit: mostPassed,
      }),
    });
    if (!row) return refuse("not-found");
    const isNoneOfThem = sql`${apiKeyLocations.id} not in (select value from json_each(${JSON.stringify(left.map(({ id }) => id))}))`;
    const inUse = { problem: "location-in-use" };
    return commit(
      null,
      mustNotExist(orders, eq(orders.locationId, row.id), inUse),
      mustNotExist(memberLocations, eq(memberLocations.locationId, row.id), inUse),
      mustNotExist(invitationLocations, eq(invitationLocations.locationId, row.id), inUse),
      mustNotExist(apiKeyLocations, sql`${isHere} and ${isNoneOfThem}`, inUse),
      ...left.map((place) => deletion(apiKeyLocations, place)),
      deletion(locations, row),
      emit("location.deleted", { locationId: row.id }, { table: locations, row }),
    );
  },
});
