import { CompactSign, importJWK } from "jose";
import { z } from "zod";
import { utf8 } from "#lib/utf8.ts";

/** What signs tokens now. */
export interface TokenSigner {
  readonly kid: string;
  readonly key: CryptoKey;
}

const PrivateJwk = z.looseObject({ kid: z.string(), kty: z.literal("EC"), crv: z.literal("P-256") });

/** From the private JWK that newSigningKey made. */
export async function importTokenSigner(privateJwk: string): Promise<TokenSigner> {
  const jwk = PrivateJwk.parse(JSON.parse(privateJwk));
  const key = await importJWK({ ...jwk, ext: false }, "ES256");
  if (key instanceof Uint8Array) throw new Error("A signing key of EC imports as a CryptoKey.");
  return { kid: jwk.kid, key };
}

/** An access token (RFC 9068), or an ID token, which is none and passes for none. */
export type TokenType = "at+jwt" | "JWT";

/** A signed token of these claims. */
export async function signToken(
  { kid, key }: TokenSigner,
  claims: object,
  typ: TokenType = "at+jwt",
): Promise<string> {
  return await new CompactSign(utf8(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "ES256", typ, kid })
    .sign(key);
}
