import type { Replay, ReplayKey } from "#db/replay.ts";
import { type JsonAnswer, jsonOf } from "./answer.ts";
import { Refusal, refuse } from "./outcome.ts";
import type { RequestContext } from "./request-state.ts";

/** What a client names this attempt by; null where it names none, or asks by a method that is safe to repeat anyway. */
export function idempotencyKeyOf(c: RequestContext, method: string): string | null | Refusal {
  const key = c.req.header("idempotency-key");
  if (key === undefined || method !== "post") return null;
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  const errors = [{ parameter: "Idempotency-Key", detail: "is 1 to 255 visible ASCII characters" }];
  return new Refusal("malformed-request", { errors }, []);
}

export interface Replayed {
  readonly status: 200 | 201 | 204;
  readonly answer: JsonAnswer;
  readonly assigned: Readonly<Record<string, number>>;
}

/** What the first request with this key was answered; refused where this one is another request. */
export function replayOf(c: RequestContext, key: ReplayKey, replay: Replay): Replayed | Refusal {
  if (replay.fingerprint !== key.fingerprint) return refuse("idempotency-key-reused");
  if (replay.status === null) return new Refusal("in-progress", { retryAfterSeconds: 1 }, []);
  if (replay.answer === null) return refuse("not-found");
  c.get("state").headers.set("Idempotency-Replayed", "true");
  return {
    status: replay.status === 201 ? 201 : replay.status === 204 ? 204 : 200,
    answer: jsonOf(JSON.parse(replay.answer)),
    assigned: replay.assigned,
  };
}
