import { SealError } from "#crypto/envelope.ts";
import { parseCompactJws } from "#crypto/jws.ts";
import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { verifyUserToken } from "#crypto/user-token.ts";
import type { Change } from "#db/changes.ts";
import { openDirectory, sessionStands, stands } from "#db/directory.ts";
import { sessions, users } from "#db/directory-tables.ts";
import { one, type Query } from "#db/queries.ts";
import { wholeTenant } from "#db/scope.ts";
import { metaOf, type Row } from "#db/tenant-table.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { secondMs } from "#lib/time.ts";
import { systemNow } from "#platform/clock.ts";
import { errorFields, log } from "#platform/log.ts";
import { type SignedIn, UserCommit } from "./account-operation.ts";
import { afterDirectoryCommit } from "./after-commit.ts";
import { draftOf, filled, jsonOf } from "./answer.ts";
import { dataAnswer, problemAnswer } from "./answers.ts";
import {
  type AccountServicesOf,
  commitToDirectory,
  type DirectoryRun,
  openDirectoryRun,
} from "./directory-run.ts";
import { type Commit, Refusal, refuse } from "./outcome.ts";
import type { AnyAccount, AnyInput, AnyMe, AnyVisitor } from "./registry.ts";
import type { RequestContext } from "./request-state.ts";
import { respond } from "./respond.ts";
import { vouchedFor } from "./vouched.ts";
import { refusalOf } from "./write.ts";

const mostTries = 3;

/** run → parse the answer → commit → answer, for whoever has not signed in. */
export async function serveVisitor(
  c: RequestContext,
  name: string,
  operation: AnyVisitor,
  input: AnyInput,
  servicesOf: AccountServicesOf,
): Promise<Response> {
  const serve = (fresh: TenantKeyRing | null) => servedVisitor(c, name, operation, input, servicesOf, fresh);
  return await toItsEnd(c, withKeys(c, serve));
}

// The directory's own key may have a successor that this isolate has yet to meet: only rows say so, which nobody invents.
export async function withKeys<T>(
  c: RequestContext,
  serve: (fresh: TenantKeyRing | null) => Promise<T>,
): Promise<T> {
  try {
    return await serve(null);
  } catch (error) {
    if (!(error instanceof SealError) || error.reason !== "wrong-key") throw error;
    return await serve((await openDirectory(c.env)).keys.ring);
  }
}

// A client that hangs up while its password waits to be hashed would leave its place in that line taken.
async function toItsEnd(c: RequestContext, work: Promise<Response>): Promise<Response> {
  c.executionCtx.waitUntil(work.catch(() => undefined));
  return await work;
}

async function servedVisitor(
  c: RequestContext,
  name: string,
  operation: AnyVisitor,
  input: AnyInput,
  servicesOf: AccountServicesOf,
  fresh: TenantKeyRing | null,
): Promise<Response> {
  const run = await openDirectoryRun(c, name, wholeTenant, servicesOf, fresh);
  const context = { ...run.context, strangerId: run.stranger.id };
  return await written(run, operation, null, [], () => operation.run(context, input));
}

/** Who asks, by a token that is genuine; whether their session still stands is asked with what the request reads or writes. */
export async function signedIn(c: RequestContext): Promise<SignedIn | null> {
  const vouched = vouchedFor(c.req.raw);
  if (vouched) return vouched;
  const [, token] = /^Bearer ([A-Za-z0-9._-]{1,8192})$/i.exec(c.req.header("authorization") ?? "") ?? [];
  const kid = parseCompactJws(token ?? "")?.header.kid;
  if (!token || typeof kid !== "string") return null;
  const { admitted } = await directoryKeys(c.env, (keys) => keys.admitted.kids.has(kid));
  const nowSeconds = Math.floor(systemNow() / secondMs);
  const verified = await verifyUserToken(token, admitted, { issuer: c.env.PUBLIC_ORIGIN, nowSeconds });
  if (!verified.ok) return null;
  return { userId: verified.claims.sub, sessionId: verified.claims.sid };
}

/** The same for a user, who sees their own rows alone, and no longer than their session stands. */
export async function serveMe(
  c: RequestContext,
  name: string,
  operation: AnyMe,
  user: SignedIn,
  input: AnyInput,
  servicesOf: AccountServicesOf,
): Promise<Response> {
  const serve = (fresh: TenantKeyRing | null) => servedMe(c, name, operation, user, input, servicesOf, fresh);
  return await toItsEnd(c, withKeys(c, serve));
}

async function servedMe(
  c: RequestContext,
  name: string,
  operation: AnyMe,
  user: SignedIn,
  input: AnyInput,
  servicesOf: AccountServicesOf,
  fresh: TenantKeyRing | null,
): Promise<Response> {
  const reach = { locations: null, assigneeId: user.userId };
  const run = await openDirectoryRun(c, name, reach, servicesOf, fresh);
  const context = { ...run.context, user };
  const unproved = rideSession(run, user, operation);
  if (operation.form === "me-write") {
    const guard = sessionStands(user.sessionId, run.now);
    const handled = async () => {
      const outcome = await operation.run(context, input);
      return (await unproved()) ?? outcome;
    };
    return await written(run, operation, user.userId, [guard], handled);
  }
  const answer = await operation.run(context, input);
  const refusal = await unproved();
  if (refusal) return problemAnswer(c, refusal.problem, refusal.details);
  if (answer instanceof Refusal) return problemAnswer(c, answer.problem, answer.details);
  return dataAnswer(c, operation.status ?? 200, jsonOf(operation.returns.parse(answer)));
}

