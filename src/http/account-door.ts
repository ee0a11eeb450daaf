import { SealError } from "#crypto/envelope.ts";
import { parseCompactJws } from "#crypto/jws.ts";
import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { verifyUserToken } from "#crypto/user-token.ts";
import { openDirectory, sessionStands } from "#db/directory.ts";
import { wholeTenant } from "#db/scope.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { secondMs } from "#lib/time.ts";
import { systemNow } from "#platform/clock.ts";
import type { SignedIn } from "./account-operation.ts";
import { accountKeyOf, recordOf, replayedAnswer } from "./account-replay.ts";
import { written } from "./account-write.ts";
import { jsonOf } from "./answer.ts";
import { dataAnswer, problemAnswer } from "./answers.ts";
import { type AccountServicesOf, openDirectoryRun } from "./directory-run.ts";
import { onceProved, rideSession, unlessUnproved } from "./judged-session.ts";
import { Refusal } from "./outcome.ts";
import type { AnyInput, AnyMe, AnyVisitor } from "./registry.ts";
import type { RequestContext } from "./request-state.ts";
import { vouchedFor } from "./vouched.ts";

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
  const writing = { operation, userId: null, guards: [], key: null };
  return await written(run, writing, () => operation.run(context, input));
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
  return await toItsEnd(c, unlessUnproved(c, withKeys(c, serve)));
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
  // With fresh keys it was counted before. Who merely reads is held by the shield alone.
  if (operation.method !== "get" && fresh === null) {
    const limited = await run.context.accounts.countRequest(user);
    if (limited) return problemAnswer(c, limited.problem, limited.details);
  }
  const proved = rideSession(run, user, operation);
  const accounts = onceProved(run.context.accounts, proved);
  const context = { ...run.context, user, accounts, repeats: null };
  if (operation.form === "me-write") {
    const { userId } = user;
    const key = await accountKeyOf(run, operation, userId, input);
    if (key instanceof Refusal) return problemAnswer(c, key.problem, key.details);
    const record = key && (await recordOf(run, key));
    if (key && record) return replayedAnswer(c, key, record);
    const guards = [sessionStands(user.sessionId, run.now)];
    const repeats = key && `${userId} ${name} ${key.token} ${key.fingerprint}`;
    const handled = async () => {
      const outcome = await operation.run({ ...context, repeats }, input);
      await proved();
      return outcome;
    };
    return await written(run, { operation, userId, guards, key }, handled);
  }
  const answer = await operation.run(context, input);
  await proved();
  if (answer instanceof Refusal) return problemAnswer(c, answer.problem, answer.details);
  return dataAnswer(c, operation.status ?? 200, jsonOf(operation.returns.parse(answer)));
}
