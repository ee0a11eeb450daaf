import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { timestamp } from "#lib/time.ts";
import { type Note, note, type Upkeep } from "./changes.ts";
import { tokensOutlivedMs } from "./ended-sessions.ts";
import type { Query } from "./queries.ts";
import { type SsoTerms, ssoColumns, ssoTermsIn, ssoTermsOf } from "./sso-terms.ts";
import { statementOf } from "./statement.ts";

// Each is one statement of a commit that is refused as a whole where it no longer holds: of many at once, one.

export interface NewGrant {
  readonly id: string;
  readonly clientId: string;
  readonly memberId: string;
  readonly userId: string;
  readonly sessionId: string;
  /** Words separated by spaces, as the protocol has it. */
  readonly scope: string;
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly nonce: string | null;
  readonly proof: Proof;
}

/** How its user had proved who they are when they let the client in, as their session said then. */
export interface Proof {
  readonly provedAt: string;
  /** When by a second factor; null: by none. */
  readonly strongAt: string | null;
  /** JSON array (RFC 8176). */
  readonly methods: string;
}

export interface Grant extends Omit<NewGrant, "proof"> {
  /** null in grants of before, of which nothing tells. */
  readonly proof: Proof | null;
  readonly state: "code" | "active" | "ended";
  /** How many refresh tokens it has come to; 0 while there is a code alone. */
  readonly generation: number;
  readonly expiresAt: string;
  /** As they are by now. */
  readonly member: {
    readonly isActive: boolean;
    readonly role: string;
    readonly secondFactor: "off" | "elevated" | "everyone";
    readonly secondFactorSince: string | null;
    readonly tenantId: string;
    readonly sso: SsoTerms;
    readonly allowsSms: boolean;
  };
}

export type GrantEnd =
  | "code-reused"
  | "refresh-reused"
  | "revoked-by-client"
  | "revoked-by-member"
  | "revoked-by-tenant"
  | "client-changed"
  | "client-removed"
  | "member-removed";

const Rows = z
  .array(
    z.object({
      id: z.string(),
      client_id: z.string(),
      member_id: z.string(),
      user_id: z.string(),
      session_id: z.string(),
      scope: z.string(),
      redirect_uri: z.string(),
      code_challenge: z.string(),
      nonce: z.string().nullable(),
      proved_at: z.string().nullable(),
      strong_at: z.string().nullable(),
      methods: z.string().nullable(),
      state: z.enum(["code", "active", "ended"]),
      generation: z.int(),
      expires_at: z.string(),
      member_state: z.string(),
      role: z.string(),
      second_factor: z.enum(["off", "elevated", "everyone"]).nullable(),
      second_factor_since: z.string().nullable(),
      tenant_id: z.string(),
      ...ssoColumns,
      allows_sms: z.int().nullable(),
    }),
  )
  .transform((rows) =>
    rows.map(
      (row): Grant => ({
        id: row.id,
        clientId: row.client_id,
        memberId: row.member_id,
        userId: row.user_id,
        sessionId: row.session_id,
        scope: row.scope,
        redirectUri: row.redirect_uri,
        codeChallenge: row.code_challenge,
        nonce: row.nonce,
        proof:
          row.proved_at === null || row.methods === null
            ? null
            : { provedAt: row.proved_at, strongAt: row.strong_at, methods: row.methods },
        state: row.state,
        generation: row.generation,
        expiresAt: row.expires_at,
        member: {
          isActive: row.member_state === "active",
          role: row.role,
          secondFactor: row.second_factor ?? "off",
          secondFactorSince: row.second_factor_since,
          tenantId: row.tenant_id,
          sso: ssoTermsIn(row),
          allowsSms: row.allows_sms === 1,
        },
      }),
    ),
  );

/** A grant of this client; null where there is none, or it is another client's. */
export function grantOf(clientId: string, grantId: string): Query<Grant | null> {
  return {
    statement: async ({ tenantId }) =>
      statementOf(
        sql`select "oauth_grants"."id", "client_id", "member_id", "oauth_grants"."user_id", "session_id", "scope", "redirect_uri", "code_challenge", "nonce", "proved_at", "strong_at", "methods", "oauth_grants"."state", "generation", "expires_at", "members"."state" as "member_state", "members"."role", "security_policies"."second_factor", "security_policies"."second_factor_since", "security_policies"."allows_sms", "oauth_grants"."tenant_id", ${ssoTermsOf(tenantId)} from "oauth_grants" join "members" on "members"."tenant_id" = ${tenantId} and "members"."id" = "oauth_grants"."member_id" left join "security_policies" on "security_policies"."tenant_id" = ${tenantId} where "oauth_grants"."tenant_id" = ${tenantId} and "oauth_grants"."id" = ${grantId} and "oauth_grants"."client_id" = ${clientId}`,
      ),
    async decode(_context, rows) {
      return Rows.parse(rows)[0] ?? null;
    },
  };
}

/** A grant that is a code yet, until this time. */
export function issueCode(tenantId: string, grant: NewGrant, now: number, expiresAt: number): [Upkeep, Note] {
  const { id, clientId, memberId, userId, sessionId, scope, redirectUri, codeChallenge, nonce } = grant;
  const { provedAt, strongAt, methods } = grant.proof;
  const isThere = sql`exists (select 1 from "oauth_grants" where ${isGrant(tenantId, id)})`;
  return [
    upkeep(
      isThere,
      sql`insert into "oauth_grants" ("tenant_id", "id", "client_id", "member_id", "user_id", "session_id", "scope", "redirect_uri", "code_challenge", "nonce", "proved_at", "strong_at", "methods", "state", "generation", "created_at", "expires_at") values (${tenantId}, ${id}, ${clientId}, ${memberId}, ${userId}, ${sessionId}, ${scope}, ${redirectUri}, ${codeChallenge}, ${nonce}, ${provedAt}, ${strongAt}, ${methods}, 'code', 0, ${timestamp(now)}, ${timestamp(expiresAt)})`,
    ),
    note("oauth-grant", id, {
      codeIssued: true,
      client: clientId,
      member: memberId,
      scope: scope.split(" "),
    }),
  ];
}

