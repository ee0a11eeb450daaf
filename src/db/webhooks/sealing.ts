import { type DataKey, kidOf, open, SealError, seal } from "#crypto/envelope.ts";
import type { Keys } from "#db/sealing.ts";

/** A text of a webhook as it lies in its row: under the key of the person it tells of, or else the tenant's. */
interface Place {
  readonly table: "webhook_bodies" | "webhook_attempts";
  readonly column: "body" | "excerpt";
  readonly row: string;
}

export async function sealText(
  keys: Keys,
  place: Place,
  subjectId: string | null,
  text: string,
): Promise<string> {
  return await seal(sealingKey(keys, subjectId), { tenant: keys.tenantId, ...place }, text);
}

/** @throws SealError where the person's key is gone: what told of them can no longer be read by anybody */
export async function openText(
  keys: Keys,
  place: Place,
  subjectId: string | null,
  sealed: string,
): Promise<string> {
  const kid = kidOf(sealed) ?? "";
  const key = subjectId === null ? keys.ring.tenantKeyFor(kid) : keys.subjects.get(subjectId);
  if (!key) throw new SealError("wrong-key");
  return await open(key, { tenant: keys.tenantId, ...place }, sealed);
}

/** Takes up the subject's key that came with a row, as `kid` and `wrapped`. */
export async function rememberKey(
  keys: Keys,
  row: { readonly subjectId: string | null; readonly kid: string | null; readonly wrapped: string | null },
): Promise<void> {
  const { subjectId, kid, wrapped } = row;
  if (subjectId === null || kid === null || wrapped === null || keys.subjects.has(subjectId)) return;
  keys.subjects.set(subjectId, await keys.ring.openSubjectKey(subjectId, { id: kid, wrapped }));
}

function sealingKey(keys: Keys, subjectId: string | null): DataKey {
  if (subjectId === null) return keys.ring.tenantKey();
  const key = keys.subjects.get(subjectId);
  if (!key) throw new SealError("wrong-key");
  return key;
}
