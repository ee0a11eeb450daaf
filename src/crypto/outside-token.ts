import { z } from "zod";
import type { AdmittedJwks } from "./jwk.ts";
import { type JwsRefusal, parseJsonObject, verifyCompactJws } from "./jws.ts";

const algorithms = ["RS256", "ES256"];
// What an issuer's clock and ours may differ by.
const skewSeconds = 5;
// A token is worth something after its session was ended, until it expires; a session token lives a minute.
const mostLifetimeSeconds = 3600;

const seconds = z.number().nonnegative().max(4_102_444_800);
const text = z.string().min(1).max(255);
const Claims = z.looseObject({
  iss: text,
  sub: text,
  exp: seconds,
  iat: seconds,
  nbf: seconds.optional(),
  aud: z.union([text, z.array(text).max(16)]).optional(),
  azp: text.optional(),
});

export type OutsideClaims = z.infer<typeof Claims>;

export interface OutsideExpectation {
  readonly issuer: string;
  /** null: the issuer's tokens name none. */
  readonly audience: string | null;
  /** Empty: whoever the issuer gave a token of our audience. */
  readonly authorizedParties: readonly string[];
  readonly nowSeconds: number;
}

export type OutsideTokenRefusal =
  | JwsRefusal
  | "wrong-type"
  | "bad-claims"
  | "wrong-issuer"
  | "wrong-audience"
  | "wrong-party"
  | "expired"
  | "not-yet-valid"
  | "lives-too-long"
  | "not-the-person";

/** A session token of another issuer (RFC 7519): signed by its keys, for us, used by one of our own front ends. */
export async function verifyOutsideToken(
  token: string,
  keys: AdmittedJwks,
  expected: OutsideExpectation,
): Promise<{ ok: true; claims: OutsideClaims } | { ok: false; reason: OutsideTokenRefusal }> {
  const verified = await verifyCompactJws(token, keys, { algorithms });
  if (!verified.ok) return verified;
  // RFC 8725 section 3.11: the same keys sign access tokens and others, which say so by their type.
  const { typ } = verified.header;
  if (typ !== undefined && (typeof typ !== "string" || typ.toUpperCase() !== "JWT"))
    return { ok: false, reason: "wrong-type" };
  const parsed = Claims.safeParse(parseJsonObject(verified.payload));
  if (!parsed.success) return { ok: false, reason: "bad-claims" };
  const reason =
    refusalOfAddress(parsed.data, expected) ??
    refusalOfTime(parsed.data, expected.nowSeconds) ??
    refusalOfSession(parsed.data);
  return reason ? { ok: false, reason } : { ok: true, claims: parsed.data };
}

function refusalOfAddress(
  { iss, aud, azp }: OutsideClaims,
  { issuer, audience, authorizedParties }: OutsideExpectation,
): OutsideTokenRefusal | null {
  if (iss !== issuer) return "wrong-issuer";
  // RFC 7519 section 4.1.3: a token that names others as its audience is not for us.
  const isForUs = audience === null ? aud === undefined : [aud ?? []].flat().includes(audience);
  if (!isForUs) return "wrong-audience";
  const isParty = authorizedParties.length === 0 || (azp !== undefined && authorizedParties.includes(azp));
  return isParty ? null : "wrong-party";
}

function refusalOfTime({ exp, iat, nbf = iat }: OutsideClaims, now: number): OutsideTokenRefusal | null {
  if (exp + skewSeconds <= now) return "expired";
  if (Math.max(iat, nbf) > now + skewSeconds) return "not-yet-valid";
  return exp - iat > mostLifetimeSeconds || exp <= iat ? "lives-too-long" : null;
}

// `act` (RFC 8693 section 4.1): somebody acts as the subject, and our audit would name the wrong person. `sts`: Clerk's
// session status; a pending one has yet to choose an organization or a second factor.
function refusalOfSession({ act, sts }: OutsideClaims): OutsideTokenRefusal | null {
  return act === undefined && (sts === undefined || sts === "active") ? null : "not-the-person";
}
