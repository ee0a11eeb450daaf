import type { z } from "zod";
import { mintApiKey } from "#crypto/api-key.ts";
import type { DataKey } from "#crypto/envelope.ts";
import type { Actor, SupportActor } from "#db/audit-rows.ts";
import { sealCaller } from "#db/callers.ts";
import type { Change } from "#db/changes.ts";
import { type CommitOutcome, commitChanges, type Envelope } from "#db/commit.ts";
import type { IntentStep } from "#db/intent-rows.ts";
import { Store } from "#db/store.ts";
import { EpochMoved, TenantSession, tenantDb } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { directoryKeys } from "#gate/directory-keys.ts";
import { stillVisiting } from "#gate/support-ends.ts";
import { auditLogOf } from "#platform/audit-trees.ts";
import { systemNow } from "#platform/clock.ts";
import { destinationFault } from "#platform/destinations.ts";
import { newId } from "#platform/ids.ts";
import type { JsonAnswer } from "./answer.ts";
import { dataAnswer } from "./answers.ts";
import { bookmarkHeader, bookmarkOf, laterBookmark } from "./bookmark.ts";
import type { Caller } from "./caller.ts";
import { cameFrom } from "./came-from.ts";
import { linkedPeopleOf } from "./linked-people.ts";
import { masked } from "./masking.ts";
import type { TenantContext } from "./operation.ts";
import { cursorsOf } from "./page.ts";
import type { RequestContext } from "./request-state.ts";

/** One request on its way through the door: who, with which rights, at what time. */
export interface Run {
  readonly c: RequestContext;
  readonly caller: Caller;
  readonly operation: string;
  readonly now: number;
  readonly driver: TenantDriver;
  readonly session: TenantSession;
  readonly context: TenantContext;
  /** Whether a read of this request has found that its Idempotency-Key was answered before. */
  readonly replay: { isFound: boolean };
}

const anyReplica = "first-unconstrained";

/** Opens the tenant's handle: writes read from the primary, reads from wherever has seen enough. */
export async function openRun(
  c: RequestContext,
  caller: Caller,
  operation: string,
  now: number,
  isRead: boolean,
  store: "cell" | "log" | "none" = "cell",
): Promise<Run> {
  const { tenantId } = caller.policy;
  const from = isRead && store !== "none" ? await readFrom(c, caller) : "first-primary";
  const driver = new TenantDriver(new Store(caller.cell.database, from), tenantId);
  const reach = { locations: caller.policy.locations, assigneeId: caller.policy.assigneeId };
  const session = new TenantSession(driver, {
    reach,
    keys: caller.keys,
    epoch: caller.policy.epoch,
    reads: store === "log" ? new TenantDriver(new Store(caller.cell.log, anyReplica), tenantId) : driver,
  });
  const replay = { isFound: false };
  const context: TenantContext = {
    tenant: tenantDb(session),
    principal: caller.principal,
    now,
    newId,
    cursors: cursorsOf(caller.keys.ring, tenantId, operation),
    mintApiKey: async (mode, id) => {
      const { newestPepper } = await directoryKeys(c.env, (keys) => keys.newestPepper !== null);
      if (!newestPepper) throw new Error("The directory holds no key pepper yet; the cron makes one.");
      const minted = await mintApiKey(newestPepper, {
        kind: id.startsWith("cli_") ? "client" : "api-key",
        mode,
        cell: caller.cell.id,
        id: id.replace(/^[a-z]{3}_/, ""),
      });
      return { ...minted, pepperVersion: newestPepper.version };
    },
    auditLog: auditLogOf(c.env, caller.cell, tenantId),
    linkedPeople: linkedPeopleOf(c, caller, { operation, now, isAnswered: () => replay.isFound }),
    destinationFault: (url) => destinationFault(c.env, url),
    address: cameFrom(c).address,
    ownHost: new URL(c.env.PUBLIC_ORIGIN).hostname,
  };
  return { c, caller, operation, now, driver, session, context, replay };
}

