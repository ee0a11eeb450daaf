import { newEd25519Pair } from "#crypto/ed25519.ts";
import { newSigningKey } from "#crypto/signing-key.ts";
import { insert } from "#db/changes.ts";
import { noNewerCheckpointKey, noNewerSigningKey, openDirectory } from "#db/directory.ts";
import { checkpointKeys, keyPeppers, platformTenant, signingKeys } from "#db/directory-tables.ts";
import { foundOwner } from "#db/found-tenant.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { dayMs, hourMs, timestamp } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

const signsForMs = 30 * dayMs;
// Whoever verifies a log holds these, so they change seldom; an old head stays good under the key that signed it.
const signsHeadsForMs = 365 * dayMs;
// Published this long before it signs, and this long after it no longer does: every cache has met it, every token died.
const overlapMs = hourMs;

/**
 * The directory's own keys: makes the first pepper and signing key of a new deployment, and a successor for a signing
 * key that nears its age. Runs at every cron; a second runner at once finds the row it would have made.
 */
export async function ensureDirectoryKeys(env: Env, now: number): Promise<void> {
  await foundOwner(env, env.DIRECTORY, platformTenant, now);
  const directory = await openDirectory(env);
  const { peppers, keys, headKeys } = await directory.read({
    peppers: many(keyPeppers, { limit: 1 }),
    keys: many(signingKeys, { limit: 1 }),
    headKeys: many(checkpointKeys, { limit: 1 }),
  });
  const [latest = null] = keys;
  const [latestOfHeads = null] = headKeys;
  const changes = [
    ...(peppers.length === 0 ? [insert(keyPeppers, firstPepper(), now)] : []),
    ...(needsSuccessor(latest, now)
      ? [noNewerSigningKey(latest), insert(signingKeys, await successor(latest, now), now)]
      : []),
    ...(latestOfHeads === null || Date.parse(latestOfHeads.signsFrom) + signsHeadsForMs <= now
      ? [noNewerCheckpointKey(latestOfHeads), insert(checkpointKeys, await newCheckpointKey(now), now)]
      : []),
  ];
  if (changes.length === 0) return;
  try {
    await commitAsSystem(directory, { job: "jobs.directory-keys", requestId: newId("run"), now }, changes);
  } catch (error) {
    // Another runner was first: its pepper holds the unique version.
    if (!(error instanceof Error) || !error.message.includes("UNIQUE constraint failed")) throw error;
  }
}

function firstPepper() {
  return {
    id: newId("pep"),
    pepperVersion: 1,
    pepper: encodeBase64Url(crypto.getRandomValues(new Uint8Array(32))),
  };
}

type KeyRow = Row<typeof signingKeys>;

function needsSuccessor(latest: KeyRow | null, now: number): boolean {
  return latest === null || Date.parse(latest.signsFrom) + signsForMs - overlapMs <= now;
}

async function successor(latest: KeyRow | null, now: number) {
  const { publicJwk, privateJwk } = await newSigningKey();
  const signsFrom = latest === null ? now : Math.max(now, Date.parse(latest.signsFrom) + signsForMs);
  return {
    id: newId("sig"),
    kid: String(publicJwk.kid),
    publicJwk: JSON.stringify(publicJwk),
    privateJwk: JSON.stringify(privateJwk),
    signsFrom: timestamp(signsFrom),
    expiresAt: timestamp(signsFrom + signsForMs + overlapMs),
  };
}

async function newCheckpointKey(now: number) {
  const { seed, publicKey } = await newEd25519Pair();
  return {
    id: newId("chk"),
    publicKey: encodeBase64Url(publicKey),
    seed: encodeBase64Url(seed),
    signsFrom: timestamp(now),
  };
}
