import { type Capability, isSubset, maskOf } from "#gate/capabilities.ts";
import { isLimited } from "#http/limited.ts";
import type { Principal } from "#http/operation.ts";
import { redirectUriFault } from "#lib/redirect-uri.ts";

export const grantTypes = ["authorization_code", "refresh_token", "client_credentials"] as const;
type GrantType = (typeof grantTypes)[number];

/** As many may a tenant have; those that were removed do not count. */
export const mostClients = 100;

/** What a client is held to, as its tenant says. */
export interface ClientTerms {
  readonly type: "public" | "confidential";
  readonly grantTypes: GrantType[];
  readonly redirectUris: string[];
  readonly scopes: Capability[];
}

interface TermsFault {
  readonly pointer: string;
  readonly detail: string;
}

/** What these terms contradict, or null. */
export function termsFault({ type, grantTypes, redirectUris }: ClientTerms): TermsFault | null {
  const has = (grantType: GrantType) => grantTypes.includes(grantType);
  if (has("client_credentials") && type === "public")
    return { pointer: "/grantTypes", detail: "a public client has no secret to prove itself by" };
  if (has("refresh_token") && !has("authorization_code"))
    return { pointer: "/grantTypes", detail: "refresh_token goes with authorization_code" };
  if (has("authorization_code") && redirectUris.length === 0)
    return { pointer: "/redirectUris", detail: "authorization_code asks for one at least" };
  for (const [index, uri] of redirectUris.entries()) {
    const fault = redirectUriFault(uri);
    if (fault !== null) return { pointer: `/redirectUris/${index}`, detail: details[fault] };
  }
  return null;
}

const details: Readonly<Record<NonNullable<ReturnType<typeof redirectUriFault>>, string>> = {
  malformed: "is not a URL in its one spelling",
  "has-fragment": "has a fragment",
  "has-credentials": "has a user or password",
  "not-https": "is neither https nor http on this very machine",
  "scheme-not-private-use": "is of a scheme that is no domain name backwards, such as com.example.app",
};

/**
 * A client acts anywhere in the tenant, from anywhere and for good: who sets one up, or has a secret of it made, must be
 * held to no place, address or date, and hold all that it may do.
 */
export function excessOf(scopes: readonly Capability[], creator: Principal): "scopes" | "reach" | null {
  if (isLimited(creator)) return "reach";
  return isSubset(maskOf(scopes), creator.capabilities) ? null : "scopes";
}