async function readFrom(c: RequestContext, { keys, policy, cell }: Caller): Promise<string> {
  const brought = c.req.header("x-keyline-bookmark");
  const seen = brought === undefined ? null : await bookmarkOf(keys.ring, policy.tenantId, cell.id, brought);
  return laterBookmark(seen, policy.bookmark) ?? anyReplica;
}

/** Commits the changes of this request. @throws EpochMoved where its rights have moved */
export async function commitRun(
  run: Run,
  session: TenantSession,
  changes: readonly Change[],
  envelope: Omit<Envelope, "audit">,
): Promise<CommitOutcome> {
  const audit = {
    now: run.now,
    requestId: run.c.get("state").requestId,
    operation: run.operation,
    actor: actorOf(run.caller),
    caller: await sealedCaller(run),
  };
  const outcome = await commitChanges(session, { ...envelope, audit }, [
    ...stillAllowed(run.caller, envelope.intent),
    ...changes,
  ]);
  if (outcome.kind === "lost" && outcome.what === "epoch") throw new EpochMoved();
  return outcome;
}

// What is undone is undone whoever asked for it.
function stillAllowed({ principal, policy: { support } }: Caller, intent: IntentStep | null) {
  if (support === null || intent?.step === "abandon") return [];
  return stillVisiting(principal.id, support.grantId, systemNow());
}

function actorOf(caller: Caller): Actor {
  const agent = supportActorOf(caller);
  if (agent) return agent;
  const { kind, id } = caller.principal;
  const { by } = caller.credential;
  if (kind === "support-agent") throw new Error("A support agent came by no grant.");
  return by === null ? { kind, id } : { kind, id, by };
}

/** Null where no agent of support asks. */
export function supportActorOf({
  principal: { kind, id },
  policy: { support },
}: Caller): SupportActor | null {
  if (kind !== "support-agent" || support === null) return null;
  const { agentId, grantId, memberId } = support;
  return { kind, id: agentId, support: { sessionId: id, grantId, memberId } };
}

// Opened once for as long as the gate hands out the same wrapped key.
const callerKeys = new WeakMap<object, DataKey>();

// Address and user agent are the caller's personal data: they lie under the caller's own key.
async function sealedCaller({ c, caller }: Run): Promise<string | null> {
  const { subjectKey } = caller.policy;
  if (!subjectKey) return null;
  const subjectId = caller.policy.support?.agentId ?? caller.principal.id;
  const key = callerKeys.get(subjectKey) ?? (await caller.keys.ring.openSubjectKey(subjectId, subjectKey));
  callerKeys.set(subjectKey, key);
  const at = { tenantId: caller.policy.tenantId, requestId: c.get("state").requestId };
  return await sealCaller(key, at, {
    ip: c.req.header("cf-connecting-ip") ?? null,
    userAgent: c.req.header("user-agent")?.slice(0, 256) ?? null,
  });
}

/** A success with the database's bookmark; a support agent is shown of people what their grant lets be shown. */
export async function answered(
  run: Run,
  status: 200 | 201 | 204,
  answer: JsonAnswer,
  returns: z.ZodType,
): Promise<Response> {
  await showBookmark(run);
  const { support } = run.caller.policy;
  if (support === null || support.showsPersonalData) return dataAnswer(run.c, status, answer);
  const shown = JSON.stringify(masked(returns, JSON.parse(answer.json)));
  return dataAnswer(run.c, status, { ...answer, json: shown });
}

/** Tells the client where the database stood, so that its next read sees what this one saw. */
export async function showBookmark({ c, caller, driver }: Run): Promise<void> {
  const bookmark = driver.bookmark();
  if (bookmark === null) return;
  c.get("state").headers.set(
    "X-Keyline-Bookmark",
    await bookmarkHeader(caller.keys.ring, caller.policy.tenantId, caller.cell.id, bookmark),
  );
}
