import { type AccessClaims, sessionScope, verifyAccessToken } from "#crypto/access-token.ts";
import { hashSecret, type ParsedApiKey, type Pepper, parseApiKey, verifyApiKeyMac } from "#crypto/api-key.ts";
import { parseCompactJws, parseJsonObject } from "#crypto/jws.ts";
import type { ActingClient } from "#db/audit-rows.ts";
import { type ClientPlace, parseClientId } from "#lib/oauth-client-id.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { type CapabilityMask, isCapability, maskOf } from "./capabilities.ts";
import { directoryKeys } from "./directory-keys.ts";
import { fromOutsideToken } from "./outside-credential.ts";
import { outsideIssuers } from "./outside-issuers.ts";

/** A credential that is genuine by its own text; whether it still counts is for its gate to say. */
export interface Credential {
  readonly kind: "api-key" | "member" | "client" | "support-agent";
  readonly principalId: string;
  readonly cell: Cell;
  /** From a token; a key's gate knows it. */
  readonly tenantId: string | null;
  readonly secretHash: string | null;
  /** An OAuth client's id and nothing else: enough for those alone that have no secret. */
  readonly isBare?: true;
  /** What a token was limited to; null leaves the principal's own rights whole. */
  readonly scope: CapabilityMask | null;
  /** When the person behind it last proved who they are, seconds since 1970; null for a program's, which never does. */
  readonly provedAtSeconds: number | null;
  /** The OAuth client that this token of a member was given to; null where they act themselves. */
  readonly by: ActingClient | null;
  /** Of a token of our own: what it ends with, such as the session that it was made in. */
  readonly endsWith: readonly string[];
  /** Of a token of our own: when it was made; null for all others. */
  readonly issuedAtSeconds: number | null;
  /** Of a token of an outside issuer alone. */
  readonly outside: OutsideCredential | null;
  /** Of a support agent's alone, whose principal is their session. */
  readonly support?: SupportCredential;
}

export interface SupportCredential {
  readonly agentId: string;
  /** When the session is over, seconds since 1970. */
  readonly endsAtSeconds: number;
}

export interface OutsideCredential {
  /** The row in the cell that must be active for the token to count. */
  readonly memberRowId: string;
  /** The role that the token names is held to what is assigned to its member. */
  readonly seesAssignedAlone: boolean;
  /** Its issuer says that a second factor was proved. */
  readonly hasSecondFactor: boolean;
}

/**
 * Reads `Authorization: Bearer …`. A forged or mistyped key, or a token that no issuer of ours signed, ends here
 * without a query and without an object. @throws IssuerUnavailable
 */