/** From a code, or from this refresh token, to the next; a code is one of generation 0. */
export function nextTurn(
  tenantId: string,
  { id, generation, clientId, memberId }: Pick<Grant, "id" | "generation" | "clientId" | "memberId">,
  now: number,
  expiresAt: number,
): [Upkeep, ...Note[]] {
  const state = generation === 0 ? "code" : "active";
  const isThere = sql`${isGrant(tenantId, id)} and "state" = ${state} and "generation" = ${generation} and "expires_at" > ${timestamp(now)}`;
  return [
    upkeep(
      sql`not exists (select 1 from "oauth_grants" where ${isThere}) or not exists (select 1 from "members" where "members"."tenant_id" = ${tenantId} and "members"."id" = ${memberId} and "members"."state" = 'active')`,
      sql`update "oauth_grants" set "state" = 'active', "generation" = ${generation + 1}, "expires_at" = ${timestamp(expiresAt)} where ${isThere}`,
    ),
    ...(generation === 0
      ? [note("oauth-grant", id, { codeRedeemed: true, client: clientId, member: memberId })]
      : []),
  ];
}

/** Which grants; each of the fields that are given narrows them. */
export type Grants =
  | { readonly grantId: string }
  | { readonly memberId: string; readonly clientId?: undefined }
  | { readonly clientId: string; readonly memberId?: string };

/** Ends these grants: no token of theirs is taken by any later request. */
export function endGrantsOf(
  tenantId: string,
  grants: Grants,
  because: GrantEnd,
  now: number,
): [Upkeep, Note] {
  const open = sql`"oauth_grants"."tenant_id" = ${tenantId} and ${whichOf(grants)} and "oauth_grants"."state" <> 'ended'`;
  const index = indexOf(grants);
  const [entity, id] = aboutOf(grants);
  return [
    upkeep(
      // Of many that end the same one, one; of a client's, there may be none.
      "grantId" in grants ? sql`not exists (select 1 from "oauth_grants" where ${open})` : sql`0`,
      sql`insert into "ended_sessions" ("tenant_id", "member_id", "session_id", "kept_until") select ${tenantId}, "oauth_grants"."member_id", "oauth_grants"."id", ${timestamp(now + tokensOutlivedMs)} from "oauth_grants"${index} where ${open} and "oauth_grants"."state" = 'active'`,
      sql`update "oauth_grants"${index} set "state" = 'ended' where ${open}`,
      sql`update "tenant_state" set "epoch" = "epoch" + 1 where "tenant_state"."tenant_id" = ${tenantId}`,
    ),
    note(entity, id, { grantsEnded: because }),
  ];
}

function aboutOf(grants: Grants): readonly [string, string] {
  if ("grantId" in grants) return ["oauth-grant", grants.grantId];
  return grants.clientId === undefined ? ["member", grants.memberId] : ["oauth-client", grants.clientId];
}

// Named, as SQLite would rather go through all of the tenant's.
function indexOf(grants: Grants): SQL {
  if ("grantId" in grants) return sql``;
  const name = grants.memberId === undefined ? "oauth_grants_by_client" : "oauth_grants_by_member";
  return sql` indexed by ${sql.identifier(name)}`;
}

function whichOf(grants: Grants): SQL {
  if ("grantId" in grants) return sql`"oauth_grants"."id" = ${grants.grantId}`;
  if (grants.clientId === undefined) return sql`"oauth_grants"."member_id" = ${grants.memberId}`;
  const ofClient = sql`"oauth_grants"."client_id" = ${grants.clientId}`;
  return grants.memberId === undefined
    ? ofClient
    : sql`"oauth_grants"."member_id" = ${grants.memberId} and ${ofClient}`;
}

/**
 * Of a client's own token, which no grant stands behind: its gate, which is told after the commit, refuses it from the next
 * request on. No epoch moves: a client that makes and revokes tokens in a loop would have all of its tenant read anew.
 */
export function endClientToken(tenantId: string, clientId: string, jti: string, now: number): [Upkeep, Note] {
  const isThere = sql`exists (select 1 from "ended_sessions" where "ended_sessions"."tenant_id" = ${tenantId} and "ended_sessions"."member_id" = ${clientId} and "ended_sessions"."session_id" = ${jti})`;
  return [
    upkeep(
      isThere,
      sql`insert into "ended_sessions" ("tenant_id", "member_id", "session_id", "kept_until") values (${tenantId}, ${clientId}, ${jti}, ${timestamp(now + tokensOutlivedMs)})`,
    ),
    note("oauth-client", clientId, { tokenRevoked: true }),
  ];
}

function isGrant(tenantId: string, id: string): SQL {
  return sql`"oauth_grants"."tenant_id" = ${tenantId} and "oauth_grants"."id" = ${id}`;
}

function upkeep(unless: SQL, ...statements: readonly SQL[]): Upkeep {
  return { kind: "upkeep", unless, statements: statements.map(statementOf) };
}
