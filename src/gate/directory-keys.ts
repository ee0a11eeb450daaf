import { sql } from "drizzle-orm";
import { z } from "zod";
import { importPepper, type Pepper } from "#crypto/api-key.ts";
import { importSigner } from "#crypto/ed25519.ts";
import type { DataKey } from "#crypto/envelope.ts";
import { type AdmittedJwks, admitJwks } from "#crypto/jwk.ts";
import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { importTokenSigner, type TokenSigner } from "#crypto/token-signer.ts";
import { openDirectory } from "#db/directory.ts";
import {
  checkpointKeys,
  keyPeppers,
  mostKeysKept,
  signingKeys,
  strangerMonths,
} from "#db/directory-tables.ts";
import { many } from "#db/queries.ts";
import { decodeBase64Url } from "#lib/base64url.ts";
import { minuteMs, timestamp } from "#lib/time.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";

export interface DirectoryKeys {
  /** Of the directory's own rows: makes the tokens that they are looked up by. */
  readonly ring: TenantKeyRing;
  readonly peppers: ReadonlyMap<number, Pepper>;
  /** What new keys are made with. */
  readonly newestPepper: Pepper | null;
  readonly publicJwks: readonly object[];
  readonly admitted: AdmittedJwks;
  /** What signs tokens now. */
  readonly tokenSigner: TokenSigner | null;
  /** By month, whose key seals what an unknown caller leaves behind. */
  readonly strangers: ReadonlyMap<string, Stranger>;
  /** What signs the audit's heads now. */
  readonly checkpointSigner: {
    readonly publicKey: Uint8Array<ArrayBuffer>;
    readonly signer: CryptoKey;
  } | null;
  /** All that ever did, the newest first. */
  readonly checkpointKeys: readonly CheckpointKey[];
}

export interface Stranger {
  readonly id: string;
  readonly key: DataKey;
}

export interface CheckpointKey {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** RFC 3339. */
  readonly signsFrom: string;
}

interface Cached {
  loading: Promise<DirectoryKeys>;
  loadedAt: number;
}

const perDirectory = new WeakMap<object, Cached>();
const maximumAgeMs = 10 * minuteMs;
// One a day is made at most, and each is told of for a month.
const mostSigningKeys = 50;

/**
 * Peppers and public signing keys, read once per isolate. `isKnown` says whether what the caller needs is among them;
 * something unknown loads them anew, at most once a minute, so that nobody can make us ask by inventing versions.
 */
export async function directoryKeys(
  env: Env,
  isKnown: (keys: DirectoryKeys) => boolean,
): Promise<DirectoryKeys> {
  const now = systemNow();
  const cached = perDirectory.get(env.DIRECTORY);
  if (!cached) return await load(env, now);
  const keys = await cached.loading;
  const age = now - cached.loadedAt;
  if (age < minuteMs || (isKnown(keys) && age < maximumAgeMs)) return keys;
  // Of many that waited here, the first has begun to load them anew.
  const latest = perDirectory.get(env.DIRECTORY);
  return latest && latest !== cached ? await latest.loading : await load(env, now);
}

function load(env: Env, now: number): Promise<DirectoryKeys> {
  const lastGood = perDirectory.get(env.DIRECTORY);
  const loading = read(env, now);
  perDirectory.set(env.DIRECTORY, { loading, loadedAt: now });
  loading.catch(() => {
    // While the directory is away the keys of before serve on; a minute later they are asked for again.
    if (lastGood) perDirectory.set(env.DIRECTORY, { loading: lastGood.loading, loadedAt: now });
    else perDirectory.delete(env.DIRECTORY);
  });
  return lastGood ? loading.catch(() => lastGood.loading) : loading;
}

const StoredJwk = z.record(z.string(), z.unknown());

async function read(env: Env, now: number): Promise<DirectoryKeys> {
  const directory = await openDirectory(env);
  const { pepperRows, keyRows, headKeyRows, months } = await directory.read({
    pepperRows: many(keyPeppers, { order: sql`${keyPeppers.id} desc`, limit: mostKeysKept }),
    keyRows: many(signingKeys, {
      where: sql`${signingKeys.expiresAt} > ${timestamp(now)}`,
      order: sql`${signingKeys.id} desc`,
      limit: mostSigningKeys,
    }),
    headKeyRows: many(checkpointKeys, { order: sql`${checkpointKeys.id} desc`, limit: mostKeysKept }),
    months: many(strangerMonths, { order: sql`${strangerMonths.id} desc`, limit: 3 }),
  });
  const peppers = new Map<number, Pepper>();
  let newest = 0;
  for (const { pepperVersion, pepper, mintsFrom } of z.array(PepperRow).parse(pepperRows)) {
    peppers.set(pepperVersion, await importPepper(pepperVersion, pepper));
    if (mintsFrom <= timestamp(now)) newest = Math.max(newest, pepperVersion);
  }
  const publicJwks = z
    .array(KeyRow)
    .parse(keyRows)
    .map(({ publicJwk }) => publicJwk);
  const admitted = await admitJwks({ keys: publicJwks });
  if (!admitted.ok)
    throw new Error(`The directory holds a signing key that is not admitted: ${admitted.reason}`);
  const { ring, subjects } = directory.keys;
  const signing = keyRows.find(({ signsFrom }) => signsFrom <= timestamp(now));
  const headKeys = z.array(HeadKeyRow).parse(headKeyRows);
  const [newestOfHeads] = headKeys;
  return {
    ring,
    peppers,
    newestPepper: peppers.get(newest) ?? null,
    publicJwks,
    admitted: admitted.keys,
    tokenSigner: signing ? await importTokenSigner(signing.privateJwk) : null,
    strangers: new Map(
      months.flatMap(({ id, month }): [string, Stranger][] => {
        const key = subjects.get(id);
        return key ? [[month, { id, key }]] : [];
      }),
    ),
    checkpointSigner: newestOfHeads
      ? { publicKey: newestOfHeads.publicKey, signer: await importSigner(newestOfHeads) }
      : null,
    checkpointKeys: headKeys.map(({ publicKey, signsFrom }) => ({ publicKey, signsFrom })),
  };
}

const StoredBytes = z.string().transform((text) => {
  const bytes = decodeBase64Url(text);
  if (!bytes) throw new Error("A stored key is not base64url.");
  return bytes;
});
const PepperRow = z.object({ pepperVersion: z.int(), pepper: StoredBytes, mintsFrom: z.string() });
const HeadKeyRow = z.object({ publicKey: StoredBytes, seed: StoredBytes, signsFrom: z.string() });
const KeyRow = z.object({ publicJwk: z.string().transform((text) => StoredJwk.parse(JSON.parse(text))) });
