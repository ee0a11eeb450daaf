import { z } from "zod";
import { type AccessTokenRefusal, timeRefusal } from "./access-token.ts";
import type { AdmittedJwks } from "./jwk.ts";
import { parseJsonObject, verifyCompactJws } from "./jws.ts";

const seconds = z.int().nonnegative();
const text = z.string().min(1).max(256);
const suffix = "[0-7][0-9a-hjkmnp-tv-z]{25}";

const Claims = z
  .object({
    iss: text,
    aud: text,
    exp: seconds,
    iat: seconds,
    sub: z.string().regex(new RegExp(`^usr_${suffix}$`)),
    sid: z.string().regex(new RegExp(`^ses_${suffix}$`)),
    acr: text,
    auth_time: seconds,
    amr: z.array(text).max(16),
    jti: text,
  })
  .refine((claims) => claims.iat < claims.exp && claims.auth_time <= claims.iat);

export type UserClaims = z.infer<typeof Claims>;

/** A user's tokens for what is their own are of an audience of their own: a tenant's would pass for none of them. */
export function userAudience(issuer: string): string {
  return `${issuer}/v1/me`;
}

/** As an access token of a tenant (RFC 9068, ES256, five minutes), but for the user's own account. */
export async function verifyUserToken(
  token: string,
  keys: AdmittedJwks,
  { issuer, nowSeconds }: { issuer: string; nowSeconds: number },
): Promise<{ ok: true; claims: UserClaims } | { ok: false; reason: AccessTokenRefusal }> {
  const verified = await verifyCompactJws(token, keys, { algorithms: ["ES256"] });
  if (!verified.ok) return verified;
  if (verified.header.typ !== "at+jwt") return { ok: false, reason: "wrong-type" };
  const parsed = Claims.safeParse(parseJsonObject(verified.payload));
  if (!parsed.success) return { ok: false, reason: "bad-claims" };
  const reason = timeRefusal(parsed.data, { issuer, audience: userAudience(issuer), nowSeconds });
  return reason ? { ok: false, reason } : { ok: true, claims: parsed.data };
}
