import { newEd25519Pair } from "#crypto/ed25519.ts";
import { newSigningKey } from "#crypto/signing-key.ts";
import { insert } from "#db/changes.ts";
import {
  noNewerCheckpointKey,
  noNewerPepper,
  noNewerSigningKey,
  noSuchStrangers,
  openDirectory,
} from "#db/directory.ts";
import {
  checkpointKeys,
  keyPeppers,
  platformTenant,
  signingKeys,
  strangerMonths,
} from "#db/directory-tables.ts";
import { foundOwner } from "#db/found-tenant.ts";
import { many } from "#db/queries.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { Row } from "#db/tenant-table.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { dayMs, hourMs, monthOf, timestamp } from "#lib/time.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";

// Published this long before it signs, and this long after it no longer does: every cache has met it, every token died.
export const overlapMs = hourMs;

/** How long each kind of key makes new things, in ms, until a successor does. */
export interface Lifetimes {
  readonly signing: number;
  /** Whoever verifies a log holds these, so they change seldom; an old head stays good under the key that signed it. */
  readonly heads: number;
  readonly pepper: number;
}

export const lifetimes: Lifetimes = { signing: 30 * dayMs, heads: 365 * dayMs, pepper: 365 * dayMs };
// A pepper serves as long as a key that was made with it, and what signed a head for ever: so that there are never more
// than are read (mostKeysKept), however often a command asks for successors.
const soonestSuccessorMs = 30 * dayMs;
const scheduled = "jobs.directory-keys";

/**
 * The directory's own keys: makes the first ones of a new deployment, and a successor for each that nears its age, of 30
 * days at least but for what signs tokens. Runs at every cron; a second runner at once finds the row it would have made.
 */
export async function ensureDirectoryKeys(
  env: Env,
  now: number,
  lives: Lifetimes = lifetimes,
  job = scheduled,
): Promise<void> {
  await foundOwner(env, env.DIRECTORY, platformTenant, now);
  const directory = await openDirectory(env);
  const { peppers, keys, headKeys, strangers } = await directory.read({
    peppers: many(keyPeppers, { limit: 1 }),
    keys: many(signingKeys, { limit: 1 }),
    headKeys: many(checkpointKeys, { limit: 1 }),
    strangers: many(strangerMonths, { limit: monthsAhead }),
  });
  const [latest = null] = keys;
  const [pepper = null] = peppers;
  const [head = null] = headKeys;
  const isOver = (from: string, life: number) => Date.parse(from) + life <= now;
  const changes = [
    ...(pepper === null || isOver(pepper.createdAt, Math.max(lives.pepper, soonestSuccessorMs))
      ? [noNewerPepper(pepper), insert(keyPeppers, nextPepper(pepper, now), now)]
      : []),
    ...(latest === null || isOver(latest.signsFrom, lives.signing - overlapMs)
      ? [noNewerSigningKey(latest), insert(signingKeys, await successor(latest, now), now)]
      : []),
    ...(head === null || isOver(head.signsFrom, Math.max(lives.heads, soonestSuccessorMs))
      ? [noNewerCheckpointKey(head), insert(checkpointKeys, await newCheckpointKey(now), now)]
      : []),
    ...comingMonths(now)
      .filter((month) => !strangers.some((row) => row.month === month))
      .flatMap((month) => [noSuchStrangers(month), insert(strangerMonths, { id: newId("str"), month }, now)]),
  ];
  if (changes.length === 0) return;
  // Refused where another runner was first; the next run does what is left.
  await commitAsSystem(directory, { job, requestId: newId("run"), now }, changes);
}

// The next one is there before it is needed, as every isolate has to have met it by then.
const monthsAhead = 2;

function comingMonths(now: number): string[] {
  return [now, now + 2 * dayMs].map(monthOf).filter((month, index, all) => all.indexOf(month) === index);
}

type KeyRow = Row<typeof signingKeys>;
type PepperRow = Row<typeof keyPeppers>;

function nextPepper(latest: PepperRow | null, now: number) {
  return {
    id: newId("pep"),
    pepperVersion: (latest?.pepperVersion ?? 0) + 1,
    pepper: encodeBase64Url(crypto.getRandomValues(new Uint8Array(32))),
    mintsFrom: latest === null ? "" : timestamp(now + overlapMs),
  };
}

async function successor(latest: KeyRow | null, now: number) {
  const { publicJwk, privateJwk } = await newSigningKey();
  // The earlier of an hour from now and the end of the one before, where that has not come yet.
  const end = latest === null ? now : Date.parse(latest.expiresAt) - overlapMs;
  const signsFrom = Math.max(now, Math.min(now + overlapMs, end));
  return {
    id: newId("sig"),
    kid: String(publicJwk.kid),
    publicJwk: JSON.stringify(publicJwk),
    privateJwk: JSON.stringify(privateJwk),
    signsFrom: timestamp(signsFrom),
    expiresAt: timestamp(signsFrom + lifetimes.signing + overlapMs),
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
