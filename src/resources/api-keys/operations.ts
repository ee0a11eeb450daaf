import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import { update as change, remove as deletion, emit, insert, insertAll, mustExist } from "#db/changes.ts";
import { many, one } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { isCapability, listOf, maskOf, parseMask } from "#gate/capabilities.ts";
import { mostLocations } from "#gate/giving.ts";
import { apiKeyLocations, apiKeys, locations } from "#gate/tables.ts";
import { Instant, line, Origin, stored, Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { parseCidr } from "#lib/cidr.ts";
import { isSandbox } from "#lib/sandbox.ts";
import { timestamp } from "#lib/time.ts";
import { typeId } from "#lib/typeid.ts";
import { excessOf } from "./rules.ts";

const fields = z.object({
  id: toldId("key"),
  name: told(120, "Till"),
  scopes: toldList(told(64, "orders:read"), 128),
  allLocations: z.boolean().meta({ description: "False: only at the locations it was created with." }),
  ipAllowList: toldList(told(50, "203.0.113.0/24"), 50),
  allowedOrigins: toldList(told(255, "https://shop.example"), 20),
  creatorId: toldId(),
  expiresAt: Timestamp.nullable(),
  revokedAt: Timestamp.nullable(),
  lastUsedAt: Timestamp.nullable(),
  ...stored,
});

const ApiKey = fields.meta({ id: "ApiKey" });

const CreatedApiKey = fields
  .extend({
    key: told(200, "kl_live_eu1_01jd5r0t6vf3h8k2m4n6p8q0rs_…")
      .nullable()
      .meta({ description: "The key's text: in this one answer and nowhere else. A replay holds null." }),
  })
  .meta({ id: "CreatedApiKey" });

const Scope = z
  .string()
  .max(64)
  .refine(isCapability, "is not a capability")
  .meta({ pattern: "^[a-z-]+:[a-z-]+$", examples: ["orders:read"] });

const NewApiKey = z
  .strictObject({
    name: line(120).meta({ examples: ["Till"] }),
    scopes: z.array(Scope).min(1).max(128),
    locationIds: z
      .array(typeId("loc"))
      .min(1)
      .max(mostLocations)
      .optional()
      .meta({ description: "Only at these; absent: wherever its creator may." }),
    ipAllowList: z
      .array(
        z
          .string()
          .max(50)
          .refine((text) => parseCidr(text) !== null, "is not an IPv4 or IPv6 address or network")
          .meta({ pattern: "^[0-9A-Fa-f.:]+(?:/[0-9]+)?$", examples: ["203.0.113.0/24"] }),
      )
      .max(50)
      .default([])
      .meta({ description: "Empty: from any address." }),
    allowedOrigins: z.array(Origin).max(20).default([]).meta({
      description:
        "Of pages that may use it, as far as the settings list them too; empty: all that they list.",
    }),
    expiresAt: Instant.optional(),
  })
  .meta({ id: "NewApiKey" });

export const list = readOperation({
  mount: "tenant",
  method: "get",
  path: "/api-keys",
  summary: "List API keys, newest first, with the revoked",
  can: "api-keys:read",
  store: "cell",
  query: z.strictObject(pageQuery),
  returns: pageOf(ApiKey),
  problems: ["invalid"],
  async run({ tenant, cursors }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const where = after === null ? undefined : sql`${apiKeys.id} < ${after}`;
    const { rows } = await tenant.read({ rows: many(apiKeys, { where, limit: query.limit + 1 }) });
    return await cursors.page(rows, query.limit, {}, (row) => row.id, present);
  },
});

export const create = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/api-keys",
  summary: "Create an API key; its text is shown once",
  can: "api-keys:write",
  recordRefusal: true,
  store: "cell",
  body: NewApiKey,
  returns: CreatedApiKey,
  shownOnce: ["key"],
  status: 201,
  problems: ["invalid", "scopes-exceed-creator", "forbidden"],
  async run({ principal, now, newId, mintApiKey }, { body }) {
    const { name, ipAllowList, allowedOrigins, expiresAt = null } = body;
    const scopes = body.scopes.filter(isCapability);
    const locationIds = body.locationIds ? [...new Set(body.locationIds)] : null;
    // A key has no assignments, so it could not be held to its creator's.
    if (principal.assigneeId !== null) return refuse("forbidden");
    const excess = excessOf({ scopes, locationIds, ipAllowList, allowedOrigins, expiresAt }, principal);
    if (excess) return refuseField(excess, "is more than the creator's own", "scopes-exceed-creator");
    if (expiresAt !== null && expiresAt <= timestamp(now))
      return refuseField("/expiresAt", "is not in the future");
    const id = newId("key");
    const { key, secretHash, pepperVersion } = await mintApiKey(
      isSandbox(principal.slug) ? "test" : "live",
      id,
    );
    const created = insert(
      apiKeys,
      {
        id,
        name,
        scopes: maskOf(scopes),
        secretHash,
        pepperVersion,
        allLocations: locationIds === null ? 1 : 0,
        ipAllowList: JSON.stringify(ipAllowList),
        allowedOrigins: JSON.stringify(allowedOrigins),
        creatorId: principal.id,
        expiresAt,
      },
      now,
    );
    const places = (locationIds ?? []).map((locationId) => ({ id: newId("akl"), apiKeyId: id, locationId }));
    return commit(
      { ...present(created.row), key },
      ...(locationIds ?? []).map((locationId, index) =>
        mustExist(locations, eq(locations.id, locationId), {
          problem: "invalid",
          pointer: `/locationIds/${index}`,
        }),
      ),
      created,
      ...(places.length > 0 ? [insertAll(apiKeyLocations, places, now)] : []),
      emit("api_key.created", { apiKeyId: id }, { table: apiKeys, row: created.row }),
    );
  },
});

export const revoke = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/api-keys/{apiKeyId}/revoke",
  summary: "Revoke an API key, at once and for good",
  can: "api-keys:write",
  recordRefusal: true,
  store: "cell",
  params: z.object({ apiKeyId: typeId("key") }),
  returns: ApiKey,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant, now }, { params }) {
    const { row, places } = await tenant.read({
      row: one(apiKeys, params.apiKeyId),
      places: many(apiKeyLocations, {
        where: eq(apiKeyLocations.apiKeyId, params.apiKeyId),
        limit: mostLocations,
      }),
    });
    if (!row) return refuse("not-found");
    if (row.revokedAt !== null) return commit(present(row));
    const revoked = change(apiKeys, row, { revokedAt: timestamp(now) }, now);
    return commit(
      present(revoked.row),
      revoked,
      // A key that opens nothing shall keep no location from being removed.
      ...places.map((place) => deletion(apiKeyLocations, place)),
      emit("api_key.revoked", { apiKeyId: row.id }, { table: apiKeys, row }),
    );
  },
});

function present(row: Row<typeof apiKeys>) {
  const mask = parseMask(row.scopes);
  return {
    ...row,
    scopes: mask === null ? [] : listOf(mask),
    allLocations: row.allLocations === 1,
    ipAllowList: texts(row.ipAllowList),
    allowedOrigins: texts(row.allowedOrigins),
  };
}

function texts(json: string): string[] {
  return z.array(z.string()).parse(JSON.parse(json));
}
