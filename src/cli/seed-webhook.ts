import { newWebhookSecret } from "#crypto/webhook-signature.ts";
import { type Insert, insert } from "#db/changes.ts";
import { timestamp } from "#lib/time.ts";
import { newId } from "#platform/ids.ts";
import { webhookEndpoints } from "#resources/webhook-endpoints/table.ts";

/** An endpoint that shows how one looks; nothing is sent to it, as nobody listens there. */
export function sleepingEndpoint(slug: string, creatorId: string, now: number): Insert {
  const host = `hooks.${slug}.example`;
  const at = timestamp(now);
  return insert(
    webhookEndpoints,
    {
      id: newId("whe"),
      url: `https://${host}/keyline`,
      host,
      eventTypes: JSON.stringify(["order.placed"]),
      creatorId,
      secret: newWebhookSecret(),
      secretCreatedAt: at,
      secretVersion: 1,
      secretToldVersion: 0,
      state: "disabled",
      enabledAt: at,
      disabledAt: at,
      disabledBecause: "by-hand",
    },
    now,
  );
}
