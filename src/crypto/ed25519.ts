// RFC 8032, by the platform's own. It refuses a signature whose second half is not below the group's order, so that
// nobody makes a second signature of one.

const keyBytes = 32;
const signatureBytes = 64;

/** The private key's seed, 32 bytes, and the public key, 32 bytes. */
export interface Ed25519Pair {
  readonly seed: Uint8Array<ArrayBuffer>;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export async function newEd25519Pair(): Promise<Ed25519Pair> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const { d = "", x = "" } = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as JsonWebKey;
  return { seed: bytesOf(d), publicKey: bytesOf(x) };
}

/** The key that signs; it cannot be exported. @throws RangeError for halves of another length */
export async function importSigner({ seed, publicKey }: Ed25519Pair): Promise<CryptoKey> {
  if (seed.length !== keyBytes || publicKey.length !== keyBytes)
    throw new RangeError("an Ed25519 key has 32 bytes");
  const jwk = { kty: "OKP", crv: "Ed25519", d: textOf(seed), x: textOf(publicKey) };
  return await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"]);
}

/** @throws RangeError for another length than 32 bytes */
export async function importVerifier(publicKey: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  if (publicKey.length !== keyBytes) throw new RangeError("an Ed25519 key has 32 bytes");
  return await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
}

/** @returns 64 bytes */
export async function signEd25519(
  signer: CryptoKey,
  message: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign("Ed25519", signer, message));
}

export async function verifyEd25519(
  verifier: CryptoKey,
  message: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (signature.length !== signatureBytes) return false;
  return await crypto.subtle.verify("Ed25519", verifier, signature, message);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text, { alphabet: "base64url" });
}

function textOf(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
