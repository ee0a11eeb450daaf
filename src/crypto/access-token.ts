import { z } from "zod";
import type { AdmittedJwks } from "./jwk.ts";
import { type JwsRefusal, parseJsonObject, verifyCompactJws } from "./jws.ts";

const maxLifetimeSeconds = 300;
/** The scope of a token that a session is given for its own use: all that its member may do. */
export const sessionScope = "session";
// What clocks of two machines of ours may differ by.
const skewSeconds = 5;

const seconds = z.int().nonnegative();
const text = z.string().min(1).max(256);
const suffix = "[0-7][0-9a-hjkmnp-tv-z]{25}";
const Claims = z
  .object({
    iss: text,
    aud: text,
    exp: seconds,
    iat: seconds,
    sub: text,
    sid: text,
    tenant: z.string().regex(new RegExp(`^ten_${suffix}$`)),
    cell: z.string().regex(/^[a-z]{2,8}[0-9]{1,3}$/),
    member: z.string().regex(new RegExp(`^mbr_${suffix}$`)),
    // RFC 6749 section 3.3.
    scope: z
      .string()
      .max(4096)
      .regex(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/),
    acr: text,
    auth_time: seconds,
    amr: z.array(text).max(16),
    jti: text,
  })
  .refine((claims) => claims.iat < claims.exp && claims.auth_time <= claims.iat);

export type AccessClaims = z.infer<typeof Claims>;

export type AccessTokenRefusal =
  | JwsRefusal
  | "wrong-type"
  | "bad-claims"
  | "wrong-issuer"
  | "wrong-audience"
  | "expired"
  | "not-yet-valid"
  | "lives-too-long";

/** RFC 9068, narrowed to what we mint ourselves: ES256, one tenant, five minutes. */
export async function verifyAccessToken(
  token: string,
  keys: AdmittedJwks,
  expected: { issuer: string; audience: string; nowSeconds: number },
): Promise<{ ok: true; claims: AccessClaims } | { ok: false; reason: AccessTokenRefusal }> {
  const verified = await verifyCompactJws(token, keys, { algorithms: ["ES256"] });
  if (!verified.ok) return verified;
  // RFC 9068 section 4: else an ID token or a logout token signed by the same key would pass.
  if (verified.header.typ !== "at+jwt") return { ok: false, reason: "wrong-type" };
  const parsed = Claims.safeParse(parseJsonObject(verified.payload));
  if (!parsed.success) return { ok: false, reason: "bad-claims" };
  const reason = timeRefusal(parsed.data, expected);
  return reason ? { ok: false, reason } : { ok: true, claims: parsed.data };
}

/** Why these claims do not count here and now; null where they do. */
export function timeRefusal(
  { iss, aud, exp, iat }: Pick<AccessClaims, "iss" | "aud" | "exp" | "iat">,
  { issuer, audience, nowSeconds }: { issuer: string; audience: string; nowSeconds: number },
): Exclude<AccessTokenRefusal, JwsRefusal> | null {
  if (iss !== issuer) return "wrong-issuer";
  if (aud !== audience) return "wrong-audience";
  if (exp <= nowSeconds) return "expired";
  if (iat > nowSeconds + skewSeconds) return "not-yet-valid";
  if (exp - iat > maxLifetimeSeconds + skewSeconds) return "lives-too-long";
  return null;
}
