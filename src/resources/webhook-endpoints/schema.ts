import { z } from "zod";
import { isWebhookSecret } from "#crypto/webhook-signature.ts";
import { eventTypes } from "#db/event-types.ts";
import { deliveryStates } from "#db/webhooks/query.ts";
import { Instant, stored, Timestamp, told, toldId, toldList, toldProse } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";
import { disabledReasons } from "./table.ts";

export const WebhookEndpointId = typeId("whe");
export const DeliveryId = typeId("msg");

const address = "https://shop.example/keyline";
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const fields = z.object({
  id: toldId("whe"),
  url: told(2048, address),
  eventTypes: toldList(told(64, "order.placed"), 100),
  locationIds: toldList(toldId("loc"), 1000)
    .nullable()
    .meta({ description: "The locations whose events it is sent; null: of all, and those of none." }),
  creatorId: told(64, "key_01jd5r0t6vf3h8k2m4n6p8q0rs").meta({
    description: "Whose rights it is sent events under.",
  }),
  state: z.enum(["enabled", "disabled"]),
  disabledBecause: z.enum(disabledReasons).nullable(),
  disabledAt: Timestamp.nullable(),
  secretCreatedAt: Timestamp.meta({ description: "When the secret was set; rotate one that is a year old." }),
  secretVersion: z
    .int()
    .min(1)
    .meta({ description: "1 for the first secret, one more with each rotation.", examples: [1] }),
  previousSecretUntil: Timestamp.nullable().meta({
    description: "Until then deliveries are signed with the previous secret too.",
  }),
  ...stored,
});

export const WebhookEndpoint = fields.meta({ id: "WebhookEndpoint" });

export const WithSecret = fields
  .extend({
    secret: told(100, secret)
      .nullable()
      .meta({ description: "In this one answer and nowhere else; a replay holds null." }),
  })
  .meta({ id: "WebhookEndpointWithSecret" });

const Url = z
  .string()
  .max(2048)
  .meta({ pattern: "^[!-~]+$", description: "https, of a public host name.", examples: [address] });
const EventTypes = z
  .array(z.enum(eventTypes))
  .min(1)
  .max(100)
  .transform((types) => [...new Set(types)]);
const Secret = z
  .string()
  .max(100)
  .refine(isWebhookSecret, "is not whsec_ and 24 to 64 bytes in base64")
  .meta({
    pattern: "^whsec_[A-Za-z0-9+/]+=*$",
    description: "One of the client's own; made here unless given.",
    examples: [secret],
  });

export const NewWebhookEndpoint = z
  .strictObject({ url: Url, eventTypes: EventTypes, secret: Secret.optional() })
  .meta({ id: "NewWebhookEndpoint" });

export const WebhookEndpointPatch = z
  .strictObject({ url: Url.optional(), eventTypes: EventTypes.optional() })
  .meta({ id: "WebhookEndpointPatch" });

export const Rotation = z
  .strictObject({
    secret: Secret.optional(),
    overlapHours: z
      .int()
      .min(0)
      .max(168)
      .default(24)
      .meta({ description: "How long deliveries are signed with the old secret too.", examples: [24] }),
  })
  .meta({ id: "SecretRotation" });

const Outcome = told(64, "accepted");
const Count = z
  .int()
  .min(0)
  .meta({ examples: [1] });

const delivery = z.object({
  id: toldId("msg").meta({ description: "The `webhook-id` of every try." }),
  eventId: toldId("evt"),
  eventSeq: z
    .int()
    .min(1)
    .meta({ examples: [42] }),
  eventType: told(64, "order.placed"),
  state: z.enum(deliveryStates),
  tries: Count,
  outcome: Outcome.nullable().meta({ description: "How the last try ended, or why there was none." }),
  dueAt: Timestamp.nullable(),
  settledAt: Timestamp.nullable(),
  createdAt: Timestamp,
});

export const Delivery = delivery.meta({ id: "WebhookDelivery" });

export const DeliveryWithAttempts = delivery
  .extend({
    attempts: toldList(
      z.object({
        at: Timestamp,
        outcome: Outcome,
        status: z
          .int()
          .min(100)
          .max(999)
          .nullable()
          .meta({ examples: [204] }),
        durationMs: Count,
        excerpt: toldProse(2000, "no such hook")
          .nullable()
          .meta({ description: "The beginning of a refusal's text, for who may read what was sent." }),
      }),
      100,
    ),
  })
  .meta({ id: "WebhookDeliveryWithAttempts" });

export const NewReplay = z
  .strictObject({
    deliveryId: DeliveryId.optional(),
    failed: z.literal(true).optional(),
    since: Instant.optional(),
  })
  .refine(
    (given) => Object.values(given).filter((value) => value !== undefined).length === 1,
    "takes exactly one of deliveryId, failed and since",
  )
  .meta({ id: "NewReplay", description: "Exactly one of the three." });

export const Replay = z
  .object({
    webhookEndpointId: toldId("whe"),
    kind: z.enum(["one", "failed", "since"]),
    requestedAt: Timestamp,
  })
  .meta({ id: "Replay" });
