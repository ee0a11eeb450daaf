import type { AuthorizationServer, Client } from "oauth4webapi";
import { z } from "zod";
import { BoundedCache } from "#lib/bounded-cache.ts";
import { minuteMs, secondMs } from "#lib/time.ts";
import { boundedBody } from "./bounded-body.ts";
import { withDeadline } from "./deadline.ts";
import { destinationFault } from "./destinations.ts";
import type { Env } from "./env.ts";

const timeoutMs = 5 * secondMs;
const mostBytes = 64 * 1024;
const freshForMs = 10 * minuteMs;

// An isolate that lets nobody in by another issuer holds none of it.
const library = () => import("oauth4webapi");

// What is not declared here never reaches the library.
const Metadata = z.object({
  issuer: z.string().max(2048),
  authorization_endpoint: z.string().max(2048),
  token_endpoint: z.string().max(2048),
  jwks_uri: z.string().max(2048),
  authorization_response_iss_parameter_supported: z.boolean().exactOptional(),
  id_token_signing_alg_values_supported: z.array(z.string().max(32)).max(64).exactOptional(),
});
export type IssuerMetadata = z.output<typeof Metadata>;

/** An issuer as a client of it is configured. */
export interface Party {
  readonly issuer: string;
  readonly clientId: string;
  /** Asked for when it is needed, as Apple's is made for each request. */
  readonly secret: () => Promise<string>;
  readonly authentication: "basic" | "post";
  /** Chosen by a tenant: nothing of it may lead into a network of ours. */
  readonly isTenants: boolean;
  /** What its metadata call it, where that is not the issuer itself: Microsoft's for many organizations. */
  readonly template: string | null;
}

/** The issuer cannot be asked, or does not answer as one. */
export class IssuerAway extends Error {
  constructor(why: string, options?: ErrorOptions) {
    super(why, options);
    this.name = "IssuerAway";
  }
}

/** It said no: a code that is not good, or somebody who changed their mind. */
export class IssuerRefused extends Error {
  constructor(code: string, options?: ErrorOptions) {
    super(code, options);
    this.name = "IssuerRefused";
  }
}

/** So long an issuer that failed is left alone: whoever names one must not have us knock at somebody's door all day. */
const failedForMs = 10 * secondMs;
const failed = new BoundedCache<true>(100);
const known = new BoundedCache<IssuerMetadata>(100);

/** What the issuer tells of itself (OpenID Connect Discovery), ten minutes old at most. @throws IssuerAway */
export async function metadataOf(env: Env, party: Party, now: number): Promise<IssuerMetadata> {
  const key = JSON.stringify([party.issuer, party.isTenants]);
  const found = known.get(key, now);
  if (found) return found;
  if (failed.get(key, now)) throw new IssuerAway("It failed a moment ago.");
  const url = `${party.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  try {
    const answer = await fetched(env, party, url, { headers: { Accept: "application/json" } });
    if (answer.status !== 200) throw new Error(`It answered ${answer.status}.`);
    const metadata = Metadata.parse(await answer.json());
    // Section 4.3: else one issuer could speak for another.
    if (metadata.issuer !== (party.template ?? party.issuer)) throw new Error("It is another issuer's.");
    for (const to of [metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri])
      if (await destinationFault(env, to)) throw new Error("One of its addresses is not to be asked.");
    known.set(key, metadata, now + freshForMs);
    return metadata;
  } catch (error) {
    failed.set(key, true, now + failedForMs);
    throw new IssuerAway("The metadata cannot be read.", { cause: error });
  }
}

export interface Secrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** Where a browser goes to sign in there: the authorization code flow with PKCE. */
export async function authorizationUrl(
  metadata: IssuerMetadata,
  { clientId }: Party,
  { state, nonce, codeVerifier }: Secrets,
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const { calculatePKCECodeChallenge } = await library();
  const url = new URL(metadata.authorization_endpoint);
  const all = {
    ...parameters,
    response_type: "code",
    client_id: clientId,
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * The ID token that a code is exchanged for, its claims held to OpenID Connect Core, section 3.1.3.7, but for the
 * signature, which is the caller's to verify. @throws IssuerAway, IssuerRefused; Error where the answer is not to be believed
 */
export async function redeemed(
  env: Env,
  metadata: IssuerMetadata,
  party: Party,
  { state, nonce, codeVerifier }: Secrets,
  { parameters, redirectUri }: { readonly parameters: URLSearchParams; readonly redirectUri: string },
): Promise<{ readonly idToken: string; readonly claims: object }> {
  const oauth = await library();
  const client: Client = { client_id: party.clientId };
  const as: AuthorizationServer = { ...metadata };
  const options = {
    [oauth.customFetch]: (url: string, init: RequestInit) => fetched(env, party, url, init),
    // Our own guard decides which addresses are asked, loopback in development included.
    [oauth.allowInsecureRequests]: true,
  };
  try {
    const answer = oauth.validateAuthResponse(as, client, parameters, state);
    const secret = await party.secret();
    const authentication =
      party.authentication === "basic" ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      authentication,
      answer,
      redirectUri,
      codeVerifier,
      options,
    );
    const issuer =
      party.template === null ? as.issuer : issuerFor(party.template, await response.clone().text());
    const processed = await oauth.processAuthorizationCodeResponse({ ...as, issuer }, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    const claims = oauth.getValidatedIdTokenClaims(processed);
    if (!claims || !processed.id_token) throw new Error("There is no ID token.");
    return { idToken: processed.id_token, claims };
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError)
      throw new IssuerRefused(error.error, { cause: error });
    throw error;
  }
}

const Organization = z.guid();

// Microsoft's metadata for many organizations name `{tenantid}` where each organization's own id stands in its tokens.
function issuerFor(template: string, body: string): string {
  const { id_token: token } = z.object({ id_token: z.string() }).parse(JSON.parse(body));
  const payload = token.split(".")[1] ?? "";
  const { tid } = z
    .object({ tid: Organization })
    .parse(JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))));
  return template.replace("{tenantid}", tid);
}

async function fetched(env: Env, party: Party, url: string, init: RequestInit): Promise<Response> {
  if (party.isTenants) {
    const fault = await destinationFault(env, url);
    if (fault) throw new IssuerAway(`The address is not to be asked: ${fault}.`);
  }
  try {
    return await withDeadline(timeoutMs, async (signal) => {
      const answer = await fetch(url, { ...init, redirect: "manual", signal });
      if (answer.status >= 500) throw new Error(`It answered ${answer.status}.`);
      const body = await boundedBody(answer, mostBytes);
      return new Response(body.length === 0 ? null : new Uint8Array(body), {
        status: answer.status,
        headers: answer.headers,
      });
    });
  } catch (error) {
    throw new IssuerAway("The issuer cannot be asked.", { cause: error });
  }
}
