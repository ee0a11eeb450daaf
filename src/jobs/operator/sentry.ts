import { encodeHex } from "#lib/hex.ts";
import { secondMs, timestamp } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import { systemNow } from "#platform/clock.ts";
import { post } from "#platform/receivers.ts";
import { type Carrier, carriedAs, type OperatorNotice } from "./carrier.ts";

interface Project {
  readonly url: string;
  readonly publicKey: string;
}

/** Sentry's envelope with one event (https://develop.sentry.dev/sdk/foundations/transport/envelopes/). */
export const sentryCarrier: Carrier = {
  name: "sentry",
  isWanted: ({ SENTRY_DSN = "" }) => SENTRY_DSN !== "",
  faults: ({ SENTRY_DSN = "" }) =>
    projectOf(SENTRY_DSN) ? [] : ["SENTRY_DSN is not of the form https://<key>@<host>/<project>"],
  async carry({ SENTRY_DSN = "" }, notice) {
    const project = projectOf(SENTRY_DSN);
    if (!project) return { kind: "try-again", askedMs: null };
    const headers = {
      "Content-Type": "application/x-sentry-envelope",
      "User-Agent": "keyline/1",
      "X-Sentry-Auth": `Sentry sentry_version=7, sentry_client=keyline/1, sentry_key=${project.publicKey}`,
    };
    return carriedAs(await post(project.url, headers, await envelopeOf(notice)));
  },
};

/** `https://<key>@<host>[/<path>]/<project>`: the key is public, and all there is to authenticate with. */
function projectOf(dsn: string): Project | null {
  const url = URL.parse(dsn);
  const [, path = "", project] = /^(.*)\/(\d+)$/.exec(url?.pathname ?? "") ?? [];
  if (url?.protocol !== "https:" || url.username === "" || project === undefined) return null;
  return { url: `${url.origin}${path}/api/${project}/envelope/`, publicKey: url.username };
}

async function envelopeOf(notice: OperatorNotice): Promise<string> {
  const { sourceId, kind, severity, ofTenant, count, fromAt: from, toAt: to } = notice;
  const eventId = await eventIdOf(sourceId);
  const where = ofTenant ?? (sourceId.startsWith("platform-") ? "platform" : "several");
  const event = JSON.stringify({
    event_id: eventId,
    timestamp: Date.parse(to) / secondMs,
    platform: "other",
    level: severity === "critical" ? "error" : "warning",
    logger: "keyline.alerts",
    message: { formatted: `${kind} at ${where}` },
    tags: { kind, severity, tenant: where },
    // One issue for each kind and business, or each would be its own.
    fingerprint: [kind, where],
    extra: { count, from, to, source: sourceId },
  });
  const head = JSON.stringify({ event_id: eventId, sent_at: timestamp(systemNow()) });
  const item = JSON.stringify({ type: "event", length: utf8(event).byteLength });
  return `${head}\n${item}\n${event}\n`;
}

// 32 hexadecimal digits, the same on every try, so that Sentry keeps one of them.
async function eventIdOf(sourceId: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", utf8(sourceId));
  return encodeHex(new Uint8Array(hash).slice(0, 16));
}