export async function authenticate(env: Env, header: string | undefined): Promise<Credential | null> {
  const [, token] = /^Bearer ([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(header ?? "") ?? [];
  if (!token) return null;
  return token.startsWith("kl_") ? await fromApiKey(env, token) : await fromToken(env, token);
}

// `iss` decides whose keys a token is held against, before any of them is looked at; who has them says so again, signed.
async function fromToken(env: Env, token: string): Promise<Credential | null> {
  const parsed = parseCompactJws(token);
  const kid = parsed?.header.kid;
  if (!parsed || typeof kid !== "string") return null;
  const iss = parseJsonObject(parsed.payload)?.iss;
  if (iss === env.PUBLIC_ORIGIN) return await fromAccessToken(env, token);
  const issuer = outsideIssuers(env).find((each) => each.issuer === iss);
  return issuer ? await fromOutsideToken(env, issuer, token, kid) : null;
}

interface KnownSecret extends Pick<ParsedApiKey, "kind" | "cell" | "version"> {
  /** What proved it: one that is no longer read proves nothing. */
  readonly pepper: Pepper;
  readonly id: string;
  readonly secretHash: string;
}

const mostKnown = 1_000;
// By their text. Only genuine ones come in here.
let knownSecrets = new Map<string, KnownSecret>();

async function fromApiKey(env: Env, text: string): Promise<Credential | null> {
  const key = await genuine(env, text);
  const cell = key && cellOf(env, key.cell);
  if (key?.kind !== "api-key" || !cell) return null;
  return {
    ...bySecret,
    kind: "api-key",
    principalId: `key_${key.id}`,
    cell,
    tenantId: null,
    secretHash: key.secretHash,
  };
}

/**
 * An OAuth client by its secret, or by its id alone where it brings none: whether it has one is for who lets it in to
 * ask its gate. A forged secret ends here, as a forged key does.
 */
export async function fromClient(
  env: Env,
  place: ClientPlace,
  secret: string | null,
): Promise<Credential | null> {
  const cell = cellOf(env, place.cell);
  if (!cell) return null;
  const credential = {
    ...bySecret,
    kind: "client" as const,
    principalId: place.id,
    cell,
    tenantId: place.tenantId,
  };
  if (secret === null) return { ...credential, secretHash: null, isBare: true };
  const known = await genuine(env, secret);
  const isTheirs = known?.kind === "client" && known.cell === place.cell && `cli_${known.id}` === place.id;
  return isTheirs ? { ...credential, secretHash: known.secretHash } : null;
}

const bySecret = {
  scope: null,
  provedAtSeconds: null,
  by: null,
  endsWith: [],
  issuedAtSeconds: null,
  outside: null,
};

async function genuine(env: Env, text: string): Promise<KnownSecret | null> {
  const known = knownSecrets.get(text);
  const given = known ?? parseApiKey(text);
  if (!given || !cellOf(env, given.cell)) return null;
  const { peppers } = await directoryKeys(env, (keys) => keys.peppers.has(given.version));
  const pepper = peppers.get(given.version);
  if (!pepper) return null;
  return known?.pepper === pepper ? known : await readSecret(pepper, text);
}

async function readSecret(pepper: Pepper, text: string): Promise<KnownSecret | null> {
  const parsed = parseApiKey(text);
  if (!parsed || !(await verifyApiKeyMac(pepper, parsed))) return null;
  const { kind, cell, version, id, secret } = parsed;
  const secretHash = await hashSecret(pepper, secret);
  if (knownSecrets.size >= mostKnown) knownSecrets = new Map();
  const known = { kind, cell, version, pepper, id, secretHash };
  knownSecrets.set(text, known);
  return known;
}

/** What a genuine access token of ours for a tenant says, here and now; whether it still counts is for its gate to say. */
export async function accessClaims(env: Env, token: string): Promise<AccessClaims | null> {
  const kid = parseCompactJws(token)?.header.kid;
  if (typeof kid !== "string") return null;
  const { admitted } = await directoryKeys(env, (keys) => keys.admitted.kids.has(kid));
  const verified = await verifyAccessToken(token, admitted, {
    issuer: env.PUBLIC_ORIGIN,
    audience: env.PUBLIC_ORIGIN,
    nowSeconds: Math.floor(systemNow() / 1000),
  });
  return verified.ok ? verified.claims : null;
}

async function fromAccessToken(env: Env, token: string): Promise<Credential | null> {
  const claims = await accessClaims(env, token);
  return claims && credentialOf(env, claims);
}

/** Who a token speaks for. */
export function credentialOf(env: Env, claims: AccessClaims): Credential | null {
  const cell = cellOf(env, claims.cell);
  if (!cell) return null;
  // A session's own token leaves its member's rights whole.
  const scope = claims.scope === sessionScope ? null : maskOf(claims.scope.split(" ").filter(isCapability));
  const shared = {
    cell,
    issuedAtSeconds: claims.iat,
    tenantId: claims.tenant,
    secretHash: null,
    scope,
    outside: null,
  };
  if (claims.client !== undefined)
    return {
      ...shared,
      kind: "client",
      principalId: claims.client,
      provedAtSeconds: null,
      by: null,
      endsWith: [claims.jti],
    };
  if (claims.support !== undefined)
    return {
      ...shared,
      kind: "support-agent",
      principalId: claims.support,
      provedAtSeconds: claims.auth_time,
      by: null,
      // Their session is the principal: where it is over there is none.
      endsWith: [],
      support: { agentId: claims.act.sub, endsAtSeconds: claims.support_ends },
    };
  const { member, sid, grant, client_id: clientId, auth_time: provedAtSeconds } = claims;
  const client = clientId === undefined ? null : parseClientId(clientId);
  return {
    ...shared,
    kind: "member",
    principalId: member,
    provedAtSeconds,
    by: client && grant !== undefined ? { clientId: client.id, grantId: grant } : null,
    endsWith: grant ? [sid, grant] : [sid],
  };
}
