import { z } from "zod";
import { told } from "#http/fields.ts";
import { ProtocolAnswer } from "#http/protocol-answer.ts";

/** RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 7009 section 2.2.1. */
const codes = [
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_token",
  "insufficient_scope",
] as const;
type Code = (typeof codes)[number];

export const OAuthError = z.object({
  error: z.enum(codes),
  error_description: told(200, "The code is not valid.").optional(),
});

export function refused(error: Code, description: string): ProtocolAnswer {
  return new ProtocolAnswer(400, { error, error_description: description });
}

/** The client did not prove to be who it says. */
export const invalidClient = new ProtocolAnswer(
  401,
  { error: "invalid_client", error_description: "The client is not known, or did not prove to be it." },
  { "WWW-Authenticate": 'Basic realm="oauth", charset="UTF-8"' },
);

/** One answer to whatever is wrong with a code or a refresh token: who guesses learns nothing of how near they came. */
export const invalidGrant = refused("invalid_grant", "It is not valid, or was used, or has expired.");

export const invalidToken = new ProtocolAnswer(
  401,
  { error: "invalid_token", error_description: "The access token is not valid." },
  { "WWW-Authenticate": 'Bearer error="invalid_token"' },
);

export const insufficientScope = new ProtocolAnswer(
  403,
  { error: "insufficient_scope", error_description: "The access token is not of the scope openid." },
  { "WWW-Authenticate": 'Bearer error="insufficient_scope", scope="openid"' },
);
