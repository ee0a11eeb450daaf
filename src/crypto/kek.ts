import { decodeBase64Url, encodeBase64Url } from "#lib/base64url.ts";
import type { HeldKey } from "#lib/held-key.ts";
import { fromUtf8, utf8 } from "#lib/utf8.ts";
import { aesKeyBytes, importAesKey } from "./aes-gcm.ts";
import { authenticated, kidOf, openBytes, type SealAddress, SealError, sealBytes } from "./envelope.ts";

/** The key-encryption keys, wherever each is held. They wrap other keys and never see data. */
export interface KekProvider {
  readonly currentVersion: number;
  wrap(keyBytes: Uint8Array<ArrayBuffer>, address: SealAddress): Promise<string>;
  /** @throws SealError */
  unwrap(wrapped: string, address: SealAddress): Promise<Uint8Array<ArrayBuffer>>;
}

/** One of them. */
export interface Kek {
  readonly version: number;
  wrap(keyBytes: Uint8Array<ArrayBuffer>, address: SealAddress): Promise<string>;
  unwrap(wrapped: string, address: SealAddress): Promise<Uint8Array<ArrayBuffer>>;
}

/** A key's id in what it wraps. */
export function kekKid(version: number): string {
  return `kek${version}`;
}

const entryGrammar = /^([1-9][0-9]{0,3}):([A-Za-z0-9_-]{43})$/;
// What a held key wrapped says so where an IV would stand, which is 16 characters.
const heldGrammar = /^v1\.(kek[1-9][0-9]{0,3})\.kms\.([A-Za-z0-9_-]{1,4000})$/;

/** The highest version wraps, the others only unwrap. @throws Error where there is none, or a version twice */
export function kekProvider(keks: readonly Kek[]): KekProvider {
  const byKid = new Map(keks.map((kek) => [kekKid(kek.version), kek]));
  if (byKid.size < keks.length) throw new Error("A version of the key-encryption keys stands twice.");
  const current = keks.toSorted((one, other) => other.version - one.version)[0];
  if (!current) throw new Error("There is no key-encryption key.");
  return {
    currentVersion: current.version,
    wrap: async (keyBytes, address) => await current.wrap(wholeKey(keyBytes), address),
    unwrap: async (wrapped, address) => {
      const kid = kekOf(wrapped);
      if (kid === null) throw new SealError("malformed", address);
      const kek = byKid.get(kid);
      if (!kek) throw new SealError("wrong-key", address);
      return wholeKey(await kek.unwrap(wrapped, address));
    },
  };
}

/** Which key-encryption key wrapped this; null where it is no wrap. */
export function kekOf(wrapped: string): string | null {
  return heldGrammar.exec(wrapped)?.[1] ?? kidOf(wrapped);
}

/** `1:<32 bytes as base64url>,2:…`, as KEYLINE_KEKS holds them; none in an empty text. */
export async function textKeks(text: string): Promise<Kek[]> {
  if (text === "") return [];
  return await Promise.all(
    text.split(",").map(async (entry) => {
      const { version, bytes } = parseEntry(entry.trim());
      const key = { kid: kekKid(version), key: await importAesKey(bytes) };
      return {
        version,
        wrap: (keyBytes, address) => sealBytes(key, address, keyBytes),
        unwrap: (wrapped, address) => openBytes(key, address, wrapped),
      } satisfies Kek;
    }),
  );
}

/** Whoever holds a key answered with something that does not open to what it was to wrap. */
export class UnfaithfulWrap extends Error {
  constructor() {
    super("What the KMS answered to encrypt is not what it was asked to wrap.");
    this.name = "UnfaithfulWrap";
  }
}

/** A key-encryption key that somebody else holds: `v1.kek<version>.kms.<their ciphertext as base64url>`. */
export function heldKek(version: number, held: HeldKey): Kek {
  const kid = kekKid(version);
  return {
    version,
    /** @throws UnfaithfulWrap */
    wrap: async (keyBytes, address) => {
      const ciphertext = await held.encrypt(keyBytes, authenticated(address));
      const wrapped = `v1.${kid}.kms.${encodeBase64Url(utf8(ciphertext))}`;
      if (!heldGrammar.test(wrapped)) throw new Error("What the KMS answered is empty or too long.");
      // What is returned here may replace the only other wrap of a key.
      const opened = await held.decrypt(ciphertext, authenticated(address));
      if (opened?.toBase64() !== keyBytes.toBase64()) throw new UnfaithfulWrap();
      return wrapped;
    },
    unwrap: async (wrapped, address) => {
      const bytes = decodeBase64Url(heldGrammar.exec(wrapped)?.[2] ?? "");
      if (!bytes || bytes.length === 0) throw new SealError("malformed", address);
      const opened = await held.decrypt(fromUtf8(bytes), authenticated(address));
      if (!opened) throw new SealError("bad-tag", address);
      return opened;
    },
  };
}

function parseEntry(entry: string): { version: number; bytes: Uint8Array<ArrayBuffer> } {
  const [, version = "", text = ""] = entryGrammar.exec(entry) ?? [];
  const bytes = decodeBase64Url(text);
  // Never with a piece of the text: the message ends up in a log.
  if (!version || !bytes)
    throw new Error("KEYLINE_KEKS is malformed: each entry is <version>:<43 characters of base64url>");
  return { version: Number(version), bytes };
}

function wholeKey(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length !== aesKeyBytes) throw new RangeError("a KEK wraps keys of 32 bytes, nothing else");
  return bytes;
}
