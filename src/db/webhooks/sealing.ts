import { type DataKey, kidOf, open, SealError, seal } from "#crypto/envelope.ts";
import type { Keys } from "#db/sealing.ts";
import { destroyedKid } from "#db/subject-keys.ts";

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

/**
 * Null where the person's key was destroyed: what told of them can no longer be read by anybody.
 * @throws SealError where it does not open, or there is neither a key nor a tombstone
 */
export async function openText(
  keys: Keys,
  place: Place,
  subjectId: string | null,
  sealed: string,
): Promise<string | null> {
  const address = { tenant: keys.tenantId, ...place };
  const key = subjectId === null ? keys.ring.tenantKeyFor(kidOf(sealed) ?? "") : keys.subjects.get(subjectId);
  if (subjectId !== null && key === null) return null;
  if (!key) throw new SealError("wrong-key", address);
  return await open(key, address, sealed);
}

/** Takes up the subject's key, or that it was destroyed, as it came with a row: `kid` (subjectKid) and `wrapped`. */
export async function rememberKey(
  keys: Keys,
  row: { readonly subjectId: string | null; readonly kid: string | null; readonly wrapped: string | null },
): Promise<void> {
  const { subjectId, kid, wrapped } = row;
  if (subjectId === null || kid === null || keys.subjects.has(subjectId)) return;
  if (kid === destroyedKid) keys.subjects.set(subjectId, null);
  else if (wrapped !== null)
    keys.subjects.set(subjectId, await keys.ring.openSubjectKey(subjectId, { id: kid, wrapped }));
}

function sealingKey(keys: Keys, subjectId: string | null): DataKey {
  if (subjectId === null) return keys.ring.tenantKey();
  const key = keys.subjects.get(subjectId);
  if (!key) throw new SealError("wrong-key");
  return key;
}
