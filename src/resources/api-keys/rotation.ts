import { eq } from "drizzle-orm";
import { z } from "zod";
import { update as change, remove as deletion, emit, insert, insertAll } from "#db/changes.ts";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import { listOf, storedMask } from "#gate/capabilities.ts";
import { mostLocations } from "#gate/giving.ts";
import { keyLimits } from "#gate/key-limits.ts";
import { apiKeyLocations, apiKeys } from "#gate/tables.ts";
import { writeOperation } from "#http/operation.ts";
import { commit, refuse, refuseField } from "#http/outcome.ts";
import { isSandbox } from "#lib/sandbox.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import { mostEndpoints, webhookEndpoints } from "#resources/webhook-endpoints/table.ts";
import { holding, limitSet } from "./limit-rules.ts";
import { present, texts } from "./present.ts";
import { excessOf } from "./rules.ts";
import { ApiKeyId, CreatedApiKey, KeyRotation } from "./schema.ts";

export const rotate = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/api-keys/{apiKeyId}/rotate",
  summary: "Make a key's successor, with the same terms; the old one goes on for an overlap",
  can: "api-keys:write",
  recordRefusal: true,
  store: "cell",
  params: z.object({ apiKeyId: ApiKeyId }),
  body: KeyRotation,
  returns: CreatedApiKey,
  shownOnce: ["key"],
  status: 201,
  problems: [
    "invalid",
    "not-found",
    "forbidden",
    "scopes-exceed-creator",
    "key-not-active",
    "conflict",
    "precondition-failed",
  ],
  async run({ tenant, principal, now, newId, mintApiKey }, { params, body }) {
    const { row, places, endpoints, limits } = await tenant.read({
      row: one(apiKeys, params.apiKeyId),
      places: many(apiKeyLocations, {
        ...uniqueIndexOf(apiKeyLocations),
        where: eq(apiKeyLocations.apiKeyId, params.apiKeyId),
        limit: mostLocations,
      }),
      endpoints: many(webhookEndpoints, {
        where: eq(webhookEndpoints.creatorId, params.apiKeyId),
        limit: mostEndpoints,
      }),
      limits: many(keyLimits, {
        ...uniqueIndexOf(keyLimits),
        where: eq(keyLimits.apiKeyId, params.apiKeyId),
        limit: 1,
      }),
    });
    if (!row) return refuse("not-found");
    const isOver = row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= timestamp(now));
    if (isOver || row.successorId !== null) return refuse("key-not-active");
    if (principal.assigneeId !== null) return refuse("forbidden");
    const lifeMs = row.expiresAt === null ? null : Date.parse(row.expiresAt) - Date.parse(row.createdAt);
    const expiresAt = body.expiresAt ?? (lifeMs === null ? null : timestamp(now + lifeMs));
    if (expiresAt !== null && expiresAt <= timestamp(now))
      return refuseField("/expiresAt", "is not in the future");
    // Whoever makes the successor holds it: it does no more than they may.
    const terms = {
      scopes: listOf(storedMask(row.scopes)),
      locationIds: row.allLocations === 1 ? null : places.map(({ locationId }) => locationId),
      ipAllowList: texts(row.ipAllowList),
      allowedOrigins: texts(row.allowedOrigins),
      expiresAt,
    };
    if (excessOf(terms, principal)) return refuse("scopes-exceed-creator");
    const id = newId("key");
    const { key, secretHash, pepperVersion } = await mintApiKey(
      isSandbox(principal.slug) ? "test" : "live",
      id,
    );
    const { name, scopes, allLocations, ipAllowList, allowedOrigins } = row;
    const made = insert(
      apiKeys,
      {
        ...{
          id,
          name,
          scopes,
          allLocations,
          ipAllowList,
          allowedOrigins,
          secretHash,
          pepperVersion,
          expiresAt,
        },
        creatorId: principal.id,
      },
      now,
    );
    const limit = holding(limits[0] ?? null, now);
    const retiresAt = timestamp(now + body.overlapSeconds * secondMs);
    // Its end stands where every version of this code looks for it.
    const ends = row.expiresAt !== null && row.expiresAt < retiresAt ? row.expiresAt : retiresAt;
    return commit(
      { ...present(made.row), key },
      made,
      ...(places.length > 0
        ? [
            insertAll(
              apiKeyLocations,
              places.map(({ locationId }) => ({ id: newId("akl"), apiKeyId: id, locationId })),
              now,
            ),
          ]
        : []),
      change(apiKeys, row, { successorId: id, rotatedAt: timestamp(now), retiresAt, expiresAt: ends }, now),
      // Its location rows would keep the location from being deleted, by their foreign key.
      ...(body.overlapSeconds === 0 ? places.map((place) => deletion(apiKeyLocations, place)) : []),
      // What the key is held to, its successor is: nobody gets out of it by a rotation.
      ...(limit ? limitSet(made.row, null, limit, newId("kli"), now).changes : []),
      // Else they would be disabled with the key that answers for them.
      ...endpoints.map((endpoint) => change(webhookEndpoints, endpoint, { creatorId: id }, now)),
      emit("api_key.created", { apiKeyId: id }, { table: apiKeys, row: made.row }),
      emit("api_key.rotated", { apiKeyId: row.id, successorId: id }, { table: apiKeys, row }),
    );
  },
});
