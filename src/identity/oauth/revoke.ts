import { endClientToken, grantOf } from "#db/oauth-grants.ts";
import { accessClaims } from "#gate/authenticate.ts";
import { ProtocolAnswer } from "#http/protocol-answer.ts";
import type { RequestContext } from "#http/request-state.ts";
import { asClient, type ClientRun, type OAuthAnswer } from "./as-client.ts";
import { clientClaim } from "./client-claim.ts";
import { portsOf } from "./directory.ts";
import { type FormRequest, readForm } from "./form.ts";
import { refused } from "./refusals.ts";
import { committed, endGrant, forget } from "./take-turn.ts";

const done = new ProtocolAnswer(200, { done: true });

/** RFC 7009: a token of this client, and with it the grant that it is of. What is none of its is as good as revoked. */
export async function revoke(c: RequestContext, request: FormRequest): Promise<OAuthAnswer> {
  const form = readForm(request);
  if (form instanceof ProtocolAnswer) return form;
  const claim = clientClaim(request.header("authorization"), form);
  if (claim instanceof ProtocolAnswer) return claim;
  const token = form.get("token");
  if (token === undefined) return refused("invalid_request", "There is no token.");
  return await asClient(c, claim, (run) => end(run, token));
}

async function end({ c, claim, run }: ClientRun, token: string): Promise<OAuthAnswer> {
  const named = await (await portsOf(c)).readToken("client-refresh", token);
  const claims = named ? null : await accessClaims(c.env, token);
  if (claims?.client_id === claim.clientId && claims.client !== undefined) {
    await committed(run, endClientToken(run.session.tenantId, claims.client, claims.jti, run.now));
    await forget(run, claims.client);
    return done;
  }
  const grantId = named?.id ?? (claims?.client === undefined ? claims?.grant : undefined);
  if (grantId === undefined) return done;
  const { grant } = await run.session.read({ grant: grantOf(claim.place.id, grantId) });
  if (grant?.state === "active") await endGrant(run, grant, "revoked-by-client");
  return done;
}
