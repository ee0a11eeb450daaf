import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { HashersBusy } from "#crypto/argon2id.ts";
import { SealError } from "#crypto/envelope.ts";
import { isBusy } from "#db/d1-errors.ts";
import { platformTenant } from "#db/directory-tables.ts";
import { type ReplayKey, replayKey } from "#db/replay.ts";
import { EpochMoved } from "#db/tenant-db.ts";
import { noteUnopened } from "#db/unopened.ts";
import { IssuerUnavailable } from "#gate/outside-keys.ts";
import { systemNow } from "#platform/clock.ts";
import { KmsUnavailable } from "#platform/kms.ts";
import { errorFields, log } from "#platform/log.ts";
import { serveMe, serveVisitor, signedIn } from "./account-door.ts";
import type { SignedIn } from "./account-operation.ts";
import { jsonOf } from "./answer.ts";
import { dataAnswer, problemAnswer, protocolAnswer, textAnswer } from "./answers.ts";
import { admit, type Caller, isMaskedFor, mayCall, staleProof } from "./caller.ts";
import type { AccountServicesOf } from "./directory-run.ts";
import { executeEffect } from "./effect.ts";
import { answered, commitRun, openRun } from "./execute.ts";
import { frame } from "./frame.ts";
import { idempotencyKeyOf } from "./idempotency-key.ts";
import { isBytes, mediaOf } from "./media.ts";
import type { PublicContext } from "./operation.ts";
import { Refusal } from "./outcome.ts";
import { ProtocolAnswer } from "./protocol-answer.ts";
import type { ProtocolContext } from "./protocol-operation.ts";
import { refusalNotes } from "./refusal-notes.ts";
import {
  type AnyInput,
  type AnyProtocol,
  type AnyPublic,
  type AnyTenantOperation,
  type AnyVisitor,
  isForAnybody,
  isMine,
  type NamedOperation,
  namedOperations,
  pathOf,
  type Registry,
} from "./registry.ts";
import type { AppTypes, RequestContext } from "./request-state.ts";
import { SegmentRouter } from "./segment-router.ts";
import { storedObject } from "./stored-object.ts";
import { streamAnswer } from "./stream-answer.ts";
import { TextAnswer } from "./text-answer.ts";
import { inputOf, validators } from "./validate.ts";
import { executeWrite } from "./write.ts";

/** What operations without a tenant are given. */
interface Contexts {
  readonly public: (c: RequestContext) => PublicContext;
  readonly protocol: (c: RequestContext) => ProtocolContext;
  readonly accounts: AccountServicesOf;
}

/** The one door: authenticate → gate → authorize → validate → run → parse the answer → commit → answer → log. */
export function doorTo(registry: Registry, contexts: Contexts): Hono<AppTypes> {
  const app = new Hono<AppTypes>({ router: new SegmentRouter() });
  app.use(frame);
  app.notFound((c) => problemAnswer(c, "not-found"));
  app.onError((error, c) => unexpected(c, error));
  for (const named of namedOperations(registry)) mount(app, named, contexts);
  return app;
}

function mount(app: Hono<AppTypes>, { name, operation }: NamedOperation, contexts: Contexts): void {
  const path = pathOf(operation).replaceAll(/\{(\w+)\}/g, ":$1");
  const method = operation.method.toUpperCase();
  if (isForAnybody(operation)) {
    app.on(
      method,
      [path],
      ...validators(operation),
      async (c) => await serveAnybody(c, name, operation, contexts),
    );
    return;
  }
  if (isMine(operation)) {
    app.on(
      method,
      [path],
      async (c, next) => {
        c.get("state").operation = name;
        c.get("state").route = `${method} ${pathOf(operation)}`;
        const user = await signedIn(c);
        if (!user) return problemAnswer(c, "unauthorized");
        c.set("user", user);
        return await next();
      },
      ...validators(operation),
      async (c) => await serveMe(c, name, operation, userFrom(c), inputOf(c, operation), contexts.accounts),
    );
    return;
  }
  const route = `${method} ${pathOf(operation)}`;
  app.on(
    method,
    [path],
    async (c, next) => {
      c.get("state").operation = name;
      c.get("state").route = route;
      const caller = await authorized(c, name, operation);
      if (caller instanceof Response) return caller;
      c.set("caller", caller);
      return await next();
    },
    ...validators(operation),
    async (c) => await serve(c, name, operation, callerFrom(c)),
  );
}

