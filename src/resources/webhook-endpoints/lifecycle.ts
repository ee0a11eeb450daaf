import { z } from "zod";
import { newWebhookSecret } from "#crypto/webhook-signature.ts";
import { update as change, emit } from "#db/changes.ts";
import type { EventType } from "#db/event-types.ts";
import type { Patch } from "#db/tenant-table.ts";
import { writeOperation } from "#http/operation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { hourMs, timestamp } from "#lib/time.ts";
import { type EndpointRow, present, subscriptionOf } from "./present.ts";
import { excessRefusal } from "./rights.ts";
import { Rotation, WebhookEndpoint, WebhookEndpointId, WithSecret } from "./schema.ts";
import { type DisabledReason, webhookEndpoints } from "./table.ts";

const params = z.object({ webhookEndpointId: WebhookEndpointId });

export const enable = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/webhook-endpoints/{webhookEndpointId}/enable",
  summary: "Send events again, from now on and under the rights of who enables it; replay what was missed",
  can: "integrations:manage",
  recordRefusal: true,
  store: "cell",
  params,
  returns: WebhookEndpoint,
  problems: ["not-found", "events-exceed-creator", "forbidden", "conflict", "precondition-failed"],
  async run({ tenant, principal, now }, { params }) {
    const row = await tenant.get(webhookEndpoints, params.webhookEndpointId);
    if (!row) return refuse("not-found");
    if (row.state === "enabled") return commit(present(row));
    const excess = excessRefusal(subscriptionOf(row), principal);
    if (excess) return excess;
    const patch = { state: "enabled", disabledAt: null, disabledBecause: null } as const;
    const enabled = { ...patch, enabledAt: timestamp(now), creatorId: principal.id };
    return moved(row, enabled, "webhook_endpoint.enabled", now);
  },
});

export const disable = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/webhook-endpoints/{webhookEndpointId}/disable",
  summary: "Send nothing more; what was not delivered yet counts as failed",
  can: "integrations:manage",
  store: "cell",
  params,
  returns: WebhookEndpoint,
  problems: ["not-found", "conflict", "precondition-failed"],
  async run({ tenant, now }, { params }) {
    const row = await tenant.get(webhookEndpoints, params.webhookEndpointId);
    if (!row) return refuse("not-found");
    if (row.state === "disabled") return commit(present(row));
    return moved(row, disablement("by-hand", now), "webhook_endpoint.disabled", now);
  },
});

export const rotate = writeOperation({
  mount: "tenant",
  method: "post",
  path: "/webhook-endpoints/{webhookEndpointId}/rotate-secret",
  summary: "Sign with another secret; for a while the old one signs too",
  can: "integrations:manage",
  recordRefusal: true,
  store: "cell",
  params,
  body: Rotation,
  returns: WithSecret,
  shownOnce: ["secret"],
  problems: ["invalid", "not-found", "events-exceed-creator", "forbidden", "conflict", "precondition-failed"],
  async run({ tenant, principal, now }, { params, body }) {
    const row = await tenant.get(webhookEndpoints, params.webhookEndpointId);
    if (!row) return refuse("not-found");
    // Who knows the secret can speak to the receiver in our name.
    const excess = excessRefusal(subscriptionOf(row), principal);
    if (excess) return excess;
    const { secret = newWebhookSecret(), overlapHours } = body;
    const overlaps = overlapHours > 0;
    const patch = {
      secret,
      previousSecret: overlaps ? row.secret : null,
      previousSecretUntil: overlaps ? timestamp(now + overlapHours * hourMs) : null,
      secretCreatedAt: timestamp(now),
      secretVersion: row.secretVersion + 1,
    };
    const rotated = change(webhookEndpoints, row, patch, now);
    return commit({ ...present(rotated.row), secret }, rotated, told("webhook_endpoint.secret_rotated", row));
  },
});

/** What disabling writes, whoever does it. */
export function disablement(because: DisabledReason, now: number): Patch<typeof webhookEndpoints> {
  return { state: "disabled", disabledBecause: because, disabledAt: timestamp(now) };
}

function moved(row: EndpointRow, patch: Patch<typeof webhookEndpoints>, event: EventType, now: number) {
  const changed = change(webhookEndpoints, row, patch, now);
  return commit(present(changed.row), changed, told(event, row));
}

function told(event: EventType, row: EndpointRow) {
  return emit(event, { webhookEndpointId: row.id }, { table: webhookEndpoints, row });
}
