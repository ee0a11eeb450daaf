import { appleClientSecret } from "#crypto/apple-client-secret.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many, one } from "#db/queries.ts";
import { ssoConnections, ssoDomains } from "#gate/sso-tables.ts";
import { type ConnectionPlace, parseSsoReference, ssoReferenceOf } from "#lib/sso-reference.ts";
import { dayMs, secondMs } from "#lib/time.ts";
import { cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import type { Party } from "#platform/oidc-client.ts";
import type { EmailTrust } from "./claims.ts";
import { type Provider, providersOf, secretOf } from "./providers.ts";

/** What an authorization request asks besides: when its user proved who they are (`auth_time`), or that they do so anew. */
interface Asking {
  readonly ever: Readonly<Record<string, string>>;
  readonly fresh: Readonly<Record<string, string>>;
}

const yearSeconds = (365 * dayMs) / secondMs;

/** Whoever is asked for an age tells the time (OpenID Connect Core, section 3.1.2.1, `max_age`). */
const standardAsking: Asking = {
  ever: { max_age: String(yearSeconds) },
  fresh: { max_age: "0", prompt: "login" },
};
const askings: Readonly<Record<Provider["kind"], Asking>> = {
  // Of those that have "session age claims" (developers.google.com/identity/siwg/security-bundle). It asks nobody anew.
  google: {
    ever: { claims: JSON.stringify({ id_token: { auth_time: { essential: true } } }) },
    fresh: { prompt: "select_account" },
  },
  // It tells the time unasked.
  apple: { ever: {}, fresh: {} },
  microsoft: standardAsking,
  oidc: standardAsking,
};

/** An issuer that somebody may sign in with here, and what its word is worth. */
export interface Source {
  readonly name: string;
  readonly label: string;
  readonly party: Party;
  readonly trust: EmailTrust;
  readonly scope: string;
  readonly isFormPost: boolean;
  readonly asking: Asking;
  /** The business whose own sign-in it is. */
  readonly sso: { readonly place: ConnectionPlace; readonly addsMembers: boolean } | null;
}

const mostDomains = 20;

/** The source of this name: a provider of the deployment's, or the connection that a reference names. */
export async function sourceOf(env: Env, name: string): Promise<Source | null> {
  const place = parseSsoReference(name);
  if (place) return await connectionSource(env, place);
  const provider = providersOf(env).find((each) => each.name === name);
  return provider ? providerSource(env, provider) : null;
}

function providerSource(env: Env, provider: Provider): Source {
  const { name, label, issuer, clientId, kind } = provider;
  const isApple = kind === "apple";
  const secret = async () => {
    const text = secretOf(env, name);
    const nowSeconds = Math.floor(systemNow() / secondMs);
    return isApple ? await appleClientSecret({ ...provider, privateKey: text }, nowSeconds) : text;
  };
  return {
    name,
    label,
    party: {
      issuer,
      clientId,
      secret,
      authentication: kind === "oidc" ? provider.authentication : "post",
      isTenants: false,
      template: kind === "microsoft" ? templateOf(issuer) : null,
    },
    trust: trustIn(provider),
    scope: isApple ? "openid name email" : "openid profile email",
    isFormPost: isApple,
    asking: askings[kind],
    sso: null,
  };
}

function trustIn(provider: Provider): EmailTrust {
  switch (provider.kind) {
    case "google":
    case "microsoft":
      return provider.kind;
    case "apple":
      return "verified";
    case "oidc":
      return provider.trustsEmail ? "verified" : "nobody";
  }
}

// What its metadata call themselves (learn.microsoft.com, "OpenID Connect on the Microsoft identity platform").
const personalAccounts = "9188040d-6c67-4c5b-b112-36a304b66dad";

function templateOf(issuer: string): string | null {
  const many = /\/(common|organizations)\/v2\.0$/;
  if (many.test(issuer)) return issuer.replace(many, "/{tenantid}/v2.0");
  return issuer.endsWith("/consumers/v2.0") ? issuer.replace("/consumers/", `/${personalAccounts}/`) : null;
}

// One round trip: the connection with its secret, and the domains that it may speak for by now.
async function connectionSource(env: Env, place: ConnectionPlace): Promise<Source | null> {
  const cell = cellOf(env, place.cell);
  if (!cell) return null;
  const session = await systemSession(env, cell.database, place.tenantId);
  const { connection, domains } = await session.read({
    connection: one(ssoConnections, place.id),
    domains: many(ssoDomains, { limit: mostDomains }),
  });
  if (connection?.state !== "active") return null;
  const { name, issuer, clientId, clientSecret, addsMembers } = connection;
  return {
    name: ssoReferenceOf(place),
    label: name,
    party: {
      issuer,
      clientId,
      secret: async () => clientSecret,
      authentication: "basic",
      isTenants: true,
      template: null,
    },
    trust: {
      domains: domains
        .filter(({ state, connectionId }) => state === "verified" && connectionId === place.id)
        .map(({ domain }) => domain),
    },
    scope: "openid profile email",
    isFormPost: false,
    asking: standardAsking,
    sso: { place, addsMembers: addsMembers === 1 },
  };
}