/** authenticate → gate → authorize. A refusal is recorded under rights that still stand, or they are read anew. */
async function authorized(
  c: RequestContext,
  name: string,
  operation: AnyTenantOperation,
  staleEpoch: number | null = null,
): Promise<Caller | Response> {
  const caller = await admit(c, c.req.param("tenant") ?? "", operation, staleEpoch);
  if (caller instanceof Refusal) return problemAnswer(c, caller.problem, caller.details);
  if (mayCall(caller, operation)) {
    if (isMaskedFor(caller, operation)) return problemAnswer(c, "personal-data-masked");
    const stale = staleProof(caller, operation);
    return stale ? problemAnswer(c, stale.problem, stale.details) : caller;
  }
  try {
    return await forbid(c, name, operation, caller);
  } catch (error) {
    if (!(error instanceof EpochMoved) || staleEpoch !== null) throw error;
    return await authorized(c, name, operation, caller.policy.epoch);
  }
}

async function forbid(
  c: RequestContext,
  name: string,
  operation: AnyTenantOperation,
  caller: Caller,
): Promise<Response> {
  const notes = refusalNotes(name, operation, "forbidden");
  if (notes.length > 0) {
    const run = await openRun(c, caller, name, systemNow(), false);
    await commitRun(run, run.session, notes, { record: null, intent: null });
  }
  return problemAnswer(c, "forbidden");
}

function callerFrom(c: RequestContext): Caller {
  const caller = c.get("caller");
  if (!caller) throw new Error("A request came past authentication without a caller.");
  return caller;
}

function userFrom(c: RequestContext): SignedIn {
  const user = c.get("user");
  if (!user) throw new Error("A request came past authentication without a user.");
  return user;
}

async function serveAnybody(
  c: RequestContext,
  name: string,
  operation: AnyPublic | AnyProtocol | AnyVisitor,
  contexts: Contexts,
): Promise<Response> {
  c.get("state").operation = name;
  switch (operation.form) {
    case "public":
      return await servePublic(c, operation, contexts.public(c));
    case "protocol":
      return await serveProtocol(c, operation, contexts.protocol(c));
    case "visitor":
      return await serveVisitor(c, name, operation, inputOf(c, operation), contexts.accounts);
  }
}

async function servePublic(
  c: RequestContext,
  operation: AnyPublic,
  context: PublicContext,
): Promise<Response> {
  // No credentials are asked for, so any page may read what anybody may.
  c.get("state").headers.set("Access-Control-Allow-Origin", "*");
  const answer = await operation.run(context, inputOf(c, operation));
  if (answer instanceof Refusal) return problemAnswer(c, answer.problem, answer.details);
  if (answer instanceof TextAnswer) return await textAnswer(c, mediaOf(operation.returns), answer);
  return dataAnswer(c, operation.status ?? 200, jsonOf(operation.returns.parse(answer)));
}

async function serveProtocol(
  c: RequestContext,
  operation: AnyProtocol,
  context: ProtocolContext,
): Promise<Response> {
  c.get("state").route = `${operation.method.toUpperCase()} ${pathOf(operation)}`;
  // Pages of other origins are clients too, and send no credentials but those that they write themselves.
  if (operation.refuses) c.get("state").headers.set("Access-Control-Allow-Origin", "*");
  const answer = await operation.run(context, {
    params: inputOf(c, operation).params,
    header: (header) => c.req.header(header),
    body: new Uint8Array(await c.req.arrayBuffer()),
  });
  if (answer instanceof Refusal) return problemAnswer(c, answer.problem, answer.details);
  if (answer instanceof ProtocolAnswer) return protocolAnswer(c, operation, answer);
  return dataAnswer(c, operation.status ?? 200, jsonOf(operation.returns.parse(answer)));
}

