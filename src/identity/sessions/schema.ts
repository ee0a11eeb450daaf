import { z } from "zod";
import { sessionEnds } from "#db/directory-tables.ts";
import { Timestamp, told, toldId, toldList } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";

/** A text that may be a token of ours. */
export const TokenText = z
  .string()
  .max(200)
  .regex(/^[\x21-\x7e]+$/, "is not a token");

export const Tokens = z
  .object({
    accessToken: z.string().meta({
      maxLength: 4096,
      pattern: "^[A-Za-z0-9_.-]+$",
      description:
        "A bearer token (RFC 9068): of the tenant that was asked for, or of the user's own account.",
    }),
    expiresInSeconds: z.int().meta({ examples: [300] }),
    tenantId: toldId("ten").nullable(),
    refreshToken: z.string().meta({
      maxLength: 80,
      pattern: "^klr_[0-9a-z_]+$",
      examples: ["klr_01jd5r0t6vf3h8k2m4n6p8q0rs_1_7n4x9q2m5k8w3v6b1z0c4h7j2p5t8r3d"],
      description: "Taken once, and answered with the next one. One that comes again later ends the session.",
    }),
    sessionId: toldId("ses"),
  })
  .meta({ id: "Tokens" });

export const TenantName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9_-]*$/, "is neither a slug nor an id")
  .meta({ description: "A tenant's slug or id.", examples: ["harbour-cafe"] });

export const SessionId = typeId("ses");

export const Session = z
  .object({
    id: toldId("ses"),
    isCurrent: z.boolean(),
    device: told(60, "Firefox on Windows"),
    address: told(45, "203.0.113.7").nullable(),
    place: told(100, "Leeuwarden, NL").nullable(),
    methods: toldList(told(20, "pwd"), 16).meta({ description: "How its user signed in (RFC 8176)." }),
    signedInAt: Timestamp,
    strongAt: Timestamp.nullable().meta({ description: "When a second factor was last proved in it." }),
    lastUsedAt: Timestamp,
    expiresAt: Timestamp,
    state: z.enum(["active", "ended"]),
    endedBecause: z.enum(sessionEnds).nullable(),
  })
  .meta({ id: "Session" });
