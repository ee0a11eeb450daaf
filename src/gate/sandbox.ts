import { eq } from "drizzle-orm";
import { type Change, insert, mustNotExist, update } from "#db/changes.ts";
import { directoryTenants, memberships, platformTenant } from "#db/directory-tables.ts";
import { foundOwner } from "#db/found-tenant.ts";
import { standingOfUser } from "#db/member-rows.ts";
import { keylessSession, systemSession } from "#db/open-tenant.ts";
import { many, uniqueIndexOf } from "#db/queries.ts";
import { all } from "#db/statement.ts";
import { commitAsSystem, type SystemRun } from "#db/system-commit.ts";
import type { TenantSession } from "#db/tenant-db.ts";
import type { Row } from "#db/tenant-table.ts";
import { sandboxId, sandboxSlug } from "#lib/sandbox.ts";
import type { Cell } from "#platform/cells.ts";
import type { Env } from "#platform/env.ts";
import { newId } from "#platform/ids.ts";
import { noCapabilities } from "./capabilities.ts";
import { members, tenants } from "./tables.ts";

/** Where a business tries things out: a tenant of its own beside it, in the same cell. */
export interface Sandbox {
  /**
   * Founds it where it is not there yet, and makes this user an owner of it who was no member. Any number of times.
   * @returns null where another tenant has its name, or it was closed
   */
  open(by: { readonly userId: string; readonly slug: string }): Promise<OpenSandbox | null>;
}

export interface OpenSandbox {
  readonly tenantId: string;
  readonly slug: string;
}

const mostTries = 5;

export function sandboxOf(env: Env, cell: Cell, parentId: string, run: SystemRun): Sandbox {
  const directory = keylessSession(env.DIRECTORY, platformTenant);
  return {
    async open(by) {
      const slug = sandboxSlug(by.slug);
      const claim = await claimed(directory, { id: await sandboxId(parentId), slug }, cell, run);
      if (claim === null) return null;
      if (claim.state === "claimed") await foundOwner(env, cell.database, claim.id, run.now);
      const terms = { parentId, slug, userId: by.userId };
      const owner = await repeated(() => owned(env, cell, claim.id, terms, run));
      await repeated(() => pointed(directory, claim.id, by.userId, owner, run));
      return { tenantId: claim.id, slug };
    },
  };
}

type Claim = Row<typeof directoryTenants>;

/** The slug is claimed first, so that of many who open it at once one founds it. */
async function claimed(
  directory: TenantSession,
  { id, slug }: { readonly id: string; readonly slug: string },
  cell: Cell,
  run: SystemRun,
): Promise<Claim | null> {
  const isIt = eq(directoryTenants.slug, slug);
  const claim = await repeated(async () => {
    const { found } = await directory.read({ found: many(directoryTenants, { where: isIt, limit: 1 }) });
    if (found[0]) return found[0];
    const first = insert(directoryTenants, { id, slug, cell: cell.id, state: "claimed" as const }, run.now);
    const changes = [mustNotExist(directoryTenants, isIt, null), first];
    return (await commitAsSystem(directory, run, changes)).kind === "committed" ? first.row : null;
  });
  return claim.id === id && claim.state !== "closed" ? claim : null;
}

interface Terms {
  readonly parentId: string;
  readonly slug: string;
  readonly userId: string;
}

/** Its rows in the cell. @returns the user's member there; null: somebody else was at it, so it is to be read again */
async function owned(
  env: Env,
  cell: Cell,
  tenantId: string,
  { parentId, slug, userId }: Terms,
  run: SystemRun,
): Promise<{ readonly isActive: boolean } | null> {
  const isThem = eq(members.userId, userId);
  const { there, theirs } = await keylessSession(cell.database, tenantId).read({
    there: many(tenants, { where: eq(tenants.id, tenantId), limit: 1 }),
    theirs: standingOfUser(userId),
  });
  if (there[0] && theirs !== null) return { isActive: theirs };
  const founding = there[0] ? [] : await foundingRows(cell, tenantId, { parentId, slug }, run);
  const whole = {
    grants: noCapabilities,
    denials: noCapabilities,
    state: "active" as const,
    allLocations: 1,
  };
  const joining =
    theirs === null
      ? [
          mustNotExist(members, isThem, null),
          insert(members, { id: newId("mbr"), userId, role: "owner", ...whole }, run.now),
        ]
      : [];
  const session = await systemSession(env, cell.database, tenantId);
  const outcome = await commitAsSystem(session, run, [...founding, ...joining]);
  return outcome.kind === "committed" ? { isActive: theirs ?? true } : null;
}

/** Its name and plan are its business's. */
async function foundingRows(
  cell: Cell,
  tenantId: string,
  { parentId, slug }: Pick<Terms, "parentId" | "slug">,
  run: SystemRun,
): Promise<Change[]> {
  const { own } = await keylessSession(cell.database, parentId).read({
    own: many(tenants, { where: eq(tenants.id, parentId), limit: 1 }),
  });
  const [parent] = own;
  if (!parent) throw new Error("A tenant without a row opens no sandbox.");
  const { name, trade, plan, currency, timezone } = parent;
  const like = { name, trade, plan, currency, timezone };
  return [
    mustNotExist(tenants, eq(tenants.id, tenantId), null),
    insert(tenants, { id: tenantId, slug, ...like, allowedOrigins: "[]" }, run.now),
  ];
}

/** What the directory has to know of it. */
async function pointed(
  directory: TenantSession,
  tenantId: string,
  userId: string,
  { isActive }: { readonly isActive: boolean },
  run: SystemRun,
): Promise<true | null> {
  const isTheirs = all(eq(memberships.userId, userId), eq(memberships.memberTenantId, tenantId));
  const { found, pointers } = await directory.read({
    found: many(directoryTenants, { where: eq(directoryTenants.id, tenantId), limit: 1 }),
    pointers: many(memberships, { ...uniqueIndexOf(memberships), where: isTheirs, limit: 1 }),
  });
  const [claim] = found;
  const changes: Change[] = [
    ...(claim?.state === "claimed"
      ? [update(directoryTenants, claim, { state: "active" as const }, run.now)]
      : []),
    ...(isActive && pointers.length === 0
      ? [
          mustNotExist(memberships, isTheirs, null),
          insert(memberships, { id: newId("mem"), userId, memberTenantId: tenantId }, run.now),
        ]
      : []),
  ];
  if (changes.length === 0) return true;
  return (await commitAsSystem(directory, run, changes)).kind === "committed" ? true : null;
}

async function repeated<T>(work: () => Promise<T | null>): Promise<T> {
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const done = await work();
    if (done !== null) return done;
  }
  throw new Error("A sandbox kept changing while it was opened.");
}
