import { createHash, generateKeyPairSync } from "node:crypto";
import { exportJWK, generateKeyPair, importSPKI, jwtVerify, SignJWT } from "jose";

// Issuers that people sign in at, as the Worker under test meets them: Google, Apple and Microsoft at their own hosts, and
// others under idp.example. Each is an authorization server in Node that holds us to its protocol. Whoever visits its
// authorization endpoint says by the header x-visitor who they are there, and how the issuer misbehaves to them.

/** Whom the issuer vouches for, and what is amiss with how it does. */
export interface Visitor {
  /** Of the ID token, over what it would say; null takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** "stranger": by a key that the issuer does not publish, under its own key's name. */
  readonly signedBy?: "stranger" | "nobody";
  readonly kid?: string;
  /** What the token endpoint answers instead of a token. */
  readonly tokenStatus?: number;
  /** What the authorization endpoint answers instead of a code. */
  readonly error?: string;
  /** Of the authorization response, over the issuer's own (RFC 9207). */
  readonly iss?: string;
  /** Apple's, beside the answer. */
  readonly user?: string;
}

interface Paths {
  readonly issuer: string;
  /** As its metadata and, filled in, its tokens name it. */
  readonly named?: string;
  readonly authorize: string;
  readonly token: string;
  readonly keys: string;
  readonly tellsIssuer: boolean;
}

const organization = "11111111-2222-4333-8444-555555555555";
const ms = "https://login.microsoftonline.com";
const known: readonly Paths[] = [
  {
    issuer: "https://accounts.google.com",
    authorize: "https://accounts.google.com/o/oauth2/v2/auth",
    token: "https://oauth2.googleapis.com/token",
    keys: "https://www.googleapis.com/oauth2/v3/certs",
    tellsIssuer: false,
  },
  {
    issuer: "https://appleid.apple.com",
    authorize: "https://appleid.apple.com/auth/authorize",
    token: "https://appleid.apple.com/auth/token",
    keys: "https://appleid.apple.com/auth/keys",
    tellsIssuer: false,
  },
  {
    issuer: `${ms}/organizations/v2.0`,
    named: `${ms}/{tenantid}/v2.0`,
    authorize: `${ms}/organizations/oauth2/v2.0/authorize`,
    token: `${ms}/organizations/oauth2/v2.0/token`,
    keys: `${ms}/organizations/discovery/v2.0/keys`,
    tellsIssuer: false,
  },
];
const hosts = new Set(known.flatMap(({ authorize, token, keys }) => [authorize, token, keys].map(hostOf)));

const apple = generateKeyPairSync("ec", { namedCurve: "P-256" });
/** What the deployment under test is configured with. */
export const signInSecrets = {
  google: "google-secret",
  apple: apple.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  microsoft: "microsoft-secret",
  work: "work-secret",
} as const;
export const signInProviders = [
  { kind: "google", name: "google", clientId: "google-client" },
  { kind: "apple", name: "apple", clientId: "com.example.web", teamId: "TEAM123456", keyId: "KEY1234567" },
  { kind: "microsoft", name: "microsoft", clientId: "microsoft-client", issuer: `${ms}/organizations/v2.0` },
  { kind: "oidc", name: "work", clientId: "work-client", issuer: "https://work.idp.example", label: "Work" },
] as const;
const applePublicKey = apple.publicKey.export({ type: "spki", format: "pem" }).toString();
/** The secret of every client of an issuer under idp.example but those above. */
export const connectionSecret = "connection-secret";

const ownKeys = generateKeyPair("RS256");
const strangersKeys = generateKeyPair("RS256");
const codes = new Map<string, { readonly visitor: Visitor; readonly query: Map<string, string> }>();
const metadata = new Map<string, Record<string, unknown>>();
const asked = new Map<string, number>();

export function isSignInHost(hostname: string): boolean {
  return hosts.has(hostname) || hostname.endsWith(".idp.example");
}

function hostOf(url: string): string {
  return new URL(url).hostname;
}

function pathsOf(url: URL): Paths {
  const address = `${url.origin}${url.pathname}`;
  const found = known.find(({ issuer, authorize, token, keys }) =>
    [authorize, token, keys, `${issuer}/.well-known/openid-configuration`].includes(address),
  );
  if (found) return found;
  const { origin } = url;
  return {
    issuer: origin,
    authorize: `${origin}/authorize`,
    token: `${origin}/token`,
    keys: `${origin}/keys`,
    tellsIssuer: true,
  };
}

export async function signInServer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const paths = pathsOf(url);
  const address = `${url.origin}${url.pathname}`;
  asked.set(address, (asked.get(address) ?? 0) + 1);
  if (url.pathname === "/metadata") {
    metadata.set(url.origin, JSON.parse(await request.text()));
    return new Response("ok");
  }
  switch (address) {
    case `${paths.issuer}/.well-known/openid-configuration`:
      return Response.json({ ...metadataOf(paths), ...metadata.get(url.origin) });
    case paths.keys:
      return Response.json({
        keys: [{ ...(await exportJWK((await ownKeys).publicKey)), kid: "own", use: "sig" }],
      });
    case paths.authorize:
      return authorized(request, url, paths);
    case paths.token:
      return await redeemed(request, paths);
    default:
      return new Response("no such page", { status: 404 });
  }
}

