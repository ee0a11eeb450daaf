import { decodeBase64Url } from "#lib/base64url.ts";
import { aesKeyBytes, importAesKey } from "./aes-gcm.ts";
import { type DataKey, kidOf, openBytes, type SealAddress, SealError, sealBytes } from "./envelope.ts";

/**
 * Whoever holds the key-encryption keys: a Worker secret here, a Secrets Store or an outside KMS elsewhere. They wrap
 * other keys and never see data.
 */
export interface KekProvider {
  currentVersion: number;
  wrap(keyBytes: Uint8Array<ArrayBuffer>, address: SealAddress): Promise<string>;
  unwrap(envelope: string, address: SealAddress): Promise<Uint8Array<ArrayBuffer>>;
}

/** The key's id in what it wraps. */
export function kekKid(version: number): string {
  return `kek${version}`;
}

const entryGrammar = /^([1-9][0-9]{0,3}):([A-Za-z0-9_-]{43})$/;

/** KEYLINE_KEKS: `1:<32 bytes as base64url>,2:…`. The highest version wraps, the others only unwrap. */
export async function workerSecretKeks(secret: string): Promise<KekProvider> {
  const keys = new Map<number, DataKey>();
  for (const entry of secret.split(",")) {
    const { version, bytes } = parseEntry(entry.trim());
    if (keys.has(version)) throw malformed(`version ${version} stands twice`);
    keys.set(version, { kid: kekKid(version), key: await importAesKey(bytes) });
  }
  const currentVersion = Math.max(...keys.keys());
  const current = keys.get(currentVersion);
  if (!current) throw malformed("no key");
  const byKid = new Map([...keys.values()].map((key) => [key.kid, key]));

  return {
    currentVersion,
    wrap: async (keyBytes, address) => sealBytes(current, address, wholeKey(keyBytes)),
    unwrap: async (envelope, address) => {
      const kid = kidOf(envelope);
      if (kid === null) throw new SealError("malformed", address);
      const key = byKid.get(kid);
      if (!key) throw new SealError("wrong-key", address);
      return wholeKey(await openBytes(key, address, envelope));
    },
  };
}

function parseEntry(entry: string): { version: number; bytes: Uint8Array<ArrayBuffer> } {
  const [, version = "", text = ""] = entryGrammar.exec(entry) ?? [];
  const bytes = decodeBase64Url(text);
  if (!version || !bytes) throw malformed("each entry is <version>:<43 characters of base64url>");
  return { version: Number(version), bytes };
}

function wholeKey(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length !== aesKeyBytes) throw new RangeError("a KEK wraps keys of 32 bytes, nothing else");
  return bytes;
}

// Never with a piece of the text: the message ends up in a log.
function malformed(why: string): Error {
  return new Error(`KEYLINE_KEKS is malformed: ${why}`);
}
