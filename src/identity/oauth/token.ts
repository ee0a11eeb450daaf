import { listOf, maskOf } from "#gate/capabilities.ts";
import { ProtocolAnswer } from "#http/protocol-answer.ts";
import type { RequestContext } from "#http/request-state.ts";
import { tokenLifeSeconds } from "#identity/sessions/access-tokens.ts";
import { secondMs } from "#lib/time.ts";
import { asClient, type ClientRun, type OAuthAnswer } from "./as-client.ts";
import { byCode } from "./by-code.ts";
import { byRefresh } from "./by-refresh.ts";
import { clientClaim } from "./client-claim.ts";
import { portsOf } from "./directory.ts";
import { type Form, type FormRequest, readForm } from "./form.ts";
import { tokenAnswer } from "./issue.ts";
import { refused } from "./refusals.ts";
import { capabilitiesOf, within, wordsOf } from "./scope.ts";

/** RFC 6749 section 3.2. What is wrong by its own text is refused before anything is asked for. */
export async function token(c: RequestContext, request: FormRequest): Promise<OAuthAnswer> {
  const form = readForm(request);
  if (form instanceof ProtocolAnswer) return form;
  const claim = clientClaim(request.header("authorization"), form);
  if (claim instanceof ProtocolAnswer) return claim;
  switch (form.get("grant_type")) {
    case undefined:
      return refused("invalid_request", "There is no grant_type.");
    case "client_credentials":
      return await asClient(c, claim, (run) => forItself(run, form));
    case "authorization_code":
      return await byCode(c, claim, form);
    case "refresh_token":
      return await byRefresh(c, claim, form);
    default:
      return refused(
        "unsupported_grant_type",
        "There are authorization_code, refresh_token and client_credentials.",
      );
  }
}

/** The client acts for itself: it may do what it asks for, of what its tenant lets it do. */
async function forItself(
  { c, claim, policy, grantTypes, isConfidential, run }: ClientRun,
  form: Form,
): Promise<OAuthAnswer> {
  if (!isConfidential || !grantTypes.includes("client_credentials"))
    return refused("unauthorized_client", "The client is not let in by client_credentials.");
  const asked = form.get("scope");
  const words = asked === undefined ? listOf(policy.capabilities) : wordsOf(asked);
  const scopes = capabilitiesOf(words ?? []);
  const isWhole = words !== null && scopes.length === words.length;
  if (!isWhole || scopes.length === 0 || within(scopes, policy.capabilities).length < scopes.length)
    return refused("invalid_scope", "It is none, or more than the client may do.");
  const issuedAt = Math.floor(run.now / secondMs);
  const scope = listOf(maskOf(scopes)).join(" ");
  const { issuer, sign } = await portsOf(c);
  const accessToken = await sign({
    iss: issuer,
    aud: issuer,
    iat: issuedAt,
    exp: issuedAt + tokenLifeSeconds,
    sub: claim.place.id,
    jti: crypto.randomUUID(),
    tenant: policy.tenantId,
    cell: claim.place.cell,
    client: claim.place.id,
    client_id: claim.clientId,
    scope,
  });
  return tokenAnswer({ accessToken, scope });
}
