import { z } from "zod";
import { remove as removed } from "#db/changes.ts";
import { sessions, users } from "#db/directory-tables.ts";
import { one } from "#db/queries.ts";
import { meReadOperation, meWriteOperation } from "#http/account-operation.ts";
import { commit, Refusal, refuse } from "#http/outcome.ts";
import { activeSessionsIn, userById } from "#identity/accounts/account-queries.ts";
import { canSignIn, wayInQueries } from "#identity/accounts/ways-in.ts";
import { factorQueries } from "#identity/factors/factor-queries.ts";
import { securityAge } from "#identity/factors/security-age.ts";
import { tell } from "#identity/identity-events.ts";
import { endSessions, inNewEpoch } from "#identity/sessions/end-sessions.ts";
import { federatedIdentities } from "#identity/tables.ts";
import { parseSsoReference } from "#lib/sso-reference.ts";
import { timestamp } from "#lib/time.ts";
import { typeId } from "#lib/typeid.ts";
import { mailTo } from "#mail/outgoing.ts";
import { connected, subjectOf } from "./connect.ts";
import { beginFlow, endFlow } from "./flows.ts";
import { identitiesOf, isSame, mostIdentities } from "./queries.ts";
import { FlowAnswer, FlowBegun, Identities, ProviderName } from "./schema.ts";

// An answer that was asked for in one session connects nothing in another.
const purposeOf = (sessionId: string) => `connect ${sessionId}`;

export const list = meReadOperation({
  mount: "me",
  method: "get",
  path: "/identities",
  summary: "List whom you can sign in with besides a password",
  store: "directory",
  returns: Identities,
  problems: [],
  async run({ directory, accounts, user }) {
    const { found } = await directory.read({ found: identitiesOf(userById(user.userId)) });
    const labels = new Map(accounts.federation.providers.map(({ name, label }) => [name, label]));
    const data = found.map(({ id, source, issuer, createdAt, lastUsedAt }) => {
      const label = labels.get(source) ?? (parseSsoReference(source) ? "A business's own sign-in" : source);
      return { id, source, label, issuer, connectedAt: createdAt, lastUsedAt };
    });
    return { data };
  },
});

export const begin = meReadOperation({
  mount: "me",
  method: "post",
  path: "/identity-connections",
  summary: "Begin to connect another issuer, to sign in with it from then on",
  store: "directory",
  provedWithinSeconds: securityAge,
  body: z.strictObject({ source: ProviderName }).meta({ id: "IdentityConnection" }),
  returns: FlowBegun,
  status: 201,
  problems: ["not-found"],
  async run(context, { body: { source } }) {
    return await beginFlow(context, { purpose: purposeOf(context.user.sessionId), source, isFresh: true });
  },
});

export const connect = meWriteOperation({
  mount: "me",
  method: "post",
  path: "/identities",
  summary: "Connect another issuer by its answer",
  store: "directory",
  provedWithinSeconds: securityAge,
  body: FlowAnswer,
  returns: z.null(),
  status: 204,
  problems: ["federated-sign-in-failed", "challenge-not-valid", "identity-taken", "not-found", "conflict"],
  async run(context, { body }) {
    const { directory, user } = context;
    const { me, mine } = await directory.read({
      me: one(users, user.userId),
      mine: identitiesOf(userById(user.userId)),
    });
    if (!me) return refuse("unauthorized");
    const vouched = await endFlow(context, purposeOf(user.sessionId), body);
    if (vouched instanceof Refusal) return vouched;
    const subject = await subjectOf(context, vouched);
    if (mine.some((each) => isSame(each, subject))) return commit(null);
    if (mine.length >= mostIdentities) return refuse("conflict");
    return commit(null, ...connected(context, me, vouched, subject, { problem: "identity-taken" }));
  },
});

export const remove = meWriteOperation({
  mount: "me",
  method: "delete",
  path: "/identities/{identityId}",
  summary: "Sign in with an issuer no more; your other sessions end",
  store: "directory",
  provedWithinSeconds: securityAge,
  params: z.object({ identityId: typeId("fid") }),
  returns: z.null(),
  status: 204,
  endsSessions: true,
  problems: ["not-found", "last-way-in"],
  async run({ directory, accounts, user, now }, { params }) {
    const mine = userById(user.userId);
    const found = await directory.read({
      me: one(users, user.userId),
      current: one(sessions, user.sessionId),
      identity: one(federatedIdentities, params.identityId),
      active: activeSessionsIn(mine),
      ...wayInQueries(mine),
      ...factorQueries(mine),
    });
    const { me, current, identity } = found;
    if (!me || !current || !identity) return refuse("not-found");
    const left = found.identities.filter(({ id }) => id !== identity.id);
    if (!canSignIn({ ...found, identities: left })) return refuse("last-way-in");
    const others = found.active.filter(({ id }) => id !== current.id);
    const data = {
      at: timestamp(now),
      issuer: new URL(identity.issuer).hostname,
      change: "removed" as const,
      accountLink: `${accounts.issuer}/account`,
    };
    return commit(
      null,
      removed(federatedIdentities, identity),
      ...inNewEpoch(me, current, now),
      ...endSessions(others, "factor-changed", now),
      ...tell("user.identity_removed", user.userId, { source: identity.source }),
      mailTo({ kind: "identity-changed", to: me.email, data, userId: user.userId }, now),
    );
  },
});
