import type { AccessClaims } from "#crypto/access-token.ts";
import { grantOf } from "#db/oauth-grants.ts";
import { accessClaims, credentialOf } from "#gate/authenticate.ts";
import { isOver } from "#gate/ended.ts";
import { hydrate } from "#gate/hydrate.ts";
import { ProtocolAnswer } from "#http/protocol-answer.ts";
import type { RequestContext } from "#http/request-state.ts";
import { asClient, type ClientRun, type OAuthAnswer } from "./as-client.ts";
import { clientClaim } from "./client-claim.ts";
import { grantStanding, portsOf } from "./directory.ts";
import { type FormRequest, readForm } from "./form.ts";
import { hasExpired } from "./issue.ts";
import { invalidClient, refused } from "./refusals.ts";

const inactive = new ProtocolAnswer(200, { active: false });

/** RFC 7662: any access token of an OAuth client of this tenant, and the asking client's own refresh tokens. */
export async function introspect(c: RequestContext, request: FormRequest): Promise<OAuthAnswer> {
  const form = readForm(request);
  if (form instanceof ProtocolAnswer) return form;
  const claim = clientClaim(request.header("authorization"), form);
  if (claim instanceof ProtocolAnswer) return claim;
  const token = form.get("token");
  if (token === undefined) return refused("invalid_request", "There is no token.");
  // Section 2.1: who asks has to prove who they are, or whoever found a token could try it here.
  return await asClient(c, claim, async (run) =>
    run.isConfidential ? await tell(run, token) : invalidClient,
  );
}

async function tell(client: ClientRun, token: string): Promise<ProtocolAnswer> {
  const { c, policy } = client;
  const named = await (await portsOf(c)).readToken("client-refresh", token);
  if (named) return await tellOfRefresh(client, named.id, named.turn);
  const claims = await accessClaims(c.env, token);
  if (claims?.client_id === undefined || claims.tenant !== policy.tenantId) return inactive;
  return (await isActive(c, claims))
    ? new ProtocolAnswer(200, { active: true, token_type: "Bearer", ...told(claims) })
    : inactive;
}

// As the cell says now: what a gate has at hand may be a minute old.
async function isActive({ env }: RequestContext, claims: AccessClaims): Promise<boolean> {
  const credential = credentialOf(env, claims);
  if (!credential) return false;
  const { cell, principalId, tenantId } = credential;
  const policy = await hydrate(cell.database, principalId, tenantId);
  return policy?.state === "active" && !isOver(credential, policy);
}

function told(claims: AccessClaims) {
  const { iss, aud, sub, jti, exp, iat, scope, client_id } = claims;
  const shared = { iss, aud, sub, jti, exp, iat, scope, client_id };
  if (claims.client !== undefined) return shared;
  const { acr, amr, auth_time } = claims;
  return { ...shared, acr, amr, auth_time };
}

async function tellOfRefresh(
  { c, claim, run }: ClientRun,
  id: string,
  turn: number,
): Promise<ProtocolAnswer> {
  const { grant } = await run.session.read({ grant: grantOf(claim.place.id, id) });
  if (grant?.state !== "active" || grant.generation !== turn || hasExpired(grant, run.now)) return inactive;
  if (!(await grantStanding(c, grant))) return inactive;
  return new ProtocolAnswer(200, {
    active: true,
    client_id: claim.clientId,
    sub: grant.userId,
    scope: grant.scope,
    exp: Math.floor(Date.parse(grant.expiresAt) / 1000),
  });
}
