import { isWebhookSecret, webhookSignature } from "#crypto/webhook-signature.ts";
import { secondMs } from "#lib/time.ts";
import { systemNow } from "#platform/clock.ts";
import { post } from "#platform/receivers.ts";
import { type Carrier, carriedAs } from "./carrier.ts";

/** Signed as Standard Webhooks says, as those of tenants are. */
export const webhookCarrier: Carrier = {
  name: "webhook",
  isWanted: ({ OPERATOR_WEBHOOK_URL = "" }) => OPERATOR_WEBHOOK_URL !== "",
  faults: ({ OPERATOR_WEBHOOK_URL = "", OPERATOR_WEBHOOK_SECRET = "" }) => [
    ...(URL.canParse(OPERATOR_WEBHOOK_URL) && OPERATOR_WEBHOOK_URL.startsWith("https:")
      ? []
      : ["OPERATOR_WEBHOOK_URL is no https: URL"]),
    ...(isWebhookSecret(OPERATOR_WEBHOOK_SECRET) ? [] : ["OPERATOR_WEBHOOK_SECRET is no whsec_…"]),
  ],
  async carry({ OPERATOR_WEBHOOK_URL = "", OPERATOR_WEBHOOK_SECRET = "" }, notice) {
    const { sourceId: id, kind, severity, ofTenant: tenantId, count, fromAt: from, toAt: to } = notice;
    const data = { kind, severity, tenantId, count, from, to };
    const body = JSON.stringify({ type: "operator.alert", timestamp: notice.createdAt, data });
    const timestampSeconds = Math.floor(systemNow() / secondMs);
    const signature = await webhookSignature([OPERATOR_WEBHOOK_SECRET], { id, timestampSeconds, body });
    const headers = {
      "Content-Type": "application/json",
      "User-Agent": "Keyline-Webhooks/1",
      "webhook-id": id,
      "webhook-timestamp": String(timestampSeconds),
      "webhook-signature": signature,
    };
    return carriedAs(await post(OPERATOR_WEBHOOK_URL, headers, body));
  },
};
