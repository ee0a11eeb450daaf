import type { Grant } from "#db/oauth-grants.ts";
import { ProtocolAnswer } from "#http/protocol-answer.ts";
import { countedFor } from "#identity/factors/sms-strength.ts";
import { claimsOf, tenantToken, tokenLifeSeconds } from "#identity/sessions/access-tokens.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { dayMs, minuteMs, timestamp } from "#lib/time.ts";
import { utf8 } from "#lib/utf8.ts";
import type { ClientRun } from "./as-client.ts";
import { portsOf, type Standing } from "./directory.ts";

/** How long a refresh token lasts unused; none outlives the session that its grant was made in. */
const idleLifeMs = 14 * dayMs;
/** Of a grant that nothing can be refreshed by: its access token is over by then. */
const shortLifeMs = 10 * minuteMs;

export function refreshes({ grantTypes }: ClientRun): boolean {
  return grantTypes.includes("refresh_token");
}

/** Until when a grant that is used now lasts. */
export function grantEnd(run: ClientRun, { session }: Standing): number {
  const most = run.run.now + (refreshes(run) ? idleLifeMs : shortLifeMs);
  return Math.min(most, Date.parse(session.expiresAt));
}

/** What a grant is good for by now, told to its client: once the commit that took its turn stands. */
export async function tokensOf(
  run: ClientRun,
  grant: Grant,
  standing: Standing,
  words: readonly string[],
  nonce: string | null,
): Promise<ProtocolAnswer> {
  const { c, claim, policy } = run;
  const { now } = run.run;
  const ports = await portsOf(c);
  const place = { tenantId: policy.tenantId, cell: claim.place.cell, memberId: grant.memberId };
  const scope = words.join(" ");
  const by = { scope, client_id: claim.clientId, grant: grant.id };
  const session = asLetIn(grant, standing);
  const accessToken = await tenantToken(ports, session, place, now, by);
  const next = { id: grant.id, turn: grant.generation + 1 };
  return tokenAnswer({
    accessToken,
    scope,
    ...(refreshes(run) ? { refreshToken: await ports.makeToken("client-refresh", next) } : {}),
    ...(words.includes("openid")
      ? {
          idToken: await ports.sign(
            await idClaims(ports.issuer, run, { ...standing, session }, words, accessToken, nonce),
            "JWT",
          ),
        }
      : {}),
  });
}

// OpenID Connect Core, section 12.2: a refreshed token tells of the authorization that it goes back to. What its user
// proves later in that session is proved for what they do themselves.
function asLetIn({ proof, member }: Grant, { session }: Standing): Standing["session"] {
  const then = proof ?? { provedAt: session.signedInAt, strongAt: null, methods: "[]" };
  return countedFor(member, { ...session, ...then });
}

/** OpenID Connect Core, sections 2, 3.1.3.6 and 12.2. */
async function idClaims(
  issuer: string,
  { claim, run }: ClientRun,
  { session, user }: Standing,
  words: readonly string[],
  accessToken: string,
  nonce: string | null,
): Promise<object> {
  const { jti: _, ...claims } = claimsOf(issuer, session, run.now);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(accessToken)));
  return {
    ...claims,
    aud: claim.clientId,
    azp: claim.clientId,
    at_hash: encodeBase64Url(digest.subarray(0, 16)),
    ...(nonce === null ? {} : { nonce }),
    ...aboutUser(user, words),
  };
}

/** What of a user these words ask for. */
export function aboutUser(
  user: Standing["user"],
  words: readonly string[],
): Readonly<Record<string, unknown>> {
  return {
    ...(words.includes("profile") ? { name: user.name } : {}),
    ...(words.includes("email") ? { email: user.email, email_verified: user.emailVerifiedAt !== null } : {}),
  };
}

export interface Issued {
  readonly accessToken: string;
  readonly scope: string;
  readonly refreshToken?: string;
  readonly idToken?: string;
}

/** RFC 6749 section 5.1. */
export function tokenAnswer({ accessToken, scope, refreshToken, idToken }: Issued): ProtocolAnswer {
  return new ProtocolAnswer(200, {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: tokenLifeSeconds,
    scope,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(idToken === undefined ? {} : { id_token: idToken }),
  });
}

export function hasExpired({ expiresAt }: Grant, now: number): boolean {
  return expiresAt <= timestamp(now);
}
