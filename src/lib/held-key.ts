/** A key that never leaves the service that holds it, as an outside KMS. */
export interface HeldKey {
  encrypt(plaintext: Uint8Array<ArrayBuffer>, authenticated: Uint8Array<ArrayBuffer>): Promise<string>;
  /** Null where the text is not what this key made of something with these authenticated data. */
  decrypt(
    ciphertext: string,
    authenticated: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null>;
}