function metadataOf({ issuer, named, authorize, token, keys, tellsIssuer }: Paths): object {
  return {
    issuer: named ?? issuer,
    authorization_endpoint: authorize,
    token_endpoint: token,
    jwks_uri: keys,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    ...(tellsIssuer ? { authorization_response_iss_parameter_supported: true } : {}),
  };
}

function authorized(request: Request, url: URL, { issuer, tellsIssuer }: Paths): Response {
  const visitor: Visitor = JSON.parse(request.headers.get("x-visitor") ?? "{}");
  const query = new Map(url.searchParams);
  const amiss = faultOf(query, issuer);
  if (amiss) return new Response(amiss, { status: 400 });
  const code = crypto.randomUUID();
  codes.set(code, { visitor, query });
  const answer = new URLSearchParams({
    state: query.get("state") ?? "",
    ...(visitor.error ? { error: visitor.error } : { code }),
    ...(visitor.user ? { user: visitor.user } : {}),
    ...(tellsIssuer ? { iss: visitor.iss ?? issuer } : {}),
  });
  // As a form in a page, which the visitor's browser sends.
  if (query.get("response_mode") === "form_post")
    return Response.json({ to: query.get("redirect_uri"), form: answer.toString() });
  return new Response(null, { status: 302, headers: { Location: `${query.get("redirect_uri")}?${answer}` } });
}

function faultOf(query: ReadonlyMap<string, string>, issuer: string): string | null {
  const scopes = (query.get("scope") ?? "").split(" ");
  if (query.get("response_type") !== "code") return "response_type";
  if (!scopes.includes("openid") || !scopes.includes("email")) return "scope";
  if (query.get("code_challenge_method") !== "S256") return "code_challenge_method";
  if ((query.get("state") ?? "").length < 32 || (query.get("nonce") ?? "").length < 32)
    return "state or nonce";
  const isApple = issuer === "https://appleid.apple.com";
  // Apple answers so wherever a name or an address is asked for.
  return isApple && query.get("response_mode") !== "form_post" ? "response_mode" : null;
}

async function redeemed(request: Request, paths: Paths): Promise<Response> {
  const form = new URLSearchParams(await request.text());
  const found = codes.get(form.get("code") ?? "");
  codes.delete(form.get("code") ?? "");
  const refused = (error: string, status = 400) => Response.json({ error }, { status });
  if (!found) return refused("invalid_grant");
  const { visitor, query } = found;
  const clientId = await clientOf(request.headers.get("authorization"), form, paths);
  if (clientId !== query.get("client_id")) return refused("invalid_client", 401);
  const digest = createHash("sha256")
    .update(form.get("code_verifier") ?? "")
    .digest("base64url");
  if (digest !== query.get("code_challenge")) return refused("invalid_grant");
  if (form.get("redirect_uri") !== query.get("redirect_uri")) return refused("invalid_grant");
  if (visitor.tokenStatus) return Response.json({ error: "server_error" }, { status: visitor.tokenStatus });
  return Response.json({
    access_token: crypto.randomUUID(),
    token_type: "Bearer",
    expires_in: 3600,
    id_token: await idToken(visitor, query, paths),
  });
}

async function clientOf(
  authorization: string | null,
  form: URLSearchParams,
  { issuer }: Paths,
): Promise<string | null> {
  const [given, secret] = authorization
    ? Buffer.from(authorization.replace(/^Basic /, ""), "base64")
        .toString()
        .split(":")
        .map(decodeURIComponent)
    : [form.get("client_id") ?? "", form.get("client_secret") ?? ""];
  if (given === "com.example.web") {
    const key = await importSPKI(applePublicKey, "ES256");
    const { payload } = await jwtVerify(secret ?? "", key, { issuer: "TEAM123456", audience: issuer });
    return payload.sub ?? null;
  }
  const provider = signInProviders.find(({ clientId }) => clientId === given);
  const right = provider ? signInSecrets[provider.name] : connectionSecret;
  return secret === right ? (given ?? null) : null;
}

async function idToken(
  { claims = {}, signedBy, kid = "own" }: Visitor,
  query: ReadonlyMap<string, string>,
  { issuer, named }: Paths,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const whole = {
    iss: named?.replace("{tenantid}", organization) ?? issuer,
    aud: query.get("client_id"),
    sub: "somebody",
    iat: now,
    exp: now + 300,
    nonce: query.get("nonce"),
    // Told to whoever asks for it, and by Apple to everybody.
    ...(query.has("max_age") || query.has("claims") || issuer.includes("apple") ? { auth_time: now } : {}),
    ...(named ? { tid: organization } : {}),
    ...claims,
  };
  const payload = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== null));
  if (signedBy === "nobody") {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return `${part({ alg: "none" })}.${part(payload)}.`;
  }
  const { privateKey } = await (signedBy === "stranger" ? strangersKeys : ownKeys);
  return await new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid }).sign(privateKey);
}
