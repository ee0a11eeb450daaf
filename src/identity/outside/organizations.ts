import { eq, sql } from "drizzle-orm";
import { type Change, insert, mustNotExist, update } from "#db/changes.ts";
import type { RecordDraft } from "#db/commit.ts";
import { openDirectory } from "#db/directory.ts";
import { outsideOrganizationClaims as claims, directoryTenants } from "#db/directory-tables.ts";
import { systemSession } from "#db/open-tenant.ts";
import { many } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { outsideMembers, outsideOrganizations } from "#gate/outside-tables.ts";
import { type Cell, cellOf } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { standingRemoved } from "./membership-rules.ts";
import { linked } from "./people.ts";
import { changeStanding } from "./standing.ts";

/** An organization as its issuer names it. */
export interface OutsideOrganization {
  readonly issuer: string;
  readonly organization: string;
}

export type LinkOutcome = "linked" | "no-such-tenant" | "taken" | "tenant-has-another" | "being-unlinked";

type Claim = Row<typeof claims>;

/** What stands beside an unlinking: who is told of its commits, and what is kept of the message that asked for it. */
export interface Unlinking {
  readonly tell?: (cell: Cell, tenantId: string, changes: readonly Change[]) => Promise<void>;
  readonly record?: RecordDraft;
}
const mostTries = 5;
// Of each call: the rest is for the next, which the caller is told to make.
const mostMembersPerCall = 100;

/**
 * Links an organization to a tenant: an operator's act, as nothing else proves whose the organization is. Claimed in
 * the directory first, then told to the cell; a call that died is made good by the next.
 */
export async function linkOrganization(
  env: Env,
  { issuer, organization }: OutsideOrganization,
  slug: string,
  run: SystemRun,
): Promise<LinkOutcome> {
  const directory = await openDirectory(env);
  const bySlug = many(directoryTenants, { where: eq(directoryTenants.slug, slug), limit: 1 });
  const {
    tenants: [tenant],
  } = await directory.read({ tenants: bySlug });
  const cell = tenant?.state === "active" ? cellOf(env, tenant.cell) : null;
  if (!tenant || !cell) return "no-such-tenant";
  const claim = await claimOf(directory, { issuer, organization }, tenant.id, run);
  if (typeof claim === "string") return claim;
  const session = await systemSession(env, cell.database, tenant.id);
  const { id } = claim;
  const row = { id, issuer, organization, state: "linked" as const };
  await commitAsSystem(session, run, [
    mustNotExist(outsideOrganizations, eq(outsideOrganizations.id, id), { problem: "there-already" }),
    insert(outsideOrganizations, row, run.now),
  ]);
  return (await session.get(outsideOrganizations, id))?.state === "linked" ? "linked" : "being-unlinked";
}

async function claimOf(
  directory: TenantSession,
  { issuer, organization }: OutsideOrganization,
  ownerId: string,
  run: SystemRun,
): Promise<Claim | "taken" | "tenant-has-another"> {
  const found = await liveClaim(directory, { issuer, organization });
  if (found) return found.ownerId === ownerId ? found : "taken";
  const claim = insert(claims, { id: newId("oor"), issuer, organization, ownerId, state: "linked" }, run.now);
  const isTaken = all(eq(claims.issuer, issuer), eq(claims.organization, organization));
  const hasAnother = all(eq(claims.ownerId, ownerId), eq(claims.issuer, issuer));
  const outcome = await commitAsSystem(directory, run, [
    mustNotExist(claims, linked(isTaken), { problem: "taken" }),
    mustNotExist(claims, linked(hasAnother), { problem: "tenant-has-another" }),
    claim,
  ]);
  if (outcome.kind === "committed") return claim.row;
  if (outcome.kind === "refused" && outcome.refusal.problem === "tenant-has-another")
    return "tenant-has-another";
  // Whoever was first may have been another run of the same command.
  const winner = await liveClaim(directory, { issuer, organization });
  return winner?.ownerId === ownerId ? winner : "taken";
}

/** The claim of an organization that is linked. */
export async function liveClaim(
  directory: TenantSession,
  { issuer, organization }: OutsideOrganization,
): Promise<Claim | null> {
  const where = linked(all(eq(claims.issuer, issuer), eq(claims.organization, organization)));
  const {
    found: [claim],
  } = await directory.read({ found: many(claims, { where, limit: 1 }) });
  return claim ?? null;
}

/**
 * Ends a link. The cell is first, and from its commit on no token of the organization is taken; then its members are
 * suspended, then the claim is given up. "more": a bounded number was done, call again.
 */
export async function unlinkOrganization(
  env: Env,
  organization: OutsideOrganization,
  run: SystemRun,
  unlinking: Unlinking = {},
): Promise<"unlinked" | "not-linked" | "more"> {
  const directory = await openDirectory(env);
  const claim = await liveClaim(directory, organization);
  if (!claim) return "not-linked";
  if ((await endInCell(env, claim, run, unlinking)) === "more") return "more";
  const ended = update(claims, claim, { state: "ended" }, run.now);
  await commitAsSystem(directory, run, [ended], null, unlinking.record);
  return "unlinked";
}

async function endInCell(
  env: Env,
  claim: Claim,
  run: SystemRun,
  { tell }: Unlinking,
): Promise<"done" | "more"> {
  const directory = await openDirectory(env);
  const tenant = await directory.get(directoryTenants, claim.ownerId);
  const cell = tenant && cellOf(env, tenant.cell);
  if (!cell) throw new Error("A claim's tenant has no cell here.");
  const session = await systemSession(env, cell.database, claim.ownerId);
  await endOrganization(session, claim.id, run);
  const { active } = await session.read({
    active: many(outsideMembers, {
      where: sql`${outsideMembers.state} = 'active' and ${outsideMembers.organizationId} = ${claim.id}`,
      indexedBy: "outside_members_active",
      order: sql`${outsideMembers.id}`,
      limit: mostMembersPerCall,
    }),
  });
  for (const row of active) {
    // The tombstone of somebody who never was a member here names none.
    const placed = { ...row, indexId: row.id, memberId: row.memberId ?? row.id };
    const outcome = await changeStanding(
      session,
      placed,
      {
        after: standingRemoved,
        termsOf: () => null,
        asksForLink: false,
        record: null,
      },
      run,
    );
    if (outcome.kind === "committed") await tell?.(cell, claim.ownerId, outcome.changes);
  }
  return active.length < mostMembersPerCall ? "done" : "more";
}

async function endOrganization(session: TenantSession, id: string, run: SystemRun): Promise<void> {
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const organization = await session.get(outsideOrganizations, id);
    if (!organization || organization.state === "ended") return;
    const ended = update(outsideOrganizations, organization, { state: "ended" }, run.now);
    if ((await commitAsSystem(session, run, [ended])).kind === "committed") return;
  }
  throw new Error("An organization's row kept changing while it was ended.");
}
