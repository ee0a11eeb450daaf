import { sessionScope, verifyAccessToken } from "#crypto/access-token.ts";
import { hashSecret, type ParsedApiKey, type Pepper, parseApiKey, verifyApiKeyMac } from "#crypto/api-key.ts";
import { parseCompactJws, parseJsonObject } from "#crypto/jws.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { type CapabilityMask, isCapability, maskOf } from "./capabilities.ts";
import { directoryKeys } from "./directory-keys.ts";
import { fromOutsideToken } from "./outside-credential.ts";
import { outsideIssuers } from "./outside-issuers.ts";

/** A credential that is genuine by its own text; whether it still counts is for its gate to say. */
export interface Credential {
  readonly kind: "api-key" | "member";
  readonly principalId: string;
  readonly cell: Cell;
  /** From a token; a key's gate knows it. */
  readonly tenantId: string | null;
  readonly secretHash: string | null;
  /** What a token was limited to; null leaves the principal's own rights whole. */
  readonly scope: CapabilityMask | null;
  /** Of a token of our own: the session that it was made in. */
  readonly sessionId: string | null;
  /** Of a token of an outside issuer alone. */
  readonly outside: OutsideCredential | null;
}

export interface OutsideCredential {
  /** The row in the cell that must be active for the token to count. */
  readonly memberRowId: string;
  /** The role that the token names is held to what is assigned to its member. */
  readonly seesAssignedAlone: boolean;
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
  if (iss === env.PUBLIC_ORIGIN) return await fromAccessToken(env, token, kid);
  const issuer = outsideIssuers(env).find((each) => each.issuer === iss);
  return issuer ? await fromOutsideToken(env, issuer, token, kid) : null;
}

interface KnownKey extends Pick<ParsedApiKey, "cell" | "version"> {
  /** What proved it: one that is no longer read proves nothing. */
  readonly pepper: Pepper;
  readonly principalId: string;
  readonly secretHash: string;
}

const mostKnownKeys = 1_000;
// By their text. Only genuine keys come in here.
let knownKeys = new Map<string, KnownKey>();

async function fromApiKey(env: Env, text: string): Promise<Credential | null> {
  const known = knownKeys.get(text);
  const given = known ?? parseApiKey(text);
  const cell = given && cellOf(env, given.cell);
  if (!given || !cell) return null;
  const { peppers } = await directoryKeys(env, (keys) => keys.peppers.has(given.version));
  const pepper = peppers.get(given.version);
  if (!pepper) return null;
  const key = known?.pepper === pepper ? known : await genuine(pepper, text);
  if (!key) return null;
  const { principalId, secretHash } = key;
  return {
    kind: "api-key",
    principalId,
    cell,
    tenantId: null,
    secretHash,
    scope: null,
    sessionId: null,
    outside: null,
  };
}

async function genuine(pepper: Pepper, text: string): Promise<KnownKey | null> {
  const parsed = parseApiKey(text);
  if (!parsed || !(await verifyApiKeyMac(pepper, parsed))) return null;
  const { cell, version, id, secret } = parsed;
  const secretHash = await hashSecret(pepper, secret);
  if (knownKeys.size >= mostKnownKeys) knownKeys = new Map();
  const key = { cell, version, pepper, principalId: `key_${id}`, secretHash };
  knownKeys.set(text, key);
  return key;
}

async function fromAccessToken(env: Env, token: string, kid: string): Promise<Credential | null> {
  const { admitted } = await directoryKeys(env, (keys) => keys.admitted.kids.has(kid));
  const expected = {
    issuer: env.PUBLIC_ORIGIN,
    audience: env.PUBLIC_ORIGIN,
    nowSeconds: Math.floor(systemNow() / 1000),
  };
  const verified = await verifyAccessToken(token, admitted, expected);
  if (!verified.ok) return null;
  const { claims } = verified;
  const cell = cellOf(env, claims.cell);
  if (!cell) return null;
  // A session's own token leaves its member's rights whole.
  const scope = claims.scope === sessionScope ? null : maskOf(claims.scope.split(" ").filter(isCapability));
  return {
    kind: "member",
    principalId: claims.member,
    cell,
    tenantId: claims.tenant,
    secretHash: null,
    scope,
    sessionId: claims.sid,
    outside: null,
  };
}
