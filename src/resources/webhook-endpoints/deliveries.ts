import { z } from "zod";
import { emit, note } from "#db/changes.ts";
import { one } from "#db/queries.ts";
import { attemptsOf, deliveriesTo, deliveryStates, deliveryTo } from "#db/webhooks/query.ts";
import { excessOf, mayRead } from "#gate/event-rights.ts";
import { readOperation, writeOperation } from "#http/operation.ts";
import { commit, Refusal, refuse, refuseField } from "#http/outcome.ts";
import { pageOf, pageQuery } from "#http/page.ts";
import { timestamp } from "#lib/time.ts";
import { present, subscriptionOf } from "./present.ts";
import {
  Delivery,
  DeliveryId,
  DeliveryWithAttempts,
  NewReplay,
  Replay,
  WebhookEndpoint,
  WebhookEndpointId,
} from "./schema.ts";
import { webhookEndpoints } from "./table.ts";

const params = z.object({ webhookEndpointId: WebhookEndpointId });
const mostAttempts = 100;

export const deliveries = readOperation({
  mount: "tenant",
  method: "get",
  path: "/webhook-endpoints/{webhookEndpointId}/deliveries",
  summary: "List what an endpoint was sent or waits to be sent, newest first; of one state",
  can: "integrations:manage",
  store: "cell",
  params,
  query: z.strictObject({ ...pageQuery, state: z.enum(deliveryStates).optional() }),
  returns: pageOf(Delivery),
  problems: ["invalid", "not-found"],
  async run({ tenant, cursors }, { params, query: { limit, cursor, state } }) {
    const { webhookEndpointId } = params;
    const filter = { webhookEndpointId, state };
    const after = await cursors.open(cursor, filter);
    if (after instanceof Refusal) return after;
    const { endpoint, rows } = await tenant.read({
      endpoint: one(webhookEndpoints, webhookEndpointId),
      rows: deliveriesTo(webhookEndpointId, state, after, limit + 1),
    });
    if (!endpoint) return refuse("not-found");
    return await cursors.page(
      rows,
      limit,
      filter,
      (row) => row.id,
      (row) => row,
    );
  },
});

export const delivery = readOperation({
  mount: "tenant",
  method: "get",
  path: "/webhook-endpoints/{webhookEndpointId}/deliveries/{deliveryId}",
  summary: "Read a delivery with its tries, newest first",
  can: "integrations:manage",
  store: "cell",
  params: params.extend({ deliveryId: DeliveryId }),
  returns: DeliveryWithAttempts,
  problems: ["not-found"],
  async run({ tenant, principal }, { params: { webhookEndpointId, deliveryId } }) {
    const { endpoint, found, attempts } = await tenant.read({
      endpoint: one(webhookEndpoints, webhookEndpointId),
      found: deliveryTo(webhookEndpointId, deliveryId),
      attempts: attemptsOf(deliveryId, mostAttempts),
    });
    if (!endpoint || !found) return refuse("not-found");
    // A receiver may answer with what it was sent.
    const isCovered = excessOf(subscriptionOf(endpoint), principal) === null;
    const isShown = isCovered && mayRead(found.eventType, principal.capabilities);
    return {
      ...found,
      attempts: attempts.map((attempt) => ({ ...attempt, excerpt: isShown ? attempt.excerpt : null })),
    };
  },
});

export const test = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/webhook-endpoints/{webhookEndpointId}/test",
  summary: "Send a test event to this endpoint alone",
  can: "integrations:manage",
  store: "cell",
  params,
  returns: WebhookEndpoint,
  problems: ["not-found", "endpoint-disabled"],
  async run({ tenant }, { params }) {
    const row = await tenant.get(webhookEndpoints, params.webhookEndpointId);
    if (!row) return refuse("not-found");
    if (row.state === "disabled") return refuse("endpoint-disabled");
    return commit(
      present(row),
      note("webhook-endpoint", row.id, { tested: true }),
      emit("webhook_endpoint.tested", { webhookEndpointId: row.id }, { table: webhookEndpoints, row }),
    );
  },
});

export const replay = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/webhook-endpoints/{webhookEndpointId}/replays",
  summary: "Send again: one delivery, all that failed, or every event since a time",
  can: "integrations:manage",
  expensive: true,
  store: "cell",
  params,
  body: NewReplay,
  returns: Replay,
  problems: ["invalid", "not-found", "endpoint-disabled"],
  async run({ tenant, now }, { params, body }) {
    const { deliveryId = null, since = null } = body;
    const { row, delivery } = await tenant.read({
      row: one(webhookEndpoints, params.webhookEndpointId),
      delivery: deliveryTo(params.webhookEndpointId, deliveryId ?? ""),
    });
    if (!row) return refuse("not-found");
    if (deliveryId !== null && !delivery)
      return refuseField("/deliveryId", "refers to nothing that exists here");
    if (row.state === "disabled") return refuse("endpoint-disabled");
    const kind = deliveryId !== null ? "one" : since !== null ? "since" : "failed";
    const asked = { kind, deliveryId, since } as const;
    return commit(
      { webhookEndpointId: row.id, kind, requestedAt: timestamp(now) },
      note("webhook-endpoint", row.id, { replay: kind, deliveryId, since }),
      emit(
        "webhook_endpoint.replay_requested",
        { webhookEndpointId: row.id, ...asked },
        { table: webhookEndpoints, row },
      ),
    );
  },
});
