import { eq, sql } from "drizzle-orm";
import { type Change, insert, mustExist, mustNotExist, update } from "#db/changes.ts";
import type { RecordDraft } from "#db/commit.ts";
import { many, one } from "#db/queries.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { noCapabilities } from "#gate/capabilities.ts";
import { lastOwner, notTheLastOwner } from "#gate/leaving.ts";
import type { RoleTerms } from "#gate/outside-issuers.ts";
import { outsideMembers, outsideOrganizations } from "#gate/outside-tables.ts";
import { members } from "#gate/tables.ts";
import { type MemberStep, memberStep, type Standing } from "./membership-rules.ts";

/** The ids of a person's rows in a tenant's cell, as the directory claimed them. */
export interface Placed {
  readonly indexId: string;
  readonly identityId: string;
  readonly organizationId: string;
  readonly memberId: string;
}

export interface StandingChange {
  /** null where there is nothing new. */
  readonly after: (before: Standing | null) => Standing | null;
  readonly termsOf: (role: string | null) => RoleTerms | null;
  /** Nobody comes into an organization that is no longer linked; whoever is in it can still be taken out. */
  readonly asksForLink: boolean;
  /** What is kept of the message that told of it. */
  readonly record: RecordDraft | null;
}

export type StandingOutcome =
  | { readonly kind: "committed"; readonly changes: readonly Change[] }
  | { readonly kind: "nothing-new" | "unlinked" | "told-before" };

const mostTries = 5;
const lost = { problem: "conflict" };
const unchanged: MemberStep = { create: null, patch: {}, suspends: false };

/**
 * Brings a person's row, and the member who follows it, to what is now known: one read, one commit. Only a business's last
 * owner stays one: their tokens count no more, as their row says, and somebody else of theirs can be made an owner.
 */
export async function changeStanding(
  session: TenantSession,
  placed: Placed,
  change: StandingChange,
  run: SystemRun,
): Promise<StandingOutcome> {
  let isLastOwner = false;
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const found = await session.read({
      organization: one(outsideOrganizations, placed.organizationId),
      row: one(outsideMembers, placed.indexId),
      member: one(members, placed.memberId),
      rows: many(outsideMembers, {
        where: eq(outsideMembers.memberId, placed.memberId),
        indexedBy: "outside_members_by_member",
        limit: 20,
      }),
    });
    const isLinked = found.organization?.state === "linked";
    if (!found.organization || (change.asksForLink && !isLinked)) return { kind: "unlinked" };
    const after = change.after(found.row);
    if (after === null) return { kind: "nothing-new" };
    const changes = [
      ...(change.asksForLink ? [mustBeLinked(placed)] : []),
      ...changesTo({ ...found, isLastOwner }, placed, after, change.termsOf, run.now),
    ];
    const outcome = await commitAsSystem(session, run, changes, null, change.record);
    if (outcome.kind === "committed") return { kind: "committed", changes };
    isLastOwner ||= outcome.kind === "refused" && outcome.refusal.problem === lastOwner;
    if (outcome.kind === "lost" && outcome.what === "replay") return { kind: "told-before" };
    if (outcome.kind === "lost" && outcome.what === "epoch") return { kind: "unlinked" };
  }
  throw new Error("A member's rows kept changing while their issuer's news were written.");
}

interface Found {
  readonly row: Row<typeof outsideMembers> | null;
  readonly member: Row<typeof members> | null;
  readonly rows: readonly Row<typeof outsideMembers>[];
  /** Seen when it was tried to take that from them. */
  readonly isLastOwner: boolean;
}

function changesTo(
  { row, member, rows, isLastOwner }: Found,
  placed: Placed,
  after: Standing,
  termsOf: (role: string | null) => RoleTerms | null,
  now: number,
): Change[] {
  // One that was here before, and whom an operator linked, is left as the tenant made them.
  const follows = row ? row.followsIssuer === 1 : member === null || member.userId === placed.identityId;
  const suspending = rows.filter((each) => each.suspendsMember === 1);
  const given = { before: row, after, member, suspends: suspending.length > 0, termsOf };
  const step: MemberStep = follows && !isLastOwner ? memberStep(given) : unchanged;
  const isThere = member !== null || step.create !== null;
  const columns = {
    memberId: isThere ? placed.memberId : null,
    ...standingOf(after),
    followsIssuer: follows ? 1 : 0,
    suspendsMember: step.suspends ? 1 : 0,
  };
  return [
    ...(step.create ? created(placed, step.create, now) : []),
    ...(member && Object.keys(step.patch).length > 0
      ? [
          ...(isOwner(step.patch) ? [] : notTheLastOwner({ row: member })),
          update(members, member, step.patch, now),
        ]
      : []),
    ...(row
      ? [update(outsideMembers, row, columns, now)]
      : [
          mustNotExist(outsideMembers, eq(outsideMembers.id, placed.indexId), lost),
          insert(
            outsideMembers,
            {
              id: placed.indexId,
              organizationId: placed.organizationId,
              identityId: placed.identityId,
              ...columns,
            },
            now,
          ),
        ]),
    // It is this row from now on that the suspension hangs on, or none.
    ...suspending
      .filter((each) => each.id !== placed.indexId)
      .map((each) => update(outsideMembers, each, { suspendsMember: 0 }, now)),
  ];
}

function isOwner({ state = "active", role = "owner" }: MemberStep["patch"]): boolean {
  return state === "active" && role === "owner";
}

function standingOf({ state, membership, role, joinedMs, changedMs }: Standing): Standing {
  return { state, membership, role, joinedMs, changedMs };
}

function created({ memberId, identityId }: Placed, { role, allLocations }: RoleTerms, now: number): Change[] {
  const member = {
    id: memberId,
    userId: identityId,
    role,
    grants: noCapabilities,
    denials: noCapabilities,
    state: "active" as const,
    allLocations: allLocations ? 1 : 0,
  };
  return [mustNotExist(members, eq(members.id, memberId), lost), insert(members, member, now)];
}

function mustBeLinked({ organizationId }: Placed): Change {
  const { id, state } = outsideOrganizations;
  return mustExist(outsideOrganizations, sql`${id} = ${organizationId} and ${state} = 'linked'`, lost);
}
