export const aesKeyBytes = 32;
export const gcmIvBytes = 12;
const gcmTagBytes = 16;

/**
 * The one pair of functions that encrypts. Sizes are fixed: an IV of another length is hashed into the counter
 * (NIST SP 800-38D, 8.2), and nothing of ours needs it.
 */
export async function encryptAesGcm(
  key: CryptoKey,
  iv: Uint8Array<ArrayBuffer>,
  additionalData: Uint8Array<ArrayBuffer>,
  plaintext: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.encrypt(parameters(iv, additionalData), key, plaintext));
}

/** Null when the tag does not fit key, IV, additional data and ciphertext. */
export async function decryptAesGcm(
  key: CryptoKey,
  iv: Uint8Array<ArrayBuffer>,
  additionalData: Uint8Array<ArrayBuffer>,
  ciphertext: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const algorithm = parameters(iv, additionalData);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, ciphertext));
  } catch (error) {
    // Web Crypto's one name for a failed tag; anything else is our fault and must not look like a forgery.
    if (error instanceof Error && error.name === "OperationError") return null;
    throw error;
  }
}

export async function importAesKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  if (bytes.length !== aesKeyBytes) throw new RangeError("an AES-256 key has 32 bytes");
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function parameters(iv: Uint8Array<ArrayBuffer>, additionalData: Uint8Array<ArrayBuffer>) {
  if (iv.length !== gcmIvBytes) throw new RangeError("a GCM IV has 12 bytes");
  return { name: "AES-GCM", iv, additionalData, tagLength: gcmTagBytes * 8 };
}
