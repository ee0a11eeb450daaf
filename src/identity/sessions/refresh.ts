import { sql } from "drizzle-orm";
import { z } from "zod";
import { directoryTenants, sessions } from "#db/directory-tables.ts";
import { many, one } from "#db/queries.ts";
import { nextRefresh, refreshState } from "#db/session-refreshes.ts";
import type { Row } from "#db/tenant-table.ts";
import { commitAs, type VisitorContext, visitorOperation } from "#http/account-operation.ts";
import { publicOperation } from "#http/operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { isOneOfTheirs, passwordIn, userBySession, userIn } from "#identity/accounts/account-queries.ts";
import { timestamp } from "#lib/time.ts";
import { tenantToken, tokenLifeSeconds, userToken } from "./access-tokens.ts";
import { endSessions } from "./end-sessions.ts";
import { refreshVerdict } from "./refresh-rules.ts";
import { TenantName, Tokens, TokenText } from "./schema.ts";
import { heldTo, type SignedInAs } from "./tenant-terms.ts";

export const refresh = visitorOperation({
  mount: "public",
  method: "post",
  path: "/v1/tokens",
  summary: "Exchange a refresh token for an access token",
  can: publicOperation({ because: "the refresh token is the credential" }),
  store: "directory",
  body: z
    .strictObject({
      refreshToken: TokenText,
      tenant: TenantName.optional().meta({
        description: "Whose token is asked for; without it, one of the user's own account.",
      }),
    })
    .meta({ id: "TokenRequest" }),
  returns: Tokens,
  countsUser: true,
  problems: [
    "unauthorized",
    "password-change-required",
    "second-factor-enrolment-required",
    "sso-required",
    "session-limited",
    "owner-sign-in-required",
    "not-found",
  ],
  async run(context, { body }) {
    const { directory, accounts, now } = context;
    const named = await accounts.readToken("refresh", body.refreshToken);
    if (!named) return refuse("unauthorized");
    const { session, state, tenants, found, owners } = await directory.read({
      session: one(sessions, named.id),
      state: refreshState(named.id),
      tenants: many(directoryTenants, { where: theirs(body.tenant ?? "", named.id), limit: 1 }),
      found: passwordIn(userBySession(named.id)),
      owners: userIn(userBySession(named.id)),
    });
    if (session?.state !== "active" || session.expiresAt <= timestamp(now)) return refuse("unauthorized");
    const [owner] = owners;
    if (!owner || session.sessionEpoch !== owner.sessionEpoch) return refuse("unauthorized");
    const verdict = refreshVerdict(named.turn, state, now);
    if (verdict === "not-valid") return refuse("unauthorized");
    if (verdict === "reused") return refuse("unauthorized", ...endSessions([session], "refresh-reused", now));
    const limited = await accounts.countRequest({ userId: session.userId, sessionId: session.id });
    if (limited) return limited;
    const tenant = body.tenant === undefined ? null : (tenants[0] ?? "none");
    const as = { session, email: owner.email, isPasswordWeak: found[0]?.isStrong === 0 };
    const token = await accessToken(context, as, tenant);
    if (token instanceof Refusal) return token;
    const turn = named.turn + 1;
    const answer = {
      ...token,
      expiresInSeconds: tokenLifeSeconds,
      refreshToken: await accounts.makeToken("refresh", { id: session.id, turn }),
      sessionId: session.id,
    };
    return verdict === "rotate"
      ? commitAs(session.userId, answer, nextRefresh(session.id, named.turn, now))
      : commit(answer);
  },
});

// By the same list that is gone through when the session ends: no token that nobody would find again.
function theirs(tenant: string, sessionId: string) {
  return sql`(${directoryTenants.slug} = ${tenant} or ${directoryTenants.id} = ${tenant}) and ${isOneOfTheirs(userBySession(sessionId))}`;
}

async function accessToken(
  { accounts, now }: VisitorContext,
  as: SignedInAs & { readonly session: Row<typeof sessions> },
  tenant: Row<typeof directoryTenants> | "none" | null,
): Promise<{ accessToken: string; tenantId: string | null } | Refusal> {
  const { session } = as;
  if (tenant === null) return { accessToken: await userToken(accounts, session, now), tenantId: null };
  if (tenant === "none") return refuse("not-found");
  const { id: tenantId, cell } = tenant;
  const [member] = await accounts.membersOf([{ tenantId, cell }], session.userId);
  if (!member) return refuse("not-found");
  const held = heldTo(member, as);
  if (held.unmet !== null) return refuse(held.unmet);
  return { accessToken: await tenantToken(accounts, held.session, member, now), tenantId };
}
