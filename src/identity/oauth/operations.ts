import { z } from "zod";
import { told, toldList } from "#http/fields.ts";
import { publicOperation } from "#http/operation.ts";
import { protocolOperation } from "#http/protocol-operation.ts";
import { OAuthError } from "./refusals.ts";

const anyText = (most: number, pattern: string) => z.string().max(most).meta({ pattern });
const visible = "^[!-~]+$";
const clientFields = {
  client_id: anyText(100, "^kli_[0-9a-z_]+$").optional(),
  client_secret: anyText(200, "^kls_[0-9a-z_]+$").optional(),
};
const shared = { mount: "protocol", store: "directory", problems: [] } as const;
const byClients = publicOperation({
  because:
    "a client proves itself as RFC 6749 has it: by Basic, in the form, or by PKCE alone where it has no secret",
});
const refuses = { statuses: [400, 401], shape: OAuthError } as const;
const Jwt = z.string().meta({
  maxLength: 8192,
  pattern: "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$",
  examples: ["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjbGkifQ.c2lnbmF0dXJl"],
});
const Scope = told(4096, "openid orders:read");
const Seconds = z.int().min(0);

export const token = protocolOperation({
  ...shared,
  method: "post",
  path: "/oauth/token",
  summary: "Exchange a code, a refresh token or a client's own secret for an access token (RFC 6749)",
  can: byClients,
  takes: z.object({
    grant_type: z.enum(["authorization_code", "refresh_token", "client_credentials"]),
    ...clientFields,
    code: anyText(80, "^kla_[0-9a-z_]+$").optional(),
    redirect_uri: anyText(2048, visible).optional(),
    code_verifier: anyText(128, "^[A-Za-z0-9._~-]+$").optional(),
    refresh_token: anyText(80, "^klo_[0-9a-z_]+$").optional(),
    scope: anyText(4096, "^[!-~ ]+$").optional(),
  }),
  returns: z
    .object({
      access_token: Jwt,
      token_type: z.literal("Bearer"),
      expires_in: Seconds.meta({ examples: [300] }),
      scope: Scope,
      refresh_token: told(80).optional(),
      id_token: Jwt.optional(),
    })
    .meta({ id: "OAuthTokens" }),
  refuses,
  run: ({ oauth }, request) => oauth("token", request),
});

const oneToken = z.object({
  token: anyText(8192, visible),
  token_type_hint: anyText(64, visible).optional(),
  ...clientFields,
});

export const revoke = protocolOperation({
  ...shared,
  method: "post",
  path: "/oauth/revoke",
  summary: "Revoke a token of the client, with the grant that it is of (RFC 7009)",
  can: byClients,
  takes: oneToken,
  returns: z
    .object({ done: z.literal(true) })
    .meta({ id: "Revoked", description: "Whether there was such a token is not told." }),
  refuses,
  run: ({ oauth }, request) => oauth("revoke", request),
});

export const introspect = protocolOperation({
  ...shared,
  method: "post",
  path: "/oauth/introspect",
  summary: "What a token of the client's business is good for (RFC 7662)",
  can: byClients,
  takes: oneToken,
  returns: z
    .object({
      active: z.boolean(),
      token_type: z.literal("Bearer").optional(),
      iss: told(256).optional(),
      aud: told(256).optional(),
      sub: told(64).optional(),
      jti: told(64).optional(),
      exp: Seconds.optional(),
      iat: Seconds.optional(),
      auth_time: Seconds.optional(),
      acr: told(16).optional(),
      amr: toldList(told(20), 16).optional(),
      scope: Scope.optional(),
      client_id: told(100).optional(),
    })
    .meta({ id: "Introspection" }),
  refuses,
  run: ({ oauth }, request) => oauth("introspect", request),
});

const aboutUser = {
  ...shared,
  path: "/oauth/userinfo",
  can: publicOperation({ because: "it takes an access token of the scope openid as a bearer" }),
  returns: z
    .object({
      sub: told(30),
      name: told(120).optional(),
      email: told(254).optional(),
      email_verified: z.boolean().optional(),
    })
    .meta({ id: "UserInfo" }),
  refuses: { statuses: [401, 403], shape: OAuthError },
} as const;

export const userinfo = protocolOperation({
  ...aboutUser,
  method: "get",
  summary: "Who the user is that a client acts for (OpenID Connect)",
  run: ({ oauth }, request) => oauth("userinfo", request),
});

export const userinfoByPost = protocolOperation({
  ...aboutUser,
  method: "post",
  summary: "Who the user is that a client acts for, asked by POST",
  run: ({ oauth }, request) => oauth("userinfo", request),
});
