import { exactToken } from "#crypto/blind-index.ts";
import { type DataKey, SealError } from "#crypto/envelope.ts";
import type { TenantKeyRing } from "#crypto/key-ring.ts";
import { macToken, readMacToken } from "#crypto/mac-token.ts";
import { signToken } from "#crypto/token-signer.ts";
import type { Actor } from "#db/audit-rows.ts";
import { callerAddress, sealCaller } from "#db/callers.ts";
import type { Change } from "#db/changes.ts";
import { type CommitOutcome, commitChanges, type RecordDraft } from "#db/commit.ts";
import { platformTenant } from "#db/directory-tables.ts";
import type { Reach } from "#db/scope.ts";
import { Store } from "#db/store.ts";
import { TenantSession, tenantDb } from "#db/tenant-db.ts";
import { TenantDriver } from "#db/tenant-driver.ts";
import { type DirectoryKeys, directoryKeys, type Stranger } from "#gate/directory-keys.ts";
import { membersOfUser } from "#gate/members-of-user.ts";
import { normaliseEmail } from "#lib/normalise.ts";
import { monthOf } from "#lib/time.ts";
import { systemNow } from "#platform/clock.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { siteName } from "#platform/mail/mailer.ts";
import type { AccountPorts, AccountServices, DirectoryContext, Visitor } from "./account-operation.ts";
import { cameFrom } from "./came-from.ts";
import type { RequestContext } from "./request-state.ts";

/** One request on its way through the directory. */
export interface DirectoryRun {
  readonly c: RequestContext;
  readonly operation: string;
  readonly now: number;
  readonly session: TenantSession;
  readonly stranger: Stranger;
  readonly context: DirectoryContext;
}

/** What the rooms of identity do for an operation; the key makes the names of their objects. */
export type AccountServicesOf = (c: RequestContext, indexKey: CryptoKey) => AccountServices;

/** Opens the directory as far as this reach goes, with the keys that this isolate has at hand, or with fresh ones. */
export async function openDirectoryRun(
  c: RequestContext,
  operation: string,
  reach: Reach,
  servicesOf: AccountServicesOf,
  fresh: TenantKeyRing | null,
): Promise<DirectoryRun> {
  const now = systemNow();
  const month = monthOf(now);
  const keys = await directoryKeys(c.env, ({ strangers }) => strangers.has(month));
  const stranger = keys.strangers.get(month);
  if (!stranger) throw new Error("The directory has no key for this month's strangers; the cron makes one.");
  const session = new TenantSession(
    new TenantDriver(new Store(c.env.DIRECTORY, "first-primary"), platformTenant),
    {
      reach,
      epoch: null,
      keys: {
        tenantId: platformTenant,
        ring: fresh ?? keys.ring,
        subjects: new Map<string, DataKey | null>([[stranger.id, stranger.key]]),
      },
    },
  );
  const context = {
    directory: tenantDb(session),
    now,
    newId,
    requestId: c.get("state").requestId,
    visitor: visitorOf(c),
    accounts: { ...servicesOf(c, keys.ring.indexKey()), ...portsOf(c.env, keys) },
  };
  return { c, operation, now, session, stranger, context };
}

function portsOf(env: Env, { ring, tokenSigner }: DirectoryKeys): Omit<AccountPorts, keyof AccountServices> {
  // The directory's index key stays the same for good, so that a token outlives a rotation.
  const key = ring.indexKey();
  return {
    issuer: env.PUBLIC_ORIGIN,
    siteName: siteName(env),
    membersOf: (places, userId) => membersOfUser(env, places, userId),
    async emailToken(email) {
      const normalised = normaliseEmail(email);
      return normalised === null ? null : await exactToken(key, "email", normalised);
    },
    subjectToken: (subject) => exactToken(key, "subject", subject),
    makeToken: (kind, named) => macToken(key, kind, named),
    readToken: (kind, text) => readMacToken(key, kind, text),
    async sign(claims, typ) {
      if (!tokenSigner) throw new Error("The directory has no key that signs tokens; the cron makes one.");
      return await signToken(tokenSigner, claims, typ);
    },
  };
}

function visitorOf(c: RequestContext): Visitor {
  const { address, place } = cameFrom(c);
  return { address, place, userAgent: c.req.header("user-agent")?.slice(0, 256) ?? null };
}

/** Commits as this user, whose key was met in this request, or as nobody known. */
export async function commitToDirectory(
  run: DirectoryRun,
  userId: string | null,
  changes: readonly Change[],
  record: RecordDraft | null = null,
): Promise<CommitOutcome> {
  const { c, operation, now, session, stranger } = run;
  const { requestId } = c.get("state");
  const actor: Actor = userId === null ? { kind: "stranger", id: stranger.id } : { kind: "user", id: userId };
  const key = session.keys.subjects.get(actor.id);
  if (!key) throw new SealError("wrong-key", callerAddress(platformTenant, requestId));
  const { address: ip, userAgent } = run.context.visitor;
  const caller = await sealCaller(key, { tenantId: platformTenant, requestId }, { ip, userAgent });
  const audit = { now, requestId, operation, actor, caller };
  return await commitChanges(session, { audit, record, intent: null }, changes);
}
