import { utf8 } from "#lib/utf8.ts";
import type { Env } from "#platform/env.ts";
import { clientOf } from "#test/client.ts";
import { testEnv } from "#test/env.ts";
import { join, newUser, type TestUser } from "#test/identity/kit.ts";
import { as, newTenant, type Role, type TestTenant } from "#test/world.ts";

const { call, send } = clientOf();

export const origin = "http://localhost:8787";
export const redirectUri = "https://planner.example/callback";

export interface TestClient {
  readonly id: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A client of this tenant; confidential and let in in every way unless told. */
export async function newClient(tenant: TestTenant, changes: object = {}): Promise<TestClient> {
  const body = {
    name: "Route planner",
    type: "confidential",
    redirectUris: [redirectUri],
    grantTypes: ["authorization_code", "refresh_token", "client_credentials"],
    scopes: ["orders:read", "customers:read", "tenant:read"],
    ...changes,
  };
  const { status, text, json } = await call("oauth-clients.create", { ...as(tenant), body });
  if (status !== 201) throw new Error(`No client was made: ${text}`);
  return json;
}

export type Fields = Readonly<Record<string, string>>;

export function formOf(fields: Fields | string): Uint8Array<ArrayBuffer> {
  return utf8(typeof fields === "string" ? fields : new URLSearchParams(fields).toString());
}

export const formType = { "Content-Type": "application/x-www-form-urlencoded" };

/** RFC 6749 section 2.3.1. */
export function basic({ clientId, clientSecret }: TestClient): Record<string, string> {
  return { Authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` };
}

/** Posts a form to an endpoint of the protocol. */
export function post(
  endpoint: "token" | "revoke" | "introspect" | "userinfo",
  fields: Fields | string,
  headers: Readonly<Record<string, string>> = {},
  env: Env = testEnv(),
) {
  const url = new URL(`/oauth/${endpoint}`, origin);
  const request = new Request(url, {
    method: "POST",
    headers: { ...formType, ...headers },
    body: formOf(fields),
  });
  return send(request, env);
}

/** A token of the client itself. */
export async function clientToken(client: TestClient, scope?: string): Promise<string> {
  const fields = { grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) };
  const { status, text, json } = await post("token", fields, basic(client));
  if (status !== 200) throw new Error(`No token was given: ${text}`);
  return json.access_token;
}

/** For clients nobody here wrote: what they fetch is answered by the app under test. */
export async function appFetch(url: string, init: object = {}): Promise<Response> {
  const { status, headers, bytes } = await send(new Request(url, init));
  return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), { status, headers });
}

/** RFC 7636, appendix B. */
export const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/** The parameters of an authorization request of this client, as it should be. */
export function asked(
  { clientId }: Pick<TestClient, "clientId">,
  changes: Fields = {},
): Record<string, string> {
  return {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: "openid orders:read",
    state: "a state",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...changes,
  };
}

/** What the consent page does: hands in the request, with what the user said, and to which scopes. */
export function answerRequest(
  user: Pick<TestUser, "accessToken">,
  fields: Fields | string,
  decision?: "allow" | "deny",
  { env = testEnv(), shown = scopeOf(fields) }: { env?: Env; shown?: string } = {},
) {
  const query = typeof fields === "string" ? fields : new URLSearchParams(fields).toString();
  return call("oauth.authorize", {
    as: user.accessToken,
    body: { query, ...(decision === "allow" ? { decision, shown } : decision ? { decision } : {}) },
    env,
  });
}

function scopeOf(fields: Fields | string): string {
  return new URLSearchParams(fields).get("scope") ?? "";
}

/** Where the browser was sent, taken apart. */
export function sentTo(answer: {
  readonly json: { readonly location: string | null };
  readonly text: string;
}): URL {
  if (typeof answer.json.location !== "string") throw new Error(`Nobody was sent anywhere: ${answer.text}`);
  return new URL(answer.json.location);
}

export async function codeFor(
  user: Pick<TestUser, "accessToken">,
  client: Pick<TestClient, "clientId">,
  changes: Fields = {},
  shown?: string,
): Promise<string> {
  const fields = asked(client, changes);
  const answer = await answerRequest(user, fields, "allow", shown === undefined ? {} : { shown });
  const code = sentTo(answer).searchParams.get("code");
  if (code === null) throw new Error(`No code was given: ${answer.text}`);
  return code;
}

/** What a code is redeemed by, as it should be. */
export function redemption(code: string): Fields {
  return { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier };
}

export function redeem(client: TestClient, code: string, changes: Fields = {}, env: Env = testEnv()) {
  return post("token", { ...redemption(code), ...changes }, basic(client), env);
}

export function refresh(client: TestClient, token: string, changes: Fields = {}, env: Env = testEnv()) {
  return post("token", { grant_type: "refresh_token", refresh_token: token, ...changes }, basic(client), env);
}

/** As that of whoever could do the most harm must be. */
export const strongPassword = "Four quiet lanterns drift, 7!";

/** Somebody who is a member of a tenant, and a client of it. */
export async function world(role: Role = "owner", client: object = {}) {
  const tenant = await newTenant();
  const user = await newUser(strongPassword);
  const memberId = await join(user, tenant, role);
  return { tenant, user, memberId, client: await newClient(tenant, client) };
}

/** The tokens that a client gets for a user who allows what it asks for. */
export async function tokensFor(user: TestUser, client: TestClient, changes: Fields = {}, shown?: string) {
  const { status, text, json } = await redeem(client, await codeFor(user, client, changes, shown));
  if (status !== 200) throw new Error(`No tokens were given: ${text}`);
  return json;
}