// Rights that moved under a request are read again and authorized once more; a second time is too much for one request.
async function serve(
  c: RequestContext,
  name: string,
  operation: AnyTenantOperation,
  caller: Caller,
): Promise<Response> {
  const input = inputOf(c, operation);
  try {
    return await execute(c, name, operation, caller, input);
  } catch (error) {
    if (!(error instanceof EpochMoved)) throw error;
  }
  const again = await authorized(c, name, operation, caller.policy.epoch);
  return again instanceof Response ? again : await execute(c, name, operation, again, input);
}

async function execute(
  c: RequestContext,
  name: string,
  operation: AnyTenantOperation,
  caller: Caller,
  input: AnyInput,
): Promise<Response> {
  const now = systemNow();
  // A body may be slow: whoever was let in before it came may be over their time after it.
  const { expiresAt, endsAt } = caller.policy;
  if ([expiresAt, endsAt].some((end) => end !== null && end <= now)) return problemAnswer(c, "unauthorized");
  const run = await openRun(c, caller, name, now, operation.form === "read", operation.store);
  if (operation.form === "read") {
    const answer = await operation.run(run.context, input);
    if (answer instanceof Refusal) return problemAnswer(c, answer.problem, answer.details);
    if (isBytes(operation.returns)) return await streamAnswer(run, storedObject(answer));
    return await answered(run, 200, jsonOf(operation.returns.parse(answer)), operation.returns);
  }
  const key = await replayKeyOf(c, name, operation, caller, input);
  if (key instanceof Refusal) return problemAnswer(c, key.problem, key.details);
  return operation.form === "write"
    ? await executeWrite(run, operation, input, key)
    : await executeEffect(run, operation, input, key);
}

async function replayKeyOf(
  c: RequestContext,
  name: string,
  operation: AnyTenantOperation,
  caller: Caller,
  input: AnyInput,
): Promise<ReplayKey | null | Refusal> {
  const key = idempotencyKeyOf(c, operation.method);
  if (key === null || key instanceof Refusal) return key;
  const request = JSON.stringify([input.params, input.query, input.body]);
  return await replayKey(caller.keys, { principalId: caller.principal.id, operation: name, key, request });
}

async function unexpected(c: RequestContext, error: Error): Promise<Response> {
  if (error instanceof HTTPException && error.status === 400) return problemAnswer(c, "malformed-request");
  if (error instanceof EpochMoved) return problemAnswer(c, "unavailable", { retryAfterSeconds: 1 });
  if (error instanceof HashersBusy)
    return problemAnswer(c, "unavailable", { retryAfterSeconds: error.retryAfterSeconds });
  if (error instanceof IssuerUnavailable) return problemAnswer(c, "unavailable", { retryAfterSeconds: 60 });
  if (error instanceof KmsUnavailable) {
    log("error", "the key-encryption keys are away", errorFields(error));
    return problemAnswer(c, "unavailable", { retryAfterSeconds: 5 });
  }
  log("error", "unexpected error", {
    requestId: c.get("state").requestId,
    operation: c.get("state").operation,
    ...errorFields(error),
  });
  if (error instanceof SealError) await recordUnopened(c, error);
  return isBusy(error)
    ? problemAnswer(c, "unavailable", { retryAfterSeconds: 5 })
    : problemAnswer(c, "internal");
}

// Only the caller's own tenant and the platform have keys that a request opens.
async function recordUnopened(c: RequestContext, error: SealError): Promise<void> {
  const { requestId, caller } = c.get("state");
  const owner = error.address?.tenant;
  const database =
    owner === platformTenant
      ? c.env.DIRECTORY
      : owner === caller?.tenantId
        ? caller?.cell.database
        : undefined;
  if (database) await noteUnopened(database, error, { requestId, now: systemNow() });
}
