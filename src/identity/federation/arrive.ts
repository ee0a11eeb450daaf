import { eq } from "drizzle-orm";
import { type Change, insert, mustNotExist, update } from "#db/changes.ts";
import { memberships, users } from "#db/directory-tables.ts";
import { all } from "#db/statement.ts";
import { commitAs, type VisitorContext } from "#http/account-operation.ts";
import type { Vouched } from "#http/federation.ts";
import { commit, refuse } from "#http/outcome.ts";
import { sessionsIn, userIn } from "#identity/accounts/account-queries.ts";
import { challengeFor } from "#identity/accounts/challenge.ts";
import { letIn } from "#identity/accounts/let-in.ts";
import { factorQueries } from "#identity/factors/factor-queries.ts";
import { choicesOf, factorsOf, noFactors } from "#identity/factors/factors.ts";
import { tell } from "#identity/identity-events.ts";
import { beginSession } from "#identity/sessions/begin-session.ts";
import { federatedIdentities } from "#identity/tables.ts";
import { localPartOf } from "#lib/email-address.ts";
import { parseSsoReference } from "#lib/sso-reference.ts";
import { timestamp } from "#lib/time.ts";
import { connected, identityRow, subjectOf } from "./connect.ts";
import {
  agentIn,
  identitiesOf,
  identityIn,
  isFull,
  isSubject,
  membershipIn,
  mostIdentities,
  type Subject,
  userBySubject,
} from "./queries.ts";

/** Somebody whom an issuer vouches for, with an address that was proved to be theirs, by its word or by a mailed code. */
export type Arrival = Omit<Vouched, "isEmailTheirs" | "email"> & {
  /** null: who they are is known already, or nothing proves the address. */
  readonly provedEmail: string | null;
};

/**
 * In: as whom the subject is known to be, or as the owner of the proved address, or as a new user. The owner is known by the
 * subject from then on, or, with a second factor, once that is proved; which it is to be even where an issuer that they have not
 * connected says that one was proved there. null where nobody is known, and no address was proved. `taken`: what
 * the arrival uses up.
 */
export async function arrive(context: VisitorContext, arrival: Arrival, taken: readonly Change[] = []) {
  const { directory, accounts, now } = context;
  const subject = await subjectOf(context, arrival);
  const emailToken = arrival.provedEmail === null ? null : await accounts.emailToken(arrival.provedEmail);
  const theirs = userBySubject(subject, emailToken);
  const place = arrival.sso ? parseSsoReference(arrival.sso.reference) : null;
  const found = await directory.read({
    identities: identityIn(subject),
    users: userIn(theirs),
    ...factorQueries(theirs),
    earlier: sessionsIn(theirs, 20),
    memberships: membershipIn(theirs, place?.tenantId ?? ""),
    known: identitiesOf(theirs),
    agents: agentIn(theirs),
  });
  const [identity] = found.identities;
  const [user] = found.users;
  const sso = arrival.sso?.reference ?? null;
  if (!identity && arrival.provedEmail === null) return null;
  const joining = (userId: string): Change[] =>
    place && arrival.sso?.addsMembers && found.memberships.length === 0
      ? [
          mustNotExist(memberships, isMembership(userId, place.tenantId), null),
          insert(memberships, { id: context.newId("mem"), userId, memberTenantId: place.tenantId }, now),
        ]
      : [];
  if (!identity && found.known.length >= mostIdentities) return refuse("conflict");
  if (!user) return await asNewUser(context, arrival, subject, (userId) => [...taken, ...joining(userId)]);
  if (user.state !== "active") return refuse("sign-in-failed");
  // Whoever helps businesses is of none, and comes by no business's own sign-in.
  if (place && found.agents.length > 0) return refuse("sign-in-failed");
  const factors = factorsOf(found);
  const choices = choicesOf(factors);
  // An issuer that nobody in the account has connected yet speaks for no second factor of it, and is connected only once
  // theirs is proved: else a mailbox would be enough.
  const { methods, isStrong } = identity ? arrival : { methods: ["fed"], isStrong: false };
  const used = identity ? [update(federatedIdentities, identity, { lastUsedAt: timestamp(now) }, now)] : [];
  const joined = [...taken, ...used, ...joining(user.id)];
  if (choices.length > 0 && !isStrong) {
    const { source, issuer } = arrival;
    const connects = identity ? null : { source, issuer, subject: arrival.subject };
    return await challengeFor(context, user, { proved: methods, choices, sso, connects }, joined);
  }
  const changes = identity ? joined : [...joined, ...connected(context, user, arrival, subject)];
  const { tokens, changes: begun } = await letIn(context, {
    user,
    methods,
    isStrong,
    factors,
    earlier: found.earlier,
    sso,
    provedAt: arrival.provedAt,
  });
  return commitAs(user.id, tokens, ...changes, ...begun);
}

async function asNewUser(
  context: VisitorContext,
  { name, provedEmail, methods, isStrong, provedAt, sso, ...arrival }: Arrival,
  subject: Subject,
  besides: (userId: string) => Change[],
) {
  const { newId, now } = context;
  // It is known to be somebody's whose account is gone: who they are is settled first, by erasing it.
  if (provedEmail === null) return refuse("sign-in-failed");
  const userId = newId("usr");
  const user = { id: userId, sessionEpoch: 0 };
  const begun = await beginSession(context, {
    user,
    methods,
    isStrong,
    factors: noFactors,
    sso: sso?.reference ?? null,
    // There is nothing in an account of one's own yet that an old proof could open.
    provedAt: sso ? provedAt : now,
  });
  const emailToken = (await context.accounts.emailToken(provedEmail)) ?? "";
  return commit(
    begun.tokens,
    // Whoever was first of two is met by asking again.
    mustNotExist(users, eq(users.emailToken, emailToken), null),
    mustNotExist(federatedIdentities, isSubject(subject), null),
    ...(sso ? [mustNotExist(federatedIdentities, isFull(sso.reference), { problem: "sso-full" })] : []),
    insert(
      users,
      {
        id: userId,
        name: name ?? localPartOf(provedEmail),
        email: provedEmail,
        state: "active",
        emailVerifiedAt: timestamp(now),
        sessionEpoch: 0,
      },
      now,
    ),
    insert(federatedIdentities, identityRow(context, userId, arrival), now),
    ...tell("user.email_verified", userId),
    ...tell("user.identity_connected", userId, { source: arrival.source }),
    ...besides(userId),
    ...begun.changes,
  );
}

function isMembership(userId: string, tenantId: string) {
  return all(eq(memberships.userId, userId), eq(memberships.memberTenantId, tenantId));
}
