import { type Flow, flowSecrets, mailedCode } from "#crypto/flow-secrets.ts";
import { parseCompactJws, verifyCompactJws } from "#crypto/jws.ts";
import { IssuerUnavailable, outsideKeys } from "#gate/outside-keys.ts";
import type { Federation, FederationFault, Vouched } from "#http/federation.ts";
import { systemNow } from "#platform/clock.ts";
import { destinationFault } from "#platform/destinations.ts";
import type { Env } from "#platform/env.ts";
import { errorFields, log } from "#platform/log.ts";
import { authorizationUrl, IssuerAway, IssuerRefused, metadataOf, redeemed } from "#platform/oidc-client.ts";
import { appleName, emailIn, idClaimsOf, methodsIn, nameFrom, provedAtIn } from "./claims.ts";
import { join } from "./join.ts";
import { providersOf } from "./providers.ts";
import { type Source, sourceOf } from "./sources.ts";

const algorithms = ["RS256", "PS256", "ES256"];

/** For one request. The key makes what holds a flow together. */
export function federationOf(env: Env, key: CryptoKey): Federation {
  const completed = new Map<string, Promise<Vouched | FederationFault>>();
  return {
    get providers() {
      return providersOf(env).map(({ name, label }) => ({ name, label }));
    },
    async begin(flow, isFresh) {
      const source = await sourceOf(env, flow.source);
      if (!source) return "unknown";
      return await faulted(flow, async () => {
        const metadata = await metadataOf(env, source.party, systemNow());
        const parameters = {
          scope: source.scope,
          redirect_uri: redirectUriOf(env, source),
          ...(source.isFormPost ? { response_mode: "form_post" } : {}),
          ...source.asking.ever,
          ...(isFresh ? source.asking.fresh : {}),
        };
        const secrets = await flowSecrets(key, flow);
        return {
          authorizationUrl: await authorizationUrl(metadata, source.party, secrets, parameters),
          label: source.label,
          isFormPost: source.isFormPost,
        };
      });
    },
    // The issuer takes a code once, though a commit that lost a race asks again.
    complete(flow, parameters) {
      const found = completed.get(flow.id) ?? vouchedIn(env, key, flow, parameters);
      completed.set(flow.id, found);
      return found;
    },
    mailedCode: (arrivalId) => mailedCode(key, arrivalId),
    join: (reference, userId) => join(env, reference, userId, systemNow()),
  };
}

/** One for each source, so that an answer of one cannot be given for another's (RFC 9700, section 4.4.2). */
function redirectUriOf(env: Env, { name }: Source): string {
  return `${env.PUBLIC_ORIGIN}/sign-in/callback/${name}`;
}

async function vouchedIn(
  env: Env,
  key: CryptoKey,
  flow: Flow,
  text: string,
): Promise<Vouched | FederationFault> {
  const source = await sourceOf(env, flow.source);
  if (!source) return "unknown";
  return await faulted(flow, () => vouchedBy(env, key, flow, source, text));
}

async function vouchedBy(
  env: Env,
  key: CryptoKey,
  flow: Flow,
  source: Source,
  text: string,
): Promise<Vouched | FederationFault> {
  const now = systemNow();
  const { party } = source;
  const metadata = await metadataOf(env, party, now);
  const parameters = new URLSearchParams(text);
  // Beside the answer, and none of OAuth's.
  const user = parameters.get("user");
  parameters.delete("user");
  const answer = { parameters, redirectUri: redirectUriOf(env, source) };
  const secrets = await flowSecrets(key, flow);
  const { idToken, claims: told } = await redeemed(env, metadata, party, secrets, answer);
  if (party.isTenants && (await destinationFault(env, metadata.jwks_uri)))
    throw new IssuerAway("Its keys' address is not to be asked.");
  await mustBeSigned(idToken, metadata.jwks_uri, now);
  const claims = idClaimsOf(told);
  if (!claims) throw new Error("The claims are not those of an ID token.");
  // The library asks it of tokens for several audiences alone (OpenID Connect Core, section 3.1.3.7, items 4 and 5).
  if (claims.azp !== undefined && claims.azp !== party.clientId)
    throw new Error("The ID token is for another party.");
  const { email, isEmailTheirs } = emailIn(claims, source.trust);
  // An issuer that a business chose speaks of nobody beyond that business's domains.
  if (source.sso && !isEmailTheirs) return "foreign-domain";
  return {
    source: source.name,
    issuer: claims.iss,
    subject: claims.sub,
    name: nameFrom(claims.name) ?? appleName(user),
    email,
    isEmailTheirs,
    ...methodsIn(claims),
    provedAt: provedAtIn(claims),
    sso: source.sso && { reference: source.name, addsMembers: source.sso.addsMembers },
  };
}

async function mustBeSigned(idToken: string, jwksUri: string, now: number): Promise<void> {
  const kid = kidOf(idToken);
  const verified = await verifyCompactJws(idToken, await outsideKeys(jwksUri, kid, now), { algorithms });
  if (!verified.ok) throw new Error(`The ID token's signature: ${verified.reason}.`);
}

function kidOf(token: string): string {
  const kid = parseCompactJws(token)?.header.kid;
  if (typeof kid !== "string") throw new Error("The ID token names no key.");
  return kid;
}

async function faulted<T>(flow: Flow, work: () => Promise<T>): Promise<T | FederationFault> {
  try {
    return await work();
  } catch (error) {
    const fault = faultOf(error);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    log("warn", "nobody came of a sign-in elsewhere", {
      source: flow.source,
      fault,
      ...errorFields(cause),
    });
    return fault;
  }
}

function faultOf(error: unknown): FederationFault {
  if (error instanceof IssuerRefused) return "refused";
  return error instanceof IssuerAway || error instanceof IssuerUnavailable ? "unavailable" : "not-genuine";
}
