import { SealError } from "#crypto/envelope.ts";
import { type Caller, sealCaller } from "#db/callers.ts";
import { type Change, note, update } from "#db/changes.ts";
import { commitChanges } from "#db/commit.ts";
import type { SourceEvent } from "#db/copied-events.ts";
import { copyFactors, FactorState } from "#db/member-factors.ts";
import { onceWithin } from "#db/once-an-hour.ts";
import { keylessSession, systemSession } from "#db/open-tenant.ts";
import { commitAsSystem } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import { noteUnopened } from "#db/unopened.ts";
import { type Membership, membersOfUser, type Place } from "#gate/members-of-user.ts";
import { members } from "#gate/tables.ts";
import type { IdentityEvent } from "#identity/identity-events.ts";
import { dayMs } from "#lib/time.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";

const job = "identity.copy";
/** For longer than a cell is away with a page half told. */
const recordsKeptMs = 30 * dayMs;

export interface IdentityFact extends SourceEvent {
  readonly type: IdentityEvent;
}

/** Who a user is, as a tenant shows its members. */
export interface Profile {
  readonly name: string;
  readonly email: string;
}

export interface MemberTeller {
  /** Tells each of these places of this cell at which the user is a member; what was told before is not told again. */
  readonly tell: (
    fact: IdentityFact,
    who: { readonly userId: string; readonly profile: Profile | null },
    places: readonly Place[],
    caller: Caller,
  ) => Promise<void>;
  /** The tenants that were told something. */
  readonly tenantIds: ReadonlySet<string>;
  readonly copies: () => number;
}

/** Tells one cell's tenants; members and keys are read once for all that it is asked to tell. */
export function memberTeller(env: Env, cell: Cell, now: number): MemberTeller {
  const memberships = new Map<string, Promise<Membership[]>>();
  const sessions = new Map<string, Promise<TenantSession>>();
  const tenantIds = new Set<string>();
  const unopened = new Set<string>();
  let copies = 0;
  return { tell, tenantIds, copies: () => copies };

  async function tell(
    fact: IdentityFact,
    { userId, profile }: { readonly userId: string; readonly profile: Profile | null },
    places: readonly Place[],
    caller: Caller,
  ): Promise<void> {
    // Whoever is suspended as well: the audit has to have what they do with their account.
    const known = memberships.get(userId) ?? membersOfUser(env, places, userId, "whoever");
    memberships.set(userId, known);
    for (const { tenantId, memberId, joinedAt } of await known) {
      // What they did before is none of this tenant's.
      if (fact.at < joinedAt) continue;
      copies += 1;
      const session = sessions.get(tenantId) ?? openOrNote(fact, tenantId);
      sessions.set(tenantId, session);
      await copy(fact, memberId, await session, caller);
      if (profile) await showProfile(fact, memberId, await session, profile);
      tenantIds.add(tenantId);
    }
  }

  async function copy(
    { id, type, data, at, sealed: { requestId, actorId } }: IdentityFact,
    memberId: string,
    session: TenantSession,
    caller: Caller,
  ): Promise<void> {
    const { tenantId } = session;
    const { userId: _, ...details } = data;
    const told = { at, ...details };
    // With each sign-in too: whoever joined since has it from the next one on.
    const state = FactorState.safeParse(data);
    const changes: Change[] = [
      { ...note("member", memberId, told), action: type, assigneeId: memberId },
      {
        kind: "emit",
        type,
        data: { memberId, ...told },
        locationId: null,
        assigneeId: memberId,
      },
      ...(state.success ? [copyFactors(tenantId, memberId, state.data, now)] : []),
    ];
    const sealed = await sealedFor(session, memberId, requestId, caller);
    const audit = {
      now,
      requestId,
      operation: job,
      // What was tried at them by who knows whom is not what they did; it lies under their key all the same.
      actor: { kind: actorId === data.userId ? ("member" as const) : ("stranger" as const), id: memberId },
      caller: sealed,
    };
    // Where it was told before this is lost to its record; a tenant that is being taken down is told nothing more.
    await commitChanges(
      session,
      { audit, record: onceWithin(recordsKeptMs, job, id, now), intent: null },
      changes,
    );
  }

  // Apart from what is told: a member that changes at this moment shall not keep that from being told. The next time will do.
  async function showProfile(
    { sealed: { requestId } }: IdentityFact,
    memberId: string,
    session: TenantSession,
    { name, email }: Profile,
  ): Promise<void> {
    if (unopened.has(session.tenantId)) return;
    try {
      const member = await session.get(members, memberId);
      if (!member || member.removedAt !== null || (member.name === name && member.email === email)) return;
      await commitAsSystem(session, { job, requestId, now }, [update(members, member, { name, email }, now)]);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      await noteUnopened(cell.database, error, { requestId, now });
    }
  }

  // Keys that do not open are that tenant's trouble, and hold up nobody else: it is told without the caller.
  async function openOrNote(
    { sealed: { requestId } }: IdentityFact,
    tenantId: string,
  ): Promise<TenantSession> {
    try {
      return await systemSession(env, cell.database, tenantId);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      await noteUnopened(cell.database, error, { requestId, now });
      unopened.add(tenantId);
      return keylessSession(cell.database, tenantId);
    }
  }

  async function sealedFor(
    session: TenantSession,
    memberId: string,
    requestId: string,
    caller: Caller,
  ): Promise<string | null> {
    if (unopened.has(session.tenantId) || (caller.ip === null && caller.userAgent === null)) return null;
    const { subjects } = session.keys;
    try {
      if (!subjects.has(memberId)) await session.get(members, memberId);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      await noteUnopened(cell.database, error, { requestId, now });
    }
    const key = subjects.get(memberId);
    return key ? await sealCaller(key, { tenantId: session.tenantId, requestId }, caller) : null;
  }
}
