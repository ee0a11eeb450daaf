import { z } from "zod";
import { capabilities } from "#gate/capabilities.ts";
import { told, toldList } from "#http/fields.ts";
import { publicOperation, unauthenticatedOperation } from "#http/operation.ts";
import { identityScopes } from "./scope.ts";

const Url = told(2048, "https://api.keyline.example/oauth/token");
const words = (most: number) => toldList(told(64), most);

const server = {
  issuer: Url,
  authorization_endpoint: Url,
  token_endpoint: Url,
  revocation_endpoint: Url,
  introspection_endpoint: Url,
  jwks_uri: Url,
  scopes_supported: words(200),
  response_types_supported: words(3),
  response_modes_supported: words(3),
  grant_types_supported: words(5),
  code_challenge_methods_supported: words(2),
  token_endpoint_auth_methods_supported: words(5),
  revocation_endpoint_auth_methods_supported: words(5),
  introspection_endpoint_auth_methods_supported: words(5),
  authorization_response_iss_parameter_supported: z.literal(true),
  service_documentation: Url,
};
const provider = {
  userinfo_endpoint: Url,
  subject_types_supported: words(2),
  id_token_signing_alg_values_supported: words(2),
  acr_values_supported: words(3),
  claims_supported: words(30),
  prompt_values_supported: words(5),
  claims_parameter_supported: z.literal(false),
  request_parameter_supported: z.literal(false),
  request_uri_parameter_supported: z.literal(false),
};

const shared = {
  mount: "public",
  method: "get",
  can: publicOperation({ because: "a client reads it before it has anything to prove itself by" }),
  store: "none",
  problems: [],
} as const;

export const serverMetadata = unauthenticatedOperation({
  ...shared,
  path: "/.well-known/oauth-authorization-server",
  summary: "What this authorization server offers (RFC 8414)",
  returns: z.object(server).meta({ id: "AuthorizationServer" }),
  run: async ({ issuer }) => serverOf(issuer),
});

export const providerMetadata = unauthenticatedOperation({
  ...shared,
  path: "/.well-known/openid-configuration",
  summary: "What this OpenID provider offers (OpenID Connect Discovery)",
  returns: z.object({ ...server, ...provider }).meta({ id: "OpenIdProvider" }),
  run: async ({ issuer }) => ({
    ...serverOf(issuer),
    userinfo_endpoint: `${issuer}/oauth/userinfo`,
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    acr_values_supported: ["aal1", "aal2"],
    claims_supported: [
      ...["iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"],
      ...["name", "email", "email_verified"],
    ],
    prompt_values_supported: ["none", "login", "consent"],
    claims_parameter_supported: false as const,
    request_parameter_supported: false as const,
    request_uri_parameter_supported: false as const,
  }),
});

function serverOf(issuer: string) {
  const bySecret = ["client_secret_basic", "client_secret_post"];
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    scopes_supported: [...identityScopes, ...Object.keys(capabilities)],
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: [...bySecret, "none"],
    revocation_endpoint_auth_methods_supported: [...bySecret, "none"],
    introspection_endpoint_auth_methods_supported: bySecret,
    authorization_response_iss_parameter_supported: true as const,
    service_documentation: `${issuer}/docs`,
  };
}
