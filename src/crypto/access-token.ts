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

/** What each token of ours says, whatever and whoever it is for. */
const baseClaims = { iss: text, aud: text, exp: seconds, iat: seconds, sub: text, jti: text };
type BaseClaims = z.infer<z.ZodObject<typeof baseClaims>> & { readonly auth_time?: number };

/** The same where it was made in somebody's session. */
export const sharedClaims = {
  ...baseClaims,
  sid: text,
  acr: text,
  auth_time: seconds,
  amr: z.array(text).max(16),
};

/** In the order of time that they claim. */
export function isInOrder({ iat, exp, auth_time: authTime = iat }: BaseClaims): boolean {
  return iat < exp && authTime <= iat;
}

export const idSuffix = "[0-7][0-9a-hjkmnp-tv-z]{25}";
const idOf = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_${idSuffix}$`));

const tenantClaims = {
  tenant: idOf("ten"),
  cell: z.string().regex(/^[a-z]{2,8}[0-9]{1,3}$/),
  // RFC 6749 section 3.3.
  scope: z
    .string()
    .max(4096)
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/),
};

const MemberClaims = z
  .object({
    ...sharedClaims,
    ...tenantClaims,
    member: idOf("mbr"),
    /** Where an OAuth client acts for the member: which, and by which grant. */
    client_id: text.optional(),
    grant: idOf("ogr").optional(),
    client: z.undefined().optional(),
    support: z.undefined().optional(),
  })
  .refine(({ client_id: clientId, grant }) => (clientId === undefined) === (grant === undefined))
  .refine(isInOrder);

/** An OAuth client acts for itself. */
const ClientClaims = z
  .object({
    ...baseClaims,
    ...tenantClaims,
    client: idOf("cli"),
    client_id: text,
    member: z.undefined().optional(),
    support: z.undefined().optional(),
  })
  .refine(isInOrder);

/** A support agent acts, as far as the member may whom `sub` names (RFC 8693, section 4.1). */
const SupportClaims = z
  .object({
    ...sharedClaims,
    ...tenantClaims,
    sub: idOf("mbr"),
    act: z.object({ sub: idOf("agt") }),
    /** The session, and when it is over. */
    support: idOf("sps"),
    support_ends: seconds,
    client_id: z.undefined().optional(),
    grant: z.undefined().optional(),
    client: z.undefined().optional(),
    member: z.undefined().optional(),
  })
  .refine(isInOrder);

const Claims = z.union([MemberClaims, ClientClaims, SupportClaims]);

export type AccessClaims = z.infer<typeof Claims>;
/** Of a token of a member, whoever acts for them. */
export type MemberClaims = z.infer<typeof MemberClaims>;

export type AccessTokenRefusal =
  | JwsRefusal
  | "wrong-type"
  | "bad-claims"
  | "wrong-issuer"
  | "wrong-audience"
  | "expired"
  | "not-yet-valid"
  | "lives-too-long";

interface Expected {
  readonly issuer: string;
  readonly audience: string;
  readonly nowSeconds: number;
}

type Verified<C> =
  | { readonly ok: true; readonly claims: C }
  | { readonly ok: false; readonly reason: AccessTokenRefusal };

/** RFC 9068, narrowed to what we mint ourselves: ES256, one tenant, five minutes. */
export async function verifyAccessToken(
  token: string,
  keys: AdmittedJwks,
  expected: Expected,
): Promise<Verified<AccessClaims>> {
  return await verifyToken(token, keys, Claims, expected);
}

/** Of claims of this shape, which has the shared ones. */
export async function verifyToken<C extends BaseClaims>(
  token: string,
  keys: AdmittedJwks,
  shape: z.ZodType<C>,
  expected: Expected,
): Promise<Verified<C>> {
  const verified = await verifyCompactJws(token, keys, { algorithms: ["ES256"] });
  if (!verified.ok) return verified;
  // RFC 9068 section 4: else an ID token or a logout token signed by the same key would pass.
  if (verified.header.typ !== "at+jwt") return { ok: false, reason: "wrong-type" };
  const parsed = shape.safeParse(parseJsonObject(verified.payload));
  if (!parsed.success) return { ok: false, reason: "bad-claims" };
  const reason = timeRefusal(parsed.data, expected);
  return reason ? { ok: false, reason } : { ok: true, claims: parsed.data };
}

/** Why these claims do not count here and now; null where they do. */
function timeRefusal(
  { iss, aud, exp, iat }: BaseClaims,
  { issuer, audience, nowSeconds }: Expected,
): Exclude<AccessTokenRefusal, JwsRefusal> | null {
  if (iss !== issuer) return "wrong-issuer";
  if (aud !== audience) return "wrong-audience";
  if (exp <= nowSeconds) return "expired";
  if (iat > nowSeconds + skewSeconds) return "not-yet-valid";
  if (exp - iat > maxLifetimeSeconds + skewSeconds) return "lives-too-long";
  return null;
}
