import { importPKCS8, SignJWT } from "jose";

export interface AppleKey {
  readonly teamId: string;
  readonly keyId: string;
  readonly clientId: string;
  /** PEM of PKCS #8, as Apple hands it out. */
  readonly privateKey: string;
}

const livesSeconds = 300;
const audience = "https://appleid.apple.com";

/**
 * Apple's client secret: a JWT that is made for each request (developer.apple.com, "Creating a client secret").
 * @throws Error where the key is none
 */
export async function appleClientSecret(key: AppleKey, nowSeconds: number): Promise<string> {
  const signer = await importPKCS8(key.privateKey, "ES256");
  return await new SignJWT()
    .setProtectedHeader({ alg: "ES256", kid: key.keyId })
    .setIssuer(key.teamId)
    .setSubject(key.clientId)
    .setAudience(audience)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + livesSeconds)
    .sign(signer);
}
