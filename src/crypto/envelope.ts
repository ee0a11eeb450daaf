import { decodeBase64Url, encodeBase64Url } from "#lib/base64url.ts";
import { fromUtf8, utf8 } from "#lib/utf8.ts";
import { decryptAesGcm, encryptAesGcm, gcmIvBytes } from "./aes-gcm.ts";

/** Where a sealed value lies. It is authenticated with the value, so a ciphertext copied elsewhere does not open. */
export interface SealAddress {
  tenant: string;
  table: string;
  column: string;
  row: string;
}

export interface DataKey {
  kid: string;
  key: CryptoKey;
}

type SealReason = "malformed" | "wrong-key" | "bad-tag";

export class SealError extends Error {
  readonly reason: SealReason;
  /** Which value it is, where one was there to be opened. */
  readonly address: SealAddress | null;

  constructor(reason: SealReason, address: SealAddress | null = null) {
    super(`a sealed value could not be opened: ${reason}`);
    this.name = "SealError";
    this.reason = reason;
    this.address = address;
  }
}

const format = "v1";
const kidGrammar = /^[A-Za-z0-9_]{1,64}$/;
// v1.kid.iv.ciphertext: 12 bytes are 16 characters, a bare tag 22.
const envelopeGrammar = /^v1\.([A-Za-z0-9_]{1,64})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/;

export function seal(dataKey: DataKey, address: SealAddress, plaintext: string): Promise<string> {
  return sealBytes(dataKey, address, utf8(plaintext));
}

export async function open(dataKey: DataKey, address: SealAddress, envelope: string): Promise<string> {
  const bytes = await openBytes(dataKey, address, envelope);
  try {
    return fromUtf8(bytes);
  } catch {
    throw new SealError("malformed", address);
  }
}

export async function sealBytes(
  dataKey: DataKey,
  address: SealAddress,
  plaintext: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (!kidGrammar.test(dataKey.kid)) throw new RangeError("a key id has 1 to 64 of A-Z, a-z, 0-9 and _");
  const iv = crypto.getRandomValues(new Uint8Array(gcmIvBytes));
  const ciphertext = await encryptAesGcm(dataKey.key, iv, authenticated(address), plaintext);
  return `${format}.${dataKey.kid}.${encodeBase64Url(iv)}.${encodeBase64Url(ciphertext)}`;
}

export async function openBytes(
  dataKey: DataKey,
  address: SealAddress,
  envelope: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts = parse(envelope);
  if (!parts) throw new SealError("malformed", address);
  if (parts.kid !== dataKey.kid) throw new SealError("wrong-key", address);
  const bytes = await decryptAesGcm(dataKey.key, parts.iv, authenticated(address), parts.ciphertext);
  if (!bytes) throw new SealError("bad-tag", address);
  return bytes;
}

/** Which key an envelope asks for; null when it is none. */
export function kidOf(envelope: string): string | null {
  return envelopeGrammar.exec(envelope)?.[1] ?? null;
}

function parse(envelope: string) {
  const [, kid = "", ivText = "", ciphertextText = ""] = envelopeGrammar.exec(envelope) ?? [];
  const iv = decodeBase64Url(ivText);
  const ciphertext = decodeBase64Url(ciphertextText);
  return kid && iv && ciphertext ? { kid, iv, ciphertext } : null;
}

// A JSON array tells ["a", "bc"] from ["ab", "c"], which joined parts would not.
export function authenticated({ tenant, table, column, row }: SealAddress): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify([format, tenant, table, column, row]));
}
