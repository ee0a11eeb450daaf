import { eq } from "drizzle-orm";
import { z } from "zod";
import { many, one, uniqueIndexOf } from "#db/queries.ts";
import type { TenantDb } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { keyLimits } from "#gate/key-limits.ts";
import { apiKeys } from "#gate/tables.ts";
import { tiers } from "#gate/tiers.ts";
import { Instant, line, Timestamp, told, toldId } from "#http/fields.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, refuse, refuseField } from "#http/outcome.ts";
import { typeId } from "#lib/typeid.ts";
import { beyondPlan, endFault, holding, limitLifted, limitSet } from "./limit-rules.ts";

const params = z.object({ apiKeyId: typeId("key") });

const count = (most: number, description: string, example: number) =>
  z
    .int()
    .min(1)
    .max(most)
    .meta({ description, examples: [example] });

const perMinute = count(100_000, "How many calls are let through in a minute.", 60);
const burst = count(10_000, "How many may come at once after a rest.", 5);

const KeyLimit = z
  .object({
    apiKeyId: toldId("key"),
    perMinute,
    burst,
    reason: told(200, "An import that must not crowd out the till."),
    expiresAt: Timestamp.meta({
      description: "From that moment on the plan's rate holds again.",
      examples: ["2026-12-23T09:00:00.000Z"],
    }),
    creatorId: toldId().nullable().meta({
      description: "Who set it; null: whoever runs this deployment, who alone may go beyond the plan.",
    }),
    updatedAt: Timestamp,
  })
  .meta({ id: "ApiKeyLimit" });

const NewLimit = z
  .strictObject({
    perMinute,
    burst,
    reason: line(200).meta({ examples: ["An import that must not crowd out the till."] }),
    expiresAt: Instant.meta({ description: "At most 90 days away." }),
  })
  .meta({ id: "NewApiKeyLimit" });

export const limit = readOperation({
  mount: "tenant",
  method: "get",
  path: "/api-keys/{apiKeyId}/limit",
  summary: "Read what an API key is held to instead of the plan's rate",
  can: "api-keys:read",
  store: "cell",
  params,
  returns: KeyLimit,
  problems: ["not-found"],
  async run({ tenant, now }, { params }) {
    const { before } = await found(tenant, params.apiKeyId);
    return holding(before, now) ?? refuse("not-found");
  },
});

export const setLimit = writeOperation({
  mount: "tenant",
  method: "put",
  path: "/api-keys/{apiKeyId}/limit",
  summary: "Hold an API key to less than the plan's rate until some moment, at once",
  can: "api-keys:write",
  recordRefusal: true,
  store: "cell",
  params,
  body: NewLimit,
  returns: KeyLimit,
  problems: ["invalid", "not-found", "forbidden", "limit-exceeds-plan", "conflict", "precondition-failed"],
  async run({ tenant, principal, newId, now }, { params, body }) {
    // What holds a key is not the key's own to change.
    if (params.apiKeyId === principal.id) return refuse("forbidden");
    const fault = endFault(body.expiresAt, now);
    if (fault) return refuseField("/expiresAt", fault);
    const excess = beyondPlan(body, tiers[principal.tier]);
    if (excess) return refuseField(excess, "is more than the plan's", "limit-exceeds-plan");
    const { key, before } = await found(tenant, params.apiKeyId);
    // A revoked key takes no limit.
    if (!key || key.revokedAt !== null) return refuse("not-found");
    // Of two at once that find none the other's epoch has moved.
    const set = limitSet(key, before, { ...body, creatorId: principal.id }, newId("kli"), now);
    return commit(set.row, ...set.changes);
  },
});

export const removeLimit = writeOperation({
  mount: "tenant",
  method: "delete",
  path: "/api-keys/{apiKeyId}/limit",
  summary: "Hold an API key to the plan's rate again, at once",
  can: "api-keys:write",
  recordRefusal: true,
  store: "cell",
  params,
  returns: z.null(),
  status: 204,
  problems: ["not-found", "forbidden", "conflict", "precondition-failed"],
  async run({ tenant, principal, now }, { params }) {
    if (params.apiKeyId === principal.id) return refuse("forbidden");
    const { key, before } = await found(tenant, params.apiKeyId);
    if (!key || !before) return refuse("not-found");
    return commit(null, ...limitLifted(key, before, now));
  },
});

async function found(
  tenant: Pick<TenantDb, "read">,
  keyId: string,
): Promise<{ key: Row<typeof apiKeys> | null; before: Row<typeof keyLimits> | null }> {
  const { key, rows } = await tenant.read({
    key: one(apiKeys, keyId),
    rows: many(keyLimits, { ...uniqueIndexOf(keyLimits), where: eq(keyLimits.apiKeyId, keyId), limit: 1 }),
  });
  return { key, before: rows[0] ?? null };
}
