import { CompactSign, importJWK, type JWK } from "jose";
import type { MemberClaims } from "#crypto/access-token.ts";
import { newSigningKey } from "#crypto/signing-key.ts";

export const testIssuer = "https://keyline.test";
export const testAudience = "https://api.keyline.test";

/** Signs whatever it is given, right or wrong: the verifier under test decides. */
export async function signAccessToken(
  privateJwk: JWK & { kid: string },
  claims: object | string,
  header: Record<string, unknown> = {},
): Promise<string> {
  const key = await importJWK(privateJwk, "ES256");
  const payload = typeof claims === "string" ? claims : JSON.stringify(claims);
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: privateJwk.kid, ...header })
    .sign(key);
}

/** Claims that verify at `nowSeconds`, but for what is overridden. */
export function accessClaims(nowSeconds: number, overrides: Partial<MemberClaims> = {}): MemberClaims {
  return {
    iss: testIssuer,
    aud: testAudience,
    iat: nowSeconds,
    exp: nowSeconds + 300,
    sub: "usr_01jd7v9s3kf8x9q2m5n6p7r8t9",
    sid: "ses_01jd7v9s3kf8x9q2m5n6p7r8t9",
    tenant: "ten_01jd7v9s3kf8x9q2m5n6p7r8t9",
    cell: "us1",
    member: "mbr_01jd7v9s3kf8x9q2m5n6p7r8t9",
    scope: "orders:read orders:write",
    acr: "aal1",
    auth_time: nowSeconds - 60,
    amr: ["pwd"],
    jti: crypto.randomUUID(),
    ...overrides,
  };
}

/** A signing key of its own with the key set that publishes it. */
export async function newTestIssuer() {
  const { publicJwk, privateJwk } = await newSigningKey();
  return {
    publicJwk,
    privateJwk,
    jwks: { keys: [publicJwk] },
    sign: (claims: object | string, header: Record<string, unknown> = {}) =>
      signAccessToken(privateJwk, claims, header),
  };
}
