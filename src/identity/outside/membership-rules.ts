import type { RoleTerms } from "#gate/outside-issuers.ts";
import type { Role } from "#gate/roles.ts";

/** What an issuer tells of one membership. Times are milliseconds of its clock. */
export interface MembershipNews {
  /** Its id of the membership: who leaves and joins again has another. */
  readonly membership: string;
  readonly role: string;
  readonly joinedMs: number;
  readonly changedMs: number;
  readonly isRemoval: boolean;
}

/** What is known of a person in an organization. Ended: the person is gone, and nobody comes after them. */
export interface Standing {
  readonly state: "active" | "removed" | "ended";
  readonly membership: string | null;
  readonly role: string | null;
  readonly joinedMs: number;
  readonly changedMs: number;
}

/**
 * What is known after the news; null where they are old. The later membership counts; of one membership its removal,
 * which is for good, and else the latest change. So it is the same whatever order, and however often, news come in.
 */
export function standingAfter(before: Standing | null, news: MembershipNews): Standing | null {
  const { membership, role, joinedMs, changedMs } = news;
  const after: Standing = {
    state: news.isRemoval ? "removed" : "active",
    membership,
    role,
    joinedMs,
    changedMs,
  };
  if (before === null) return after;
  if (before.state === "ended") return null;
  if (before.membership !== membership || before.joinedMs !== joinedMs)
    return isLater(news, before) ? after : null;
  if (before.state === "removed") return null;
  return news.isRemoval || changedMs > before.changedMs ? after : null;
}

/** Whatever was known: the person is gone for good. null where that was known. */
export function standingEnded(before: Standing | null): Standing | null {
  if (before?.state === "ended") return null;
  return { membership: null, role: null, joinedMs: 0, changedMs: 0, ...before, state: "ended" };
}

/** The organization is gone; whoever was in it is no longer. */
export function standingRemoved(before: Standing | null): Standing | null {
  return before?.state === "active" ? { ...before, state: "removed" } : null;
}

function isLater(news: MembershipNews, before: Standing): boolean {
  if (news.joinedMs !== before.joinedMs) return news.joinedMs > before.joinedMs;
  return news.membership > (before.membership ?? "");
}

export interface MemberBefore {
  readonly state: "active" | "suspended";
  readonly role: string;
  readonly roleId: string | null;
  readonly allLocations: number;
  /** Since when they are no member any more: for good, whatever their issuer says. */
  readonly removedAt: string | null;
}

/** What becomes of the member, and whether their suspension is then the issuer's doing. */
export interface MemberStep {
  readonly create: RoleTerms | null;
  readonly patch: Partial<{
    state: "active" | "suspended";
    role: Role;
    roleId: null;
    allLocations: number;
  }>;
  readonly suspends: boolean;
}

/**
 * A member of an issuer's making follows it: whoever has left, or has a role that is mapped to none, is suspended; a
 * role that changed there changes here. What was changed here, and did not change there, stays.
 */
export function memberStep(given: {
  readonly before: Standing | null;
  readonly after: Standing;
  /** null where there is no member yet. */
  readonly member: MemberBefore | null;
  readonly suspends: boolean;
  readonly termsOf: (role: string | null) => RoleTerms | null;
}): MemberStep {
  const { before, after, member, suspends } = given;
  if (member && member.removedAt !== null) return { create: null, patch: {}, suspends: false };
  const terms = after.state === "active" ? given.termsOf(after.role) : null;
  if (terms === null) {
    const mustSuspend = member?.state === "active";
    return {
      create: null,
      patch: mustSuspend ? { state: "suspended" } : {},
      suspends: mustSuspend || suspends,
    };
  }
  if (member === null) return { create: terms, patch: {}, suspends: false };
  const isRoleNew = before?.state !== "active" || before.role !== after.role;
  const allLocations = terms.allLocations ? 1 : 0;
  const isRoleSame =
    member.role === terms.role && member.roleId === null && member.allLocations === allLocations;
  return {
    create: null,
    patch: {
      ...(suspends && member.state === "suspended" ? { state: "active" as const } : {}),
      ...(isRoleNew && !isRoleSame ? { role: terms.role, roleId: null, allLocations } : {}),
    },
    suspends: false,
  };
}
