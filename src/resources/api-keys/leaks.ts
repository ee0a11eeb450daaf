import { z } from "zod";
import { endingKey, leaked } from "#gate/key-ends.ts";
import { hasLetter } from "#gate/leak-letters.ts";
import { apiKeys } from "#gate/tables.ts";
import { effectOperation, publicOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { protocolOperation } from "#http/protocol-operation.ts";
import { timestamp } from "#lib/time.ts";
import { fromUtf8 } from "#lib/utf8.ts";
import { present } from "./present.ts";
import { ApiKey, ApiKeyId } from "./schema.ts";

export const reportLeak = effectOperation({
  mount: "tenant",
  method: "post",
  path: "/api-keys/{apiKeyId}/report-leak",
  summary: "Report that a key is where it should not be: it is revoked at once, and the owners are told",
  can: "api-keys:write",
  recordRefusal: true,
  store: "cell",
  params: z.object({ apiKeyId: ApiKeyId }),
  returns: ApiKey,
  problems: ["not-found", "conflict", "precondition-failed"],
  intent: z.object({
    apiKeyId: z.string(),
    at: z.string(),
    isNew: z.boolean(),
    /** The owners have a letter of it alone; absent in what an older version intended. */
    isWritten: z.boolean().default(true),
  }),
  resumeAfterSeconds: 120,
  async intend({ tenant, now }, { params: { apiKeyId } }) {
    const { row, places, isWritten } = await tenant.read({
      ...endingKey(apiKeyId),
      isWritten: hasLetter(now),
    });
    if (!row) return refuse("not-found");
    const isNew = row.leakedAt === null;
    const ended = leaked(row, places, "member", now);
    return commit({ apiKeyId, at: ended.row.leakedAt ?? timestamp(now), isNew, isWritten }, ...ended.changes);
  },
  async perform({ owners }, { apiKeyId: keyId, at, isNew, isWritten }) {
    if (isNew && isWritten) await owners.tell("key-leaked", (place) => ({ ...place, at, keyId }));
  },
  async settle({ tenant }, { apiKeyId }) {
    const row = await tenant.get(apiKeys, apiKeyId);
    return row ? commit(present(row)) : refuse("not-found");
  },
});

/** Who has a key's text could use it: what they can do here is end it. Forged texts cost nothing and are answered alike. */
export const found = protocolOperation({
  mount: "protocol",
  method: "post",
  path: "/v1/leaked-keys",
  summary: "Hand in a key that was found: it is revoked, and its owners are told",
  can: publicOperation({
    because: "the key's own text is the credential, and all that it does here is end itself",
  }),
  store: "directory",
  takes: z.object({
    key: z
      .string()
      .max(200)
      .regex(/^[!-~]+$/)
      .meta({ description: "The whole text, kl_…" }),
  }),
  returns: z.null(),
  status: 204,
  problems: ["invalid"],
  async run({ endLeakedKey }, { body }) {
    const key = new URLSearchParams(fromUtf8(body) ?? "").get("key");
    if (key === null || key === "") return refuse("invalid");
    await endLeakedKey(key);
    return null;
  },
});
