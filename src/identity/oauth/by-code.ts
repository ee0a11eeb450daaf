import { timingSafeEqual } from "#crypto/constant-time.ts";
import { grantOf } from "#db/oauth-grants.ts";
import type { RequestContext } from "#http/request-state.ts";
import { encodeBase64Url } from "#lib/base64url.ts";
import { utf8 } from "#lib/utf8.ts";
import { asClient, type ClientRun, type OAuthAnswer } from "./as-client.ts";
import type { ClientClaim } from "./client-claim.ts";
import { grantStanding, portsOf } from "./directory.ts";
import type { Form } from "./form.ts";
import { grantEnd, hasExpired, tokensOf } from "./issue.ts";
import { invalidGrant, refused } from "./refusals.ts";
import { endGrant, mostTries, takeTurn } from "./take-turn.ts";

interface Redemption {
  readonly grantId: string;
  readonly redirectUri: string;
  readonly verifier: string;
}

/**
 * RFC 6749 section 4.1.3, RFC 7636: a code is redeemed once, by the client that it was made for, at the address that it
 * was sent to, by who knows the verifier. A forged one costs no I/O.
 */
export async function byCode(c: RequestContext, claim: ClientClaim, form: Form): Promise<OAuthAnswer> {
  const [code, redirectUri, verifier] = ["code", "redirect_uri", "code_verifier"].map((name) =>
    form.get(name),
  );
  if (code === undefined || redirectUri === undefined || verifier === undefined)
    return refused("invalid_request", "code, redirect_uri and code_verifier are needed.");
  const named = await (await portsOf(c)).readToken("code", code);
  const grantId = named?.id ?? "";
  return await asClient(
    c,
    claim,
    (run) => redeem(run, { grantId, redirectUri, verifier }),
    () => (named ? null : invalidGrant),
  );
}

async function redeem(client: ClientRun, given: Redemption, tries = 1): Promise<OAuthAnswer> {
  const { c, claim, grantTypes, run } = client;
  if (!grantTypes.includes("authorization_code"))
    return refused("unauthorized_client", "The client is not let in by authorization_code.");
  const { grant } = await run.session.read({ grant: grantOf(claim.place.id, given.grantId) });
  if (!grant) return invalidGrant;
  if (grant.state !== "code") {
    // RFC 6749 section 4.1.2: somebody has seen it who should not have, and nobody knows who came first.
    if (grant.state === "active") await endGrant(run, grant, "code-reused");
    return invalidGrant;
  }
  if (hasExpired(grant, run.now) || grant.redirectUri !== given.redirectUri) return invalidGrant;
  if (!(await isVerified(given.verifier, grant.codeChallenge))) return invalidGrant;
  const standing = await grantStanding(c, grant);
  if (!standing) return invalidGrant;
  if (!(await takeTurn(run, grant, grantEnd(client, standing))))
    return tries < mostTries ? await redeem(client, given, tries + 1) : invalidGrant;
  return await tokensOf(client, grant, standing, grant.scope.split(" "), grant.nonce);
}

async function isVerified(verifier: string, challenge: string): Promise<boolean> {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  const digest = await crypto.subtle.digest("SHA-256", utf8(verifier));
  return timingSafeEqual(encodeBase64Url(new Uint8Array(digest)), challenge);
}
