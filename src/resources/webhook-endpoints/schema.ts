import { z } from "zod";
import { isWebhookSecret } from "#crypto/webhook-signature.ts";
import { eventTypes } from "#db/event-types.ts";
import { deliveryStates } from "#db/webhooks/query.ts";
import { Instant, stored } from "#http/fields.ts";
import { typeId } from "#lib/typeid.ts";
import { disabledReasons } from "./table.ts";

export const WebhookEndpointId = typeId("whe");
export const DeliveryId = typeId("msg");

export const WebhookEndpoint = z.object({
  id: z.string(),
  url: z.string(),
  eventTypes: z.array(z.string()),
  /** The locations whose events it is sent; null: of all, and those of none. */
  locationIds: z.array(z.string()).nullable(),
  /** Whose rights it is sent events under. */
  creatorId: z.string(),
  state: z.enum(["enabled", "disabled"]),
  disabledBecause: z.enum(disabledReasons).nullable(),
  disabledAt: z.string().nullable(),
  /** Until then deliveries are signed with the previous secret too. */
  previousSecretUntil: z.string().nullable(),
  ...stored,
});

/** The secret is in this one answer and nowhere else; a replay holds null. */
export const WithSecret = WebhookEndpoint.extend({ secret: z.string().nullable() });

const Url = z.string().max(2048);
const EventTypes = z
  .array(z.enum(eventTypes))
  .min(1)
  .max(100)
  .transform((types) => [...new Set(types)]);
const Secret = z.string().max(100).refine(isWebhookSecret, "is not whsec_ and 24 to 64 bytes in base64");

export const NewWebhookEndpoint = z.strictObject({
  url: Url,
  eventTypes: EventTypes,
  /** One of the client's own; made here unless given. */
  secret: Secret.optional(),
});

export const WebhookEndpointPatch = z.strictObject({
  url: Url.optional(),
  eventTypes: EventTypes.optional(),
});

export const Rotation = z.strictObject({
  secret: Secret.optional(),
  /** How long deliveries are signed with the old secret too. */
  overlapHours: z.int().min(0).max(168).default(24),
});

export const Delivery = z.object({
  /** The `webhook-id` of every try. */
  id: z.string(),
  eventId: z.string(),
  eventSeq: z.int(),
  eventType: z.string(),
  state: z.enum(deliveryStates),
  tries: z.int(),
  /** How the last try ended, or why there was none. */
  outcome: z.string().nullable(),
  dueAt: z.string().nullable(),
  settledAt: z.string().nullable(),
  createdAt: z.string(),
});

export const DeliveryWithAttempts = Delivery.extend({
  attempts: z.array(
    z.object({
      at: z.string(),
      outcome: z.string(),
      status: z.int().nullable(),
      durationMs: z.int(),
      /** The beginning of a refusal's text, for who may read what was sent. */
      excerpt: z.string().nullable(),
    }),
  ),
});

/** Exactly one of the three. */
export const NewReplay = z
  .strictObject({
    deliveryId: DeliveryId.optional(),
    failed: z.literal(true).optional(),
    since: Instant.optional(),
  })
  .refine(
    (given) => Object.values(given).filter((value) => value !== undefined).length === 1,
    "takes exactly one of deliveryId, failed and since",
  );

export const Replay = z.object({
  webhookEndpointId: z.string(),
  kind: z.enum(["one", "failed", "since"]),
  requestedAt: z.string(),
});
