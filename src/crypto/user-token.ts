import { z } from "zod";
import { idSuffix, isInOrder, sharedClaims, verifyToken } from "./access-token.ts";
import type { AdmittedJwks } from "./jwk.ts";

const Claims = z
  .object({
    ...sharedClaims,
    sub: z.string().regex(new RegExp(`^usr_${idSuffix}$`)),
    sid: z.string().regex(new RegExp(`^ses_${idSuffix}$`)),
  })
  .refine(isInOrder);

/** A user's tokens for what is their own are of an audience of their own: a tenant's would pass for none of them. */
export function userAudience(issuer: string): string {
  return `${issuer}/v1/me`;
}

/** As an access token of a tenant (RFC 9068, ES256, five minutes), but for the user's own account. */
export async function verifyUserToken(
  token: string,
  keys: AdmittedJwks,
  { issuer, nowSeconds }: { issuer: string; nowSeconds: number },
) {
  return await verifyToken(token, keys, Claims, { issuer, audience: userAudience(issuer), nowSeconds });
}
