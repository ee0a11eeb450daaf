import { stands } from "#db/directory.ts";
import { sessions, users } from "#db/directory-tables.ts";
import { one, type Query } from "#db/queries.ts";
import type { Row } from "#db/tenant-table.ts";
import { secondMs } from "#lib/time.ts";
import type { AccountPorts, SignedIn } from "./account-operation.ts";
import { problemAnswer } from "./answers.ts";
import type { DirectoryRun } from "./directory-run.ts";
import { Refusal, refuse } from "./outcome.ts";
import type { AnyMe } from "./registry.ts";
import type { RequestContext } from "./request-state.ts";

/** The session is not one that this may be asked for in. */
class Unproved extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super("The session does not stand, or proves too little.");
    this.refusal = refusal;
  }
}

/** The answer, or why the session is not one to ask for it in. */
export async function unlessUnproved(c: RequestContext, work: Promise<Response>): Promise<Response> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Unproved)) throw error;
    return problemAnswer(c, error.refusal.problem, error.refusal.details);
  }
}

/**
 * Asks in the first read's round trip whether the session is good for this, and has that read fail where it is not. What is
 * answered asks it on its own, unless something was read.
 */
export function rideSession(
  { session: reading, now }: DirectoryRun,
  { userId, sessionId }: SignedIn,
  operation: AnyMe,
): () => Promise<void> {
  let session: Row<typeof sessions> | null | undefined;
  reading.ride(noted(one(sessions, sessionId), (row) => (session = row)));
  reading.ride(
    noted(one(users, userId), (user) => {
      const refusal = unproved(session ?? null, user, operation, now);
      if (refusal) throw new Unproved(refusal);
    }),
  );
  return async () => {
    if (session === undefined) await reading.read({});
  };
}

/** What is counted, spent or told to others by a handler waits until the session was asked for: no ended one's token does it. */
export function onceProved(accounts: AccountPorts, proved: () => Promise<void>): AccountPorts {
  const once =
    <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      await proved();
      return await work(...given);
    };
  const { federation, clients, reserveTry, takeText } = accounts;
  return {
    ...accounts,
    reserveTry: once(reserveTry),
    takeText: once(takeText),
    leave: once(accounts.leave),
    support: { begin: once(accounts.support.begin), end: once(accounts.support.end) },
    clients: { ...clients, authorize: once(clients.authorize), disconnect: once(clients.disconnect) },
    federation: {
      get providers() {
        return federation.providers;
      },
      begin: federation.begin,
      complete: once(federation.complete),
      mailedCode: federation.mailedCode,
      join: federation.join,
    },
  };
}

function unproved(
  session: Row<typeof sessions> | null,
  user: Row<typeof users> | null,
  { provedWithinSeconds, isForLimited }: AnyMe,
  now: number,
): Refusal | null {
  if (!stands(session, user, now)) return refuse("unauthorized");
  // Whoever runs a business's sign-in could be anybody of its domain there: what is a user's own is not theirs.
  if (session.sso !== null && !isForLimited) return refuse("session-limited");
  if (provedWithinSeconds === undefined) return null;
  const provedAt = Date.parse(session.provedAt ?? session.signedInAt);
  const isStale = now - provedAt > provedWithinSeconds * secondMs;
  return isStale ? new Refusal("step-up-required", { maxAgeSeconds: provedWithinSeconds }, []) : null;
}

function noted<R>(query: Query<R>, note: (found: R) => void): Query<R> {
  return {
    statement: (context) => query.statement(context),
    async decode(context, rows) {
      const found = await query.decode(context, rows);
      note(found);
      return found;
    },
  };
}
