import { z } from "zod";
import { isCapability } from "#gate/capabilities.ts";
import { mostLocations } from "#gate/giving.ts";
import { Instant, line, Network, Origin, stored, Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";

export const ApiKeyId = typeId("key");

/** For how long a key may be let in beside its successor, in seconds: 7 days. */
const longestOverlap = 604_800;

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
  leakedAt: Timestamp.nullable().meta({ description: "When its leak was reported, which revoked it." }),
  successorId: toldId("key").nullable().meta({ description: "The key that takes its place." }),
  rotatedAt: Timestamp.nullable(),
  retiresAt: Timestamp.nullable().meta({
    description: "Until when it is let in beside its successor.",
  }),
  lastUsedAt: Timestamp.nullable().meta({ description: "A minute behind at most." }),
  lastUsedIp: told(45, "203.0.113.9").nullable().meta({
    description: "From where, then; null where that is not known, and in the answers to changes.",
  }),
  lastUsedPlace: told(100, "Leeuwarden, NL")
    .nullable()
    .meta({ description: "City and country of that address, as the platform guesses them." }),
  ...stored,
});

export const ApiKey = fields.meta({ id: "ApiKey" });

export const CreatedApiKey = fields
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

export const NewApiKey = z
  .strictObject({
    name: line(120).meta({ examples: ["Till"] }),
    scopes: z.array(Scope).min(1).max(128),
    locationIds: z
      .array(typeId("loc"))
      .min(1)
      .max(mostLocations)
      .optional()
      .meta({ description: "Only at these; absent: wherever its creator may." }),
    ipAllowList: z.array(Network).max(50).default([]).meta({ description: "Empty: from any address." }),
    allowedOrigins: z.array(Origin).max(20).default([]).meta({
      description:
        "Of pages that may use it, as far as the settings list them too; empty: all that they list.",
    }),
    expiresAt: Instant.optional(),
  })
  .meta({ id: "NewApiKey" });

export const KeyRotation = z
  .strictObject({
    overlapSeconds: z.int().min(0).max(longestOverlap).default(86_400).meta({
      description: "For how long the old key goes on beside its successor; 0: it is refused at once.",
    }),
    expiresAt: Instant.optional().meta({
      description: "Of the successor; absent: it lives as long as the old one was made for.",
    }),
  })
  .meta({ id: "KeyRotation" });
