import { passwordTag } from "#crypto/argon2id.ts";
import { exactToken } from "#crypto/blind-index.ts";
import type { RecordDraft } from "#db/commit.ts";
import { type Replay, type ReplayKey, recordDraft, replayKey, replayQuery, sealedUnder } from "#db/replay.ts";
import { type JsonAnswer, withoutShownOnce } from "./answer.ts";
import { dataAnswer, problemAnswer } from "./answers.ts";
import type { DirectoryRun } from "./directory-run.ts";
import { idempotencyKeyOf, replayOf } from "./idempotency-key.ts";
import { Refusal } from "./outcome.ts";
import type { AnyAccount, AnyInput } from "./registry.ts";
import type { RequestContext } from "./request-state.ts";

// As in the tenants' door, but for one thing: here a handler counts tries and hashes passwords, so that the record is looked
// for before it runs, in the trip that asks whether the session stands.

/** What this user named the request by; null where they did not. */
export async function accountKeyOf(
  { c, session, operation: name, now }: DirectoryRun,
  operation: AnyAccount,
  userId: string,
  { params, query, body }: AnyInput,
): Promise<ReplayKey | null | Refusal> {
  const key = operation.form === "me-write" ? idempotencyKeyOf(c, operation.method) : null;
  if (key === null || key instanceof Refusal) return key;
  const { keys } = session;
  const salt = await exactToken(keys.ring.indexKey(), "idempotency-password", `${userId} ${name} ${key}`);
  const request = JSON.stringify([params, query, await withoutPasswords(body, salt, now)]);
  return await replayKey(keys, { principalId: userId, operation: name, key, request });
}

/** What stands for this key, or null. What rides along is read in any case. */
export async function recordOf({ session, now }: DirectoryRun, key: ReplayKey): Promise<Replay | null> {
  const { found } = await session.read({ found: replayQuery(key, now) });
  return found;
}

/** What the first request with this key was answered. */
export function replayedAnswer(c: RequestContext, key: ReplayKey, record: Replay): Response {
  const again = replayOf(c, key, record);
  return again instanceof Refusal
    ? problemAnswer(c, again.problem, again.details)
    : dataAnswer(c, again.status, again.answer);
}

/** What is kept for a replay: under the user's own key, whatever it tells of. */
export function accountRecord(
  { session: { keys }, now }: DirectoryRun,
  operation: AnyAccount,
  userId: string,
  key: ReplayKey,
  { json }: JsonAnswer,
): RecordDraft {
  const shownOnce = (operation.form === "me-write" && operation.shownOnce) || [];
  const seal = sealedUnder(keys, key, userId, withoutShownOnce(json, shownOnce));
  return recordDraft(key, { status: operation.status ?? 200, intentId: null, seal, now, days: 1 });
}

// The fingerprint is as quick to compute as it can be: a password in it would be as good as stored with no Argon2id.
async function withoutPasswords(body: unknown, salt: string, now: number): Promise<unknown> {
  if (typeof body !== "object" || body === null) return body;
  const fields: [string, unknown][] = [];
  for (const [name, value] of Object.entries(body)) {
    const isPassword = /password$/i.test(name) && typeof value === "string";
    fields.push([name, isPassword ? await passwordTag(value, salt, now) : value]);
  }
  return Object.fromEntries(fields);
}
