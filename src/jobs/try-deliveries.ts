import { SealError } from "#crypto/envelope.ts";
import { webhookSignature } from "#crypto/webhook-signature.ts";
import type { Keys } from "#db/sealing.ts";
import { noteUnopened } from "#db/unopened.ts";
import type { Due } from "#db/webhooks/queue.ts";
import { openText } from "#db/webhooks/sealing.ts";
import type { Tried } from "#db/webhooks/tries.ts";
import { secondMs } from "#lib/time.ts";
import { chance } from "#platform/chance.ts";
import { systemNow } from "#platform/clock.ts";
import { destinationFault } from "#platform/destinations.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { post, type Reception } from "#platform/receivers.ts";
import type { EndpointRow } from "#resources/webhook-endpoints/present.ts";
import { afterTry, pauseAskedFor } from "#resources/webhook-endpoints/rules.ts";

/** How many requests one endpoint has under way. An invocation has six connections; one is left for what else there is. */
const triesAtOnce = 5;

export interface TriedPage {
  readonly tried: readonly Tried[];
  readonly isGone: boolean;
  readonly pausedUntilMs: number | null;
}

/** Tries these deliveries, some at a time, until all were tried, `untilMs` has passed, or the receiver wants no more. */
export async function tryDeliveries(
  env: Env,
  database: D1Database,
  keys: Keys,
  endpoint: EndpointRow,
  due: readonly Due[],
  untilMs: number,
): Promise<TriedPage> {
  const waiting = [...due];
  const tried: Tried[] = [];
  let isGone = false;
  let pausedUntilMs: number | null = null;
  const lane = async () => {
    while (!isGone && pausedUntilMs === null && systemNow() < untilMs) {
      const delivery = waiting.shift();
      if (!delivery) return;
      const startedAtMs = systemNow();
      // A name may point elsewhere since the last try.
      const fault = await destinationFault(env, endpoint.url);
      const outcome = fault ?? (await sent(database, keys, endpoint, delivery));
      tried.push(triedOf(delivery, startedAtMs, outcome));
      if (typeof outcome === "string") continue;
      if (outcome.outcome === "gone") isGone = true;
      pausedUntilMs ??= pauseAskedFor(outcome, systemNow());
    }
  };
  await Promise.all(Array.from({ length: Math.min(triesAtOnce, due.length) }, lane));
  return { tried, isGone, pausedUntilMs };
}

/** How it was taken, or why it could not be sent. */
async function sent(
  database: D1Database,
  keys: Keys,
  endpoint: EndpointRow,
  delivery: Due,
): Promise<Reception | "unreadable"> {
  const { id } = delivery;
  const body = await bodyOf(database, keys, delivery);
  if (body === null) return "unreadable";
  const timestampSeconds = Math.floor(systemNow() / secondMs);
  const signature = await webhookSignature(secretsOf(endpoint), { id, timestampSeconds, body });
  const headers = {
    "Content-Type": "application/json",
    "User-Agent": "Keyline-Webhooks/1",
    "webhook-id": id,
    "webhook-timestamp": String(timestampSeconds),
    "webhook-signature": signature,
  };
  return await post(endpoint.url, headers, body);
}

/** Null where the person's key was destroyed, or the body is no longer kept, or does not open. */
async function bodyOf(
  database: D1Database,
  keys: Keys,
  { body, eventSeq, subjectId }: Due,
): Promise<string | null> {
  if (body === null) return null;
  const place = { table: "webhook_bodies", column: "body", row: String(eventSeq) } as const;
  try {
    return await openText(keys, place, subjectId, body);
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    await noteUnopened(database, error, { requestId: newId("run"), now: systemNow() });
    return null;
  }
}

function secretsOf({ secret, previousSecret, previousSecretUntil }: EndpointRow): string[] {
  const overlaps = previousSecretUntil !== null && Date.parse(previousSecretUntil) > systemNow();
  return previousSecret !== null && overlaps ? [secret, previousSecret] : [secret];
}

function triedOf(delivery: Due, startedAtMs: number, outcome: Reception | string): Tried {
  const reception: Reception =
    typeof outcome === "string"
      ? { outcome: "refused", status: null, durationMs: 0, askedWaitMs: null, excerpt: null }
      : outcome;
  const { accepted, nextTryAtMs } = afterTry(reception, {
    failuresBefore: delivery.failures,
    nowMs: systemNow(),
    chance: chance(),
  });
  return {
    attemptId: newId("att"),
    delivery,
    startedAtMs,
    durationMs: reception.durationMs,
    outcome: typeof outcome === "string" ? outcome : outcome.outcome,
    status: reception.status,
    excerpt: reception.excerpt,
    // What nobody can read any more will not be readable later.
    nextTryAtMs: outcome === "unreadable" ? null : nextTryAtMs,
    accepted,
  };
}
