import { desc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { emit, insert, insertAll, mustExist } from "#db/changes.ts";
import { lastUses } from "#db/last-use.ts";
import { many, one } from "#db/queries.ts";
import { isCapability, maskOf } from "#gate/capabilities.ts";
import { endingKey, revoked } from "#gate/key-ends.ts";
import { apiKeyLocations, apiKeys, locations } from "#gate/tables.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { isSandbox } from "#lib/sandbox.ts";
import { timestamp } from "#lib/time.ts";
import { present } from "./present.ts";
import { excessOf } from "./rules.ts";
import { ApiKey, ApiKeyId, CreatedApiKey, NewApiKey } from "./schema.ts";

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
  async run({ tenant, cursors, principal }, { query }) {
    const after = await cursors.open(query.cursor, {});
    if (after instanceof Refusal) return after;
    const { tenantId, id } = apiKeys;
    const where = after === null ? sql`1` : sql`${id} < ${after}`;
    const limit = query.limit + 1;
    const onPage = sql`select ${id} from ${apiKeys} where ${tenantId} = ${principal.tenantId} and ${where} order by ${desc(id)} limit ${limit}`;
    const { rows, uses } = await tenant.read({
      rows: many(apiKeys, { where, limit }),
      uses: lastUses([onPage], limit),
    });
    return await cursors.page(
      rows,
      query.limit,
      {},
      (row) => row.id,
      (row) => present(row, uses.get(row.id)),
    );
  },
});

export const get = readOperation({
  mount: "tenant",
  method: "get",
  path: "/api-keys/{apiKeyId}",
  summary: "Read an API key, with when and from where it was last used",
  can: "api-keys:read",
  store: "cell",
  params: z.object({ apiKeyId: ApiKeyId }),
  returns: ApiKey,
  problems: ["not-found"],
  async run({ tenant }, { params: { apiKeyId } }) {
    const { row, uses } = await tenant.read({
      row: one(apiKeys, apiKeyId),
      uses: lastUses([sql`${apiKeyId}`], 1),
    });
    return row ? present(row, uses.get(row.id)) : refuse("not-found");
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
  params: z.object({ apiKeyId: ApiKeyId }),
  returns: ApiKey,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant, now }, { params }) {
    const { row, places } = await tenant.read(endingKey(params.apiKeyId));
    if (!row) return refuse("not-found");
    const ended = revoked(row, places, now);
    return commit(present(ended.row), ...ended.changes);
  },
});