// In the first read's round trip; a handler that reads nothing is asked for on its own. Null: the session stands, and what
// was proved in it is recent enough.
function rideSession(
  { session: reading, now }: DirectoryRun,
  { userId, sessionId }: SignedIn,
  { provedWithinSeconds, isForLimited }: AnyMe,
): () => Promise<Refusal | null> {
  let found: Row<typeof sessions> | null | undefined;
  let user: Row<typeof users> | null | undefined;
  reading.ride(noted(one(sessions, sessionId), (row) => (found = row)));
  reading.ride(noted(one(users, userId), (row) => (user = row)));
  return async () => {
    if (found === undefined) await reading.read({});
    const session = found ?? null;
    if (!stands(session, user, now)) return refuse("unauthorized");
    // Whoever runs a business's sign-in could be anybody of its domain there: what is a user's own is not theirs.
    if (session.sso !== null && !isForLimited) return refuse("session-limited");
    if (provedWithinSeconds === undefined) return null;
    const provedAt = Date.parse(session.provedAt ?? session.signedInAt);
    const isStale = now - provedAt > provedWithinSeconds * secondMs;
    if (isStale) return new Refusal("step-up-required", { maxAgeSeconds: provedWithinSeconds }, []);
    return null;
  };
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

// A business's own sign-in lets in whom it has never seen; where its cell is away, the next token is asked for in vain.
async function joinedInCells({ context }: DirectoryRun, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    if (change.kind !== "insert" || metaOf(change.table).entity !== "session") continue;
    for (const { sso, userId } of change.rows)
      if (typeof sso === "string") await context.accounts.federation.join(sso, String(userId));
  }
}

// Before the answer: whoever ended a session was promised that no later request is served in it.
async function endedInCells({ context }: DirectoryRun, changes: readonly Change[]): Promise<boolean> {
  const ended = changes.flatMap((change) =>
    change.kind === "update" && metaOf(change.table).entity === "session" && change.patch.state === "ended"
      ? [{ id: String(change.before.id), userId: String(change.before.userId) }]
      : [],
  );
  const byUser = Map.groupBy(ended, ({ userId }) => userId);
  const told = await Promise.all(
    [...byUser].map(([userId, rows]) =>
      context.accounts.endInCells(
        userId,
        rows.map(({ id }) => id),
      ),
    ),
  );
  return told.every((isTold) => isTold);
}

/** A lost version reruns the handler, as in the tenants' door. */
async function written(
  run: DirectoryRun,
  operation: AnyAccount,
  userId: string | null,
  guards: readonly Change[],
  handle: () => Promise<Commit<unknown> | Refusal>,
): Promise<Response> {
  const { c } = run;
  for (let tries = 1; ; tries += 1) {
    const outcome = await handle();
    if (outcome instanceof Refusal) {
      if (outcome.changes.length > 0) {
        const { kind } = await commitToDirectory(run, userId, outcome.changes);
        // What it changes was overtaken: it is asked anew, and nobody is sent on with what was not written.
        if (kind === "lost" && tries < mostTries) continue;
        if (kind !== "committed" && outcome.details.challenge !== undefined)
          return problemAnswer(c, "conflict");
        await endedInCells(run, outcome.changes);
        c.executionCtx.waitUntil(afterDirectoryCommit(c.env, outcome.changes));
      }
      return problemAnswer(c, outcome.problem, outcome.details);
    }
    const draft = draftOf(operation.returns, outcome.answer);
    const actor = outcome instanceof UserCommit ? outcome.userId : userId;
    const committed =
      outcome.changes.length > 0 || guards.length > 0
        ? await commitToDirectory(run, actor, [...guards, ...outcome.changes])
        : { kind: "committed" as const, assigned: {} };
    if (committed.kind === "committed") {
      c.executionCtx.waitUntil(afterDirectoryCommit(c.env, outcome.changes));
      await joinedInCells(run, outcome.changes).catch((error: unknown) =>
        log("warn", "a member joins later", errorFields(error)),
      );
      const isTold = await endedInCells(run, outcome.changes);
      // What is shown once is lost where it is not answered.
      if (!isTold && operation.status === 204) return respond(c, 202, null);
      return dataAnswer(c, operation.status ?? 200, filled(draft, committed.assigned));
    }
    if (committed.kind === "refused") {
      const refusal = refusalOf(committed.refusal);
      return problemAnswer(c, refusal.problem, refusal.details);
    }
    if (tries === mostTries) return problemAnswer(c, "conflict");
  }
}
