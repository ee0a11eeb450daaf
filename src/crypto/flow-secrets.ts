import { encodeBase32 } from "#lib/base32.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { hmacText } from "./hmac.ts";

/** One trip to an issuer and back. */
export interface Flow {
  /** `fls_…`, which tells when it began. */
  readonly id: string;
  /** What comes of it, and for whose session where it is somebody's. */
  readonly purpose: string;
  /** Which issuer it goes to. */
  readonly source: string;
}

/**
 * What holds a flow together: `state` (RFC 6749, section 10.12), `nonce` (OpenID Connect Core, section 3.1.2.1) and the
 * verifier of PKCE (RFC 7636, section 4.1). Macs of all that the flow is about, so that nothing is stored and an answer
 * fits no other flow.
 */
export async function flowSecrets(key: CryptoKey, { id, purpose, source }: Flow) {
  const of = async (what: string) =>
    encodeBase64Url(await hmacText(key, `flow ${what}`, JSON.stringify([id, purpose, source])));
  const [state, nonce, codeVerifier] = await Promise.all([of("state"), of("nonce"), of("verifier")]);
  return { state, nonce, codeVerifier };
}

const codeLength = 10;

/** The code that is mailed for this row: 50 bits, made again where it is compared. */
export async function mailedCode(key: CryptoKey, id: string): Promise<string> {
  return encodeBase32(await hmacText(key, "mailed code", id)).slice(0, codeLength);
}
