import { hourMs } from "#lib/time.ts";
import type { RecordDraft } from "./commit.ts";

/**
 * The record of a key that lives an hour, so that of many commits about one thing a single one stands until then,
 * however many run at once.
 */
export function onceAnHour(operation: string, about: string, now: number): RecordDraft {
  return onceWithin(hourMs, operation, about, now);
}

/** The same of a key that lives as long as this. */
export function onceWithin(livesMs: number, operation: string, about: string, now: number): RecordDraft {
  return {
    principalId: "system",
    operation,
    keyToken: about,
    olderTokens: [],
    fingerprint: operation,
    intentId: null,
    status: null,
    seal: async () => ({ answer: null, subjectId: null }),
    expiresAt: now + livesMs,
  };
}
